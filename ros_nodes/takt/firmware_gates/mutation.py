"""Mutation testing of the firmware's safety-relevant files: builds each mutant and sees whether the tests notice.

Each mutant is compiled into the two shared libraries that the unit tests load, and judged by the tests of its file and
of the whole board. Tests run in a fork of this process, which has everything imported: about half a second a mutant.
Machine code that equals the original's is a survivor without a run; machine code that
equals another mutant's is the same mutant and left out. What does not compile is none.

The journal makes a run resumable: it is keyed by the mutants and by the tests.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.firmware_gates.mutants import Mutant, mutants
from takt.firmware_gates.tree import CORE, FIRMWARE, ROOT, host_compiler

FLAGS = ["-std=c11", "-O1", "-w", "-fPIC", "-ffp-contract=off"]
CPU_LIMIT_S = 8  # of one mutant's tests, which take 1 s: a loop without end is noticed by this
WALL_LIMIT_S = 120.0  # generous, for a busy machine: waiting is not a fault of the mutant
BOARD_TESTS = ("test/firmware/test_board*.py",)
TESTS = {
    "safety": ("test/firmware/test_safety*.py",),
    "age_gate": ("test/firmware/test_age_gate*.py",),
    "pid": ("test/firmware/test_pid*.py",),
    "ledger": ("test/firmware/test_ledger*.py",),
    "framing": ("test/link_c/test_framing*.py",),
    "shaping": ("test/firmware/test_shaping*.py",),
    "kinematics": ("test/firmware/test_kinematics*.py",),
    "encoder": ("test/firmware/test_encoder*.py",),
}
KILLED, SURVIVED, EQUIVALENT, REPEATED, INVALID = (
    "killed",
    "survived",
    "equivalent",
    "repeated",
    "invalid",
)


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    result: str


def tests_of(name: str) -> list[Path]:
    """The files of tests that judge `name`, the quick ones first."""
    return [path for pattern in (*TESTS[name], *BOARD_TESTS) for path in sorted(ROOT.glob(pattern))]


def fingerprint(name: str) -> str:
    """Changes with the mutants of the file, and so with the file, and with the tests that judge it."""
    digest = hashlib.sha256(repr(mutants((CORE / "src" / f"{name}.c").read_text())).encode())
    for path in tests_of(name):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class Journal:
    """Verdicts already known, one JSON line each, in a file of the fingerprint's name."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}-{fingerprint(name)}.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.results: dict[int, str] = dict(json.loads(line) for line in lines)

    def note(self, number: int, result: str) -> None:
        self.results[number] = result
        with self.path.open("a") as file:
            file.write(json.dumps([number, result]) + "\n")


class Workshop:
    """Builds libraries in which one file of the core is another one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.compiler = host_compiler()
        self.includes = [f"-I{CORE / part}" for part in ("include", "generated", "src")]
        generated = sorted((CORE / "generated").glob("*.c"))
        self.core = {path.stem: path for path in [*sorted((CORE / "src").glob("*.c")), *generated]}
        self.ends = {
            "twin": FIRMWARE / "twin" / "twin.c",
            "client_probe": ROOT / "test" / "link_c" / "client_probe.c",
        }
        for stem, path in {**self.core, **self.ends}.items():
            if not self.compile(path, self.object(stem)):
                raise TaktError(f"{path} does not compile", "see: ./run check")

    def object(self, stem: str) -> Path:
        return self.folder / f"{stem}.o"

    def compile(self, source: Path, to: Path) -> bool:
        command = [self.compiler, *FLAGS, *self.includes, "-c", "-o", str(to), str(source)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def link(
        self, name: str, replacement: Path, folder: Path, options: tuple[str, ...] = ()
    ) -> dict[str, str]:
        """Both libraries with `replacement` as the object of `name`; the environment that makes the tests use them."""
        parts = [replacement if stem == name else self.object(stem) for stem in self.core]
        environment = {}
        for variable, end in {
            "TAKT_CORE_LIBRARY": "twin",
            "TAKT_CLIENT_LIBRARY": "client_probe",
        }.items():
            library = folder / f"{end}.so"
            command = [self.compiler, "-shared", *options, "-o", library, *parts, self.object(end), "-lm"]
            subprocess.run([str(word) for word in command], check=True, capture_output=True)
            environment[variable] = str(library)
        return environment


def run_tests(paths: list[Path], environment: dict[str, str], log: Path) -> int:
    """Exit status of pytest over `paths` in a fork of this process; negative: ended by that signal."""
    child = os.fork()
    if child == 0:
        _be_tests(paths, environment, log)
    deadline = time.monotonic() + WALL_LIMIT_S
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.005)


def _be_tests(paths: list[Path], environment: dict[str, str], log: Path) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(environment)
    os.chdir(ROOT)
    import pytest

    status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--timeout=0", *map(str, paths)])
    os._exit(int(status))


def judge(name: str, workshop: Workshop, journal: Journal) -> Iterator[Verdict]:
    """A verdict on every mutant of core/src/`name`.c, known ones from the journal."""
    source = (CORE / "src" / f"{name}.c").read_text()
    folder = workshop.folder / name
    folder.mkdir(exist_ok=True)
    _prove_harness(name, workshop, folder)
    seen = {_code(workshop.object(name)): EQUIVALENT}
    for number, mutant in enumerate(mutants(source)):
        file, made = folder / f"{name}.c", folder / f"{name}.o"
        file.write_text(mutant.apply(source))
        if number not in journal.results:
            journal.note(number, _verdict(name, workshop, (file, made, folder), seen))
        elif journal.results[number] in (KILLED, SURVIVED) and workshop.compile(file, made):
            seen.setdefault(_code(made), REPEATED)
        yield Verdict(mutant, journal.results[number])


def _verdict(name: str, workshop: Workshop, paths: tuple[Path, Path, Path], seen: dict[str, str]) -> str:
    file, made, folder = paths
    if not workshop.compile(file, made):
        return INVALID
    code = _code(made)
    if code in seen:
        return seen[code]
    seen[code] = REPEATED
    environment = workshop.link(name, made, folder)
    return SURVIVED if run_tests(tests_of(name), environment, folder / "log") == 0 else KILLED


def _code(made: Path) -> str:
    """Hash of an object's content but for the name of its source."""
    return hashlib.sha256(made.read_bytes()).hexdigest()


def _prove_harness(name: str, workshop: Workshop, folder: Path) -> None:
    """The original must pass, or every mutant would count as killed."""
    file, made = folder / f"{name}.c", folder / f"{name}.o"
    file.write_text((CORE / "src" / f"{name}.c").read_text())
    workshop.compile(file, made)
    made.replace(workshop.object(name))
    environment = workshop.link(name, workshop.object(name), folder)
    status = run_tests(tests_of(name), environment, folder / "log")
    if status != 0:
        raise TaktError(
            f"the tests of {name}.c fail without any mutant (see {folder / 'log'})", "make them pass first"
        )


def summary(name: str, verdicts: list[Verdict]) -> dict[str, Any]:
    """The counts of one file, and what survived."""
    count = {result: sum(verdict.result == result for verdict in verdicts) for result in (KILLED, SURVIVED)}
    equivalent = [verdict for verdict in verdicts if verdict.result == EQUIVALENT]
    lived = [verdict for verdict in verdicts if verdict.result == SURVIVED]
    total = count[KILLED] + len(lived) + len(equivalent)
    return {
        "fingerprint": fingerprint(name),
        "mutants": total,
        "killed": count[KILLED],
        "score": round(count[KILLED] / total, 4),
        "survivors": [_survivor(verdict) for verdict in (*equivalent, *lived)],
    }


def _survivor(verdict: Verdict) -> dict[str, Any]:
    mutant = verdict.mutant
    return {
        "line": mutant.line,
        "function": mutant.function,
        "operator": mutant.operator,
        "change": f"{mutant.before}  ->  {mutant.replacement or '(nothing)'}",
        "equal_machine_code": verdict.result == EQUIVALENT,
    }
