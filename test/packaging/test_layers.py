"""The rule of the house that lint cannot say: which packages may touch the world, and that pure code has no clock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TAKT = Path(__file__).resolve().parents[2] / "ros_nodes" / "takt"

# Pure: plain data in, plain data out. The named files are the edges at which each package meets the world.
EDGES = {
    "contract": {"command.py"},
    "deadlines": set(),
    "doctor": {"command.py", "machine.py", "probes.py"},
    "gazebo": {"command.py", "transport.py"},
    "line_simulator": {"command.py", "control.py", "ends.py", "line.py"},
    "link": {"command.py", "replay.py", "transports"},
    "monitoring": {"top.py"},
    "planning": set(),
    "recording": {"kills.py", "scribe.py"},
    "report": set(),
    "twin": {
        "bench.py",
        "chaos_command.py",
        "chaos_proof.py",
        "command.py",
        "film.py",
        "likeness_bench.py",
        "planted_proof.py",
        "planting.py",
        "workers.py",
    },
    "vision": {
        "bench.py",
        "capture.py",
        "detect_command.py",
        "evaluate.py",
        "faults.py",
        "perception.py",
        "steady.py",
        "time_limit.py",
        "sources",
        "worker.py",
    },
}
OUTSIDE = {
    "asyncio",
    "fcntl",
    "mmap",
    "multiprocessing",
    "pty",
    "select",
    "serial",
    "signal",
    "socket",
    "subprocess",
    "termios",
    "threading",
    "tty",
}
CLOCKS = {
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "sleep",
    "now",
    "utcnow",
    "today",
}


def pure_files() -> list[Path]:
    files = []
    for package, edges in EDGES.items():
        for path in sorted((TAKT / package).rglob("*.py")):
            if not edges & set(path.relative_to(TAKT / package).parts):
                files.append(path)
    return files


def offences(source: str) -> list[str]:
    """Imports of the outside world and reads of a clock, as ``line: what``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in ("time", "datetime") and node.func.attr in CLOCKS:
                found.append(f"{node.lineno}: {owner.id}.{node.func.attr}()")
            continue
        else:
            continue
        found += [f"{node.lineno}: import {name}" for name in names if name.split(".")[0] in OUTSIDE]
    return found


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(TAKT)))
def test_stage_packages_are_pure(path):
    assert offences(path.read_text()) == []


def test_the_rule_bites():
    assert offences("import socket") == ["1: import socket"]
    assert offences("from serial.tools import list_ports") == ["1: import serial.tools"]
    assert offences("import time\ndef f():\n    return time.monotonic_ns()") == ["3: time.monotonic_ns()"]
    assert offences("def f(now_ns: int) -> int:\n    return now_ns") == []
