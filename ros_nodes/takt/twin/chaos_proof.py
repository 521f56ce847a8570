"""`takt prove chaos`: ten thousand bad days and no invariant violated; every kind of fault seen in any 200 seeds.

With --json a proof that was ended goes on where it was: each day is kept as a line of FILE.days.jsonl, with the version
of code that lived it: a hash over the firmware's core, the contract and all modules a day can reach, see
takt.twin.code_version. Days of another version are lived again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.twin.chaos import Minimal
from takt.twin.chaos_command import Day, Report, day
from takt.twin.code_version import code_version
from takt.twin.command import jobs_of, library_path
from takt.twin.episode import MAX_SEED
from takt.twin.faults import KINDS
from takt.twin.workers import answers

WINDOW = 200
_TELL_EVERY = 100


def version_of(library: str) -> str:
    """Of all code that could have a part in a day."""
    return code_version("takt.twin.chaos_command", library)


class Diary:
    """The days lived so far, a line each; one cut off by a kill is passed over."""

    def __init__(self, path: Path | None, version: str) -> None:
        self._path, self._version = path, version
        self.days: dict[int, Day] = {}
        for line in path.read_text().splitlines() if path is not None and path.exists() else []:
            self._take(line)

    def _take(self, line: str) -> None:
        try:
            row = json.loads(line)
        except ValueError:
            return
        if row.pop("version", "") == self._version:
            minimal = tuple(Minimal(**{**one, "places": tuple(one["places"])}) for one in row["minimal"])
            one = Day(**{**row, "violations": tuple(row["violations"]), "minimal": minimal})
            self.days[one.seed] = one

    def add(self, one: Day) -> None:
        self.days[one.seed] = one
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"version": self._version, **asdict(one)}) + "\n")


def longest_gaps(days: Iterable[Day], first: int, last: int) -> dict[str, int]:
    """By kind, over how many seeds in a row at most nothing of it was felt."""
    before = dict.fromkeys(KINDS, first - 1)
    gaps = dict.fromkeys(KINDS, 0)
    for one in sorted(days, key=lambda one: one.seed):
        for kind in one.felt:
            gaps[kind] = max(gaps[kind], one.seed - before[kind] - 1)
            before[kind] = one.seed
    return {kind: max(gaps[kind], last - before[kind]) for kind in sorted(KINDS)}


def summary(days: dict[int, Day], first: int, count: int, version: str) -> dict[str, Any]:
    """The report; ``held`` only when all days were lived."""
    report, mine = Report(), [one for seed, one in sorted(days.items()) if first <= seed < first + count]
    for one in mine:
        report.add(one)
    by_invariant = Counter(line.split(" ", 1)[0] for one in mine for line in one.violations)
    last = mine[-1].seed if mine else first
    gaps = longest_gaps(mine, first, last)
    whole = len(mine) == count
    in_any_window = max(gaps.values()) < WINDOW if count >= WINDOW else None
    return {
        "time": "simulated",
        "version": version,
        "first_seed": first,
        "count": count,
        **report.as_json(),
        "violations_by_invariant": dict(sorted(by_invariant.items())),
        "longest_gap_by_kind": gaps,
        "every_kind_in_any_200_seeds": in_any_window,
        "held": whole and not report.broken and in_any_window is not False,
    }


def prove(given: argparse.Namespace, library: str) -> dict[str, Any]:
    """Live what the diary lacks, for ``--slice-s`` seconds at most."""
    version = version_of(library)
    diary = Diary(given.json.with_suffix(".days.jsonl") if given.json else None, version)
    seeds = [seed for seed in range(given.first, given.first + given.count) if seed not in diary.days]
    end_s = time.monotonic() + given.slice_s if given.slice_s else float("inf")
    for done, one in enumerate(answers(day, [(seed, library, None) for seed in seeds], given.jobs), 1):
        diary.add(one)
        for line in one.violations:
            print(f"seed {one.seed}: {line}", file=sys.stderr, flush=True)
        for each in one.minimal:
            print(f"    {each.replay}", file=sys.stderr, flush=True)
        if done % _TELL_EVERY == 0:
            print(f"{len(diary.days)} days", flush=True)
        if time.monotonic() >= end_s:
            break
    return summary(diary.days, given.first, given.count, version)


def main(argv: list[str]) -> int:
    """0 when it held; 1 on a violation, a kind never seen, or days not lived yet."""
    parser = argparse.ArgumentParser(prog="takt prove chaos", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="days, one a seed (default 10000)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed (default 0)")
    parser.add_argument("--slice-s", type=float, default=0.0, help="stop after so many seconds; go on later")
    parser.add_argument(
        "-j", "--jobs", type=int, nargs="?", const=0, default=1, help="processes; -j alone: one a core"
    )
    parser.add_argument("--library", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report, and the days beside it")
    given = parser.parse_args(argv)
    if given.count < 1 or not 0 <= given.first <= MAX_SEED - given.count:
        raise TaktError(
            f"{given.count} days from seed {given.first} cannot be", f"give seeds from 0 to {MAX_SEED}"
        )
    given.jobs = jobs_of(given.jobs)
    found = prove(given, library_path(given.library))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({key: value for key, value in found.items() if key != "found"}, indent=1))
    return 0 if found["held"] else 1
