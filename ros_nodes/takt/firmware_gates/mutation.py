"""Mutation testing of the firmware's safety-relevant files: builds each mutant and sees whether the tests notice.

Each mutant is compiled into the two shared libraries that the unit tests load, and judged by the unit tests of
its file alone, in a fork of one pytest session: some tenths of a second each. Machine code that equals the original's
is a survivor without a run; machine code that equals another mutant's is the same mutant and left out. What does not
compile is none.

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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.firmware_gates.mutants import Mutant, mutants
from takt.firmware_gates.tree import CORE, FIRMWARE, ROOT, host_compiler

FLAGS = ["-std=c11", "-O1", "-w", "-fPIC", "-ffp-contract=off"]
CPU_LIMIT_S = 2  # of one mutant's tests, which take less than 1 s: a loop without end is noticed by this
WALL_LIMIT_S = 120.0  # generous, for a busy machine: waiting is not a fault of the mutant
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
ENDS = {"twin": "TAKT_CORE_LIBRARY", "client_probe": "TAKT_CLIENT_LIBRARY"}  # what each library is made for
BESIDE_TWIN = (FIRMWARE / "twin" / "wheel_loop.c", FIRMWARE / "replay" / "replay.c")
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
    """The files of tests that judge `name`."""
    found = [path for pattern in TESTS[name] for path in sorted(ROOT.glob(pattern))]
    # single steps first, then whole stories, at last what runs for long
    return sorted(found, key=lambda path: (path.stem.endswith("_proof"), path.stem == f"test_{name}"))


def _ends_of(name: str) -> list[str]:
    """The libraries that the tests of `name` load."""
    return ["client_probe" if "link_c" in pattern else "twin" for pattern in TESTS[name]]


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
        self.includes.append(f"-I{FIRMWARE / 'replay'}")
        generated = sorted((CORE / "generated").glob("*.c"))
        self.core = {path.stem: path for path in [*sorted((CORE / "src").glob("*.c")), *generated]}
        self.ends = {
            "twin": FIRMWARE / "twin" / "twin.c",
            "client_probe": ROOT / "test" / "link_c" / "client_probe.c",
            **{path.stem: path for path in BESIDE_TWIN},
        }
        headers = [*CORE.rglob("*.h"), *(ROOT / "test" / "link_c").glob("*.h")]
        newest = max(path.stat().st_mtime for path in [*headers, *self.core.values(), *self.ends.values()])
        for stem, path in {**self.core, **self.ends}.items():
            made = self.object(stem)
            stands = made.exists() and made.stat().st_mtime > newest
            if not stands and not self.compile(path, made):
                raise TaktError(f"{path} does not compile", "see: ./run check")

    def object(self, stem: str) -> Path:
        return self.folder / f"{stem}.o"

    def compile(self, source: Path, to: Path) -> bool:
        command = [self.compiler, *FLAGS, *self.includes, "-c", "-o", str(to), str(source)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def link(
        self,
        replaced: dict[str, Path],
        folder: Path,
        ends: Iterable[str] = ENDS,
        options: tuple[str, ...] = (),
    ) -> dict[str, str]:
        """The libraries of `ends` with other objects for some files; the environment that makes the tests use them."""
        parts = [replaced.get(stem, self.object(stem)) for stem in self.core]
        environment = {}
        for end in ends:
            library = folder / f"{end}.so"
            beside = [self.object(path.stem) for path in BESIDE_TWIN] if end == "twin" else []
            objects = [*parts, self.object(end), *beside]
            command = [self.compiler, "-shared", *options, "-o", library, *objects, "-lm"]
            subprocess.run([str(word) for word in command], check=True, capture_output=True)
            environment[ENDS[end]] = str(library)
        return environment


class Judge:
    """A pytest session over the tests of one file, which runs them once for each mutant, in a fork of itself.

    Start-up, imports and collection are done once. The original comes first: failing, it would kill every mutant.
    """

    def __init__(self, name: str, workshop: Workshop, journal: Journal) -> None:
        self.name, self.workshop, self.journal = name, workshop, journal
        self.folder = workshop.folder / name
        self.folder.mkdir(exist_ok=True)
        self.verdicts: list[Verdict] = []
        self.failure = ""

    def run(self) -> list[Verdict]:
        """A verdict on every mutant of the file, known ones from the journal."""
        import pytest

        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        quietly = ["-o", "addopts=", "--import-mode=importlib", "-s", "-W", "ignore"]
        quietly += [*("-p", "no:terminal"), *("-p", "no:cacheprovider"), *("-p", "no:faulthandler")]
        os.chdir(ROOT)
        status = pytest.main([*quietly, *map(str, tests_of(self.name))], plugins=[self])
        if self.failure or status != 0:
            raise TaktError(
                self.failure or f"pytest could not collect the tests of {self.name}", "run them by hand"
            )
        return self.verdicts

    def pytest_runtestloop(self, session: Any) -> bool:
        """pytest's hook: in place of running the collected tests once."""
        source = (CORE / "src" / f"{self.name}.c").read_text()
        made = self._build(source)
        if made is None or self._tests(session, made) != 0:
            self.failure = f"the tests of {self.name}.c fail without a mutant (see {self.folder / 'log'})"
            return True
        seen = {_code(made): EQUIVALENT}
        for number, mutant in enumerate(mutants(source)):
            made = self._build(mutant.apply(source))
            result = self.journal.results.get(number)
            if result is None:
                result = self._verdict(session, made, seen)
                self.journal.note(number, result)
            elif result in (KILLED, SURVIVED) and made is not None:
                seen.setdefault(_code(made), REPEATED)
            self.verdicts.append(Verdict(mutant, result))
        return True

    def _build(self, source: str) -> Path | None:
        file, made = self.folder / f"{self.name}.c", self.folder / f"{self.name}.o"
        file.write_text(source)
        return made if self.workshop.compile(file, made) else None

    def _verdict(self, session: Any, made: Path | None, seen: dict[str, str]) -> str:
        if made is None:
            return INVALID
        code = _code(made)
        if code in seen:
            return seen[code]
        seen[code] = REPEATED
        return SURVIVED if self._tests(session, made) == 0 else KILLED

    def _tests(self, session: Any, made: Path) -> int:
        """Exit status of the tests over the library with `made` in it; negative: ended by that signal."""
        environment = self.workshop.link({self.name: made}, self.folder, _ends_of(self.name))
        child = os.fork()
        if child == 0:
            _be_tests(session, environment, self.folder / "log")
        deadline = time.monotonic() + WALL_LIMIT_S
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                os.killpg(child, signal.SIGKILL)
            time.sleep(0.005)


def _be_tests(session: Any, environment: dict[str, str], log: Path) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(environment)
    try:
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                break
    finally:
        os._exit(1 if session.testsfailed or not session.items else 0)


def _code(made: Path) -> str:
    """Hash of an object's content but for the name of its source."""
    return hashlib.sha256(made.read_bytes()).hexdigest()


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
