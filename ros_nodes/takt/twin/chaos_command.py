"""`takt chaos`: many bad days, each by its seed; a violated invariant is cut down to the faults that it takes."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import takt.contract
from takt.errors import TaktError
from takt.twin.chaos import Minimal, draw, minimise, only
from takt.twin.command import jobs_of, library_path, seeds_of
from takt.twin.episode import Episode
from takt.twin.run import Result, run
from takt.twin.workers import answers


@dataclass(frozen=True)
class Day:
    """What became of one seed. ``drawn`` and ``felt`` count faults by kind."""

    seed: int
    log_hash: str
    simulated_s: float
    drawn: dict[str, int]
    felt: dict[str, int]
    violations: tuple[str, ...]
    minimal: tuple[Minimal, ...]


def _live(library: str, episode: Episode) -> Result:
    return run(Path(library), takt.contract.load(), episode)


def day(question: tuple[int, str, tuple[int, ...] | None]) -> Day:
    """Live one seed; what breaks is minimised at once."""
    seed, library, places = question
    episode = draw(seed) if places is None else only(draw(seed), places)
    result = _live(library, episode)
    minimal: tuple[Minimal, ...] = ()
    if places is None:
        live = partial(_live, library)
        minimal = tuple(minimise(episode, one.invariant, live) for one in result.violations)
    return Day(
        seed,
        result.log_hash,
        result.simulated_s,
        dict(Counter(fault.kind for fault in episode.faults)),
        result.felt,
        tuple(str(one) for one in result.violations),
        minimal,
    )


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt chaos", description=__doc__)
    made.add_argument("--seeds", required=True, metavar="A-B", help="from A to B, both included")
    made.add_argument("--faults", metavar="I,J", help="only these of the day's faults, by index; or none")
    made.add_argument(
        "-j", "--jobs", type=int, nargs="?", const=0, default=1, help="processes; -j alone: one a core"
    )
    made.add_argument("--first", action="store_true", help="end with the first day that breaks an invariant")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the report")
    made.add_argument("--library", help=argparse.SUPPRESS)
    return made


def main(argv: list[str]) -> int:
    """Returns 1 if an invariant was violated."""
    options = parser().parse_args(argv)
    seeds = seeds_of(options.seeds)
    places = _places(options.faults, seeds)
    library = library_path(options.library)
    report = Report()
    for one in answers(day, [(seed, library, places) for seed in seeds], jobs_of(options.jobs)):
        report.add(one)
        _tell(one, len(seeds) == 1)
        if options.first and one.violations:
            break
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    print(
        f"{report.runs} runs, {report.faults} faults of {len(report.felt)} kinds felt, {report.broken} violations"
    )
    return 1 if report.broken else 0


class Report:
    """Sums over the days."""

    def __init__(self) -> None:
        self.runs = self.broken = self.faults = 0
        self.simulated_s = 0.0
        self.felt: Counter[str] = Counter()
        self.drawn: Counter[str] = Counter()
        self.violations: list[dict[str, Any]] = []

    def add(self, one: Day) -> None:
        self.runs += 1
        self.broken += len(one.violations)
        self.simulated_s += one.simulated_s
        self.drawn.update(one.drawn)
        self.felt.update(one.felt)
        self.faults = self.felt.total()
        minimal = [asdict(each) | {"replay": each.replay} for each in one.minimal]
        self.violations += [
            {"seed": one.seed, "violations": list(one.violations), "minimal": minimal}
        ] * bool(one.violations)

    def as_json(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "violations": self.broken,
            "by_kind": dict(sorted(self.felt.items())),
            "drawn_by_kind": dict(sorted(self.drawn.items())),
            "simulated_s": round(self.simulated_s, 1),
            "found": self.violations,
        }


def _places(text: str | None, seeds: list[int]) -> tuple[int, ...] | None:
    if text is None:
        return None
    if len(seeds) != 1:
        raise TaktError("--faults belongs to one day", "give --seeds N-N with it")
    if text == "none":
        return ()
    last = len(draw(seeds[0]).faults) - 1
    places = tuple(int(part) if part.isdigit() else -1 for part in text.split(","))
    if not all(0 <= place <= last for place in places):
        raise TaktError(
            f"{text!r} names no faults of this day", f"give indices from 0 to {last}, such as 0,{last}"
        )
    return places


def _tell(one: Day, alone: bool) -> None:
    if alone:
        print(f"seed {one.seed}: {one.log_hash[:12]}, faults drawn {one.drawn}, felt {one.felt}")
    for line in one.violations:
        print(f"seed {one.seed}: {line}", file=sys.stderr)
    for each in one.minimal:
        print(f"    {each.replay}", file=sys.stderr)
