"""`takt prove planted-bugs`: a test of the tests. Each planted bug must be found by `takt chaos`.

A bug counts as found on the first day on which it breaks an invariant that the sound robot keeps on that very day.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from takt import resources
from takt.errors import TaktError
from takt.twin.planted_bugs import BUGS, Bug
from takt.twin.planting import Plot

_SEEDS = 500
_JUDGED = ("ros_nodes/takt", "firmware/core", "firmware/twin", "config")


@dataclass(frozen=True)
class Find:
    """``seed`` None: not found. ``replay`` is the line that shows it in a tree in which the bug stands."""

    bug: str
    what: str
    file: str
    seed: int | None
    invariant: str = ""
    detail: str = ""
    replay: str = ""


class Sound:
    """Which invariants the robot that ships breaks on a day; asked only for days on which a bug was suspected."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self._broken: dict[int, set[str]] = {}

    def broken(self, seed: int) -> set[str]:
        """Plot and library must be without a bug."""
        if seed not in self._broken:
            found = self._plot.chaos(seed, seed, 1)["found"]
            self._broken[seed] = {name for day in found for name in _invariants(day)}
        return self._broken[seed]


def _invariants(day: dict[str, Any]) -> list[str]:
    return [line.split(" at ")[0] for line in day["violations"]]


def hunt(plot: Plot, sound: Sound, bug: Bug, seeds: int, jobs: int) -> Find:
    """Live days from seed 0 on until one shows the bug."""
    first = 0
    while first < seeds:
        plot.plant(bug)
        plot.build()
        found = plot.chaos(first, seeds - 1, jobs)["found"]
        plot.weed()
        plot.build()
        if not found:
            break
        day = found[0]
        own = set(_invariants(day)) - sound.broken(day["seed"])
        if own:
            return _find(bug, day, own)
        first = day["seed"] + 1
    return Find(bug.name, bug.what, bug.file, None)


def _find(bug: Bug, day: dict[str, Any], own: set[str]) -> Find:
    line = next(line for line in day["violations"] if line.split(" at ")[0] in own)
    name = line.split(" at ")[0]
    replay = next((one["replay"] for one in day["minimal"] if one["invariant"] == name), "")
    return Find(bug.name, bug.what, bug.file, day["seed"], name, line, replay)


def main(argv: list[str]) -> int:
    """Exit status 0 when every bug was found."""
    parser = argparse.ArgumentParser(prog="takt prove planted-bugs", description=__doc__)
    parser.add_argument("--count", type=int, default=_SEEDS, help=f"days at most per bug (default {_SEEDS})")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write it; a run that was cut off goes on there"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="BUG", help="this one; may be repeated"
    )
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes")
    options = parser.parse_args(argv)
    bugs = _chosen(options.only)
    source = _source_hash()
    known = _known(options.json, source)
    finds: list[Find] = []
    with Plot() as plot:
        sound = Sound(plot)
        for bug in bugs:
            find = known.get(bug.name) or hunt(plot, sound, bug, options.count, options.jobs)
            finds.append(find)
            print(_row(find), flush=True)
            if options.json:
                options.json.write_text(json.dumps(_report(finds, options.count, source), indent=1) + "\n")
    missed = [find.bug for find in finds if find.seed is None]
    print(f"{len(finds) - len(missed)} of {len(finds)} found within {options.count} days")
    return 1 if missed else 0


def _chosen(names: list[str]) -> list[Bug]:
    known = {bug.name: bug for bug in BUGS}
    for name in names:
        if name not in known:
            raise TaktError(f"no bug is called {name!r}", f"one of: {', '.join(known)}")
    return [known[name] for name in names] if names else list(BUGS)


def _source_hash() -> str:
    """Of all that decides what is found, so that old finds are never taken for new ones."""
    root = resources.path("firmware").parent
    digest = hashlib.sha256()
    for folder in _JUDGED:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in (".py", ".c", ".h", ".yaml"):
                digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _known(path: Path | None, source: str) -> dict[str, Find]:
    if path is None or not path.exists():
        return {}
    report = json.loads(path.read_text())
    if report.get("source") != source:
        print("the report is of another source; all is done anew", file=sys.stderr)
        return {}
    finds = [Find(**row) for row in report["bugs"]]
    return {find.bug: find for find in finds if find.seed is not None}


def _report(finds: list[Find], count: int, source: str) -> dict[str, Any]:
    return {
        "source": source,
        "days_at_most": count,
        "found": sum(find.seed is not None for find in finds),
        "planted": len(finds),
        "bugs": [asdict(find) for find in finds],
    }


def _row(find: Find) -> str:
    if find.seed is None:
        return f"MISSED {find.bug}: {find.what}"
    return f"found  {find.bug:24s} seed {find.seed:3d}: {find.detail}  [{find.replay}]"
