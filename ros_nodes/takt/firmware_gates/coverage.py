"""Line and branch coverage of firmware/core by the unit tests, from gcov's own data (gcc --coverage, no optimisation).

Nothing is excluded: a line that no test can reach is removed from the core instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.firmware_gates.mutation import Workshop
from takt.firmware_gates.tree import CORE, ROOT, WORK, core_sources

FLAGS = ["-std=c11", "-O0", "-g", "-w", "-fPIC", "-ffp-contract=off", "--coverage"]
TESTS = ("test/firmware", "test/link_c")
# Tests that start programs of their own: what those run is not counted, and they take long.
NOT_BY_LIBRARY = (
    *("process", "watchdog", "zephyr", "replay", "command_proof", "random_driver", "robustness"),
    *("fuzz_corpus", "link_block_bench", "clock_by_plant"),
)


@dataclass(frozen=True)
class Covered:
    lines: int
    lines_run: int
    branches: int
    branches_taken: int
    missing: tuple[str, ...]  # "file:line", with the branches that were not taken


class CoverageWorkshop(Workshop):
    """The two libraries of the tests, built to count."""

    def compile(self, source: Path, to: Path) -> bool:
        command = [self.compiler, *FLAGS, *self.includes, "-c", "-o", str(to), str(source)]
        return subprocess.run(command, capture_output=True, check=False, cwd=self.folder).returncode == 0


def measure() -> dict[str, Covered]:
    """Builds, runs the unit tests once, and reads what they ran; by file below firmware/core."""
    folder = WORK / "coverage"
    shutil.rmtree(folder, ignore_errors=True)
    workshop = CoverageWorkshop(folder)
    environment = workshop.link({}, folder, options=("--coverage",))
    files = [
        str(path)
        for part in TESTS
        for path in sorted((ROOT / part).glob("test_*.py"))
        if path.stem.removeprefix("test_") not in NOT_BY_LIBRARY
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise TaktError(f"the unit tests failed: {ended.stdout[-1500:]}", "make them pass first")
    return {str(path.relative_to(CORE)): _read(path, folder) for path in core_sources()}


def _read(source: Path, folder: Path) -> Covered:
    data = folder / f"{source.stem}.gcda"
    words = ["gcov", "--json-format", "--branch-probabilities", "--stdout", str(data)]
    ended = subprocess.run(words, capture_output=True, text=True, check=True, cwd=folder)
    document = json.loads(ended.stdout)
    lines: dict[int, list[dict[str, Any]]] = {}
    for file in document["files"]:
        if Path(file["file"]).name == source.name:
            for line in file["lines"]:
                lines.setdefault(line["line_number"], []).append(line)
    return _sum(source, lines)


def _sum(source: Path, lines: dict[int, list[dict[str, Any]]]) -> Covered:
    run = taken = branches = 0
    missing = []
    for number, parts in sorted(lines.items()):
        is_run = any(part["count"] for part in parts)
        counts = [branch["count"] for part in parts for branch in part["branches"]]
        run += is_run
        branches += len(counts)
        taken += sum(count > 0 for count in counts)
        if not is_run or 0 in counts:
            missing.append(f"{source.name}:{number}" + (f" {counts}" if is_run else ""))
    return Covered(len(lines), run, branches, taken, tuple(missing))
