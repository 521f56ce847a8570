"""`takt replay RUN`: the logic of today on the inputs of a recorded run, and where it comes to something else."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import takt.contract
from takt.contract import Contract
from takt.errors import TaktError
from takt.replay.difference import Comparison
from takt.replay.planner_again import think_again
from takt.replay.supervisor_again import judge_again
from takt.replay.tape import Tape, joined, read, recordings_of, twin_values
from takt.replay.twin_again import episode_of, live_again
from takt.twin.command import library_path


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt replay", description=__doc__)
    made.add_argument("run", type=Path, metavar="RUN", help="a recording (.mcap) or the folder of a run")
    made.add_argument(
        "--tolerance", type=float, default=0.0, help="by how much a commanded speed may differ (m/s, rad/s)"
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write the comparison")
    made.add_argument("--library", help=argparse.SUPPRESS)
    return made


def main(argv: list[str]) -> int:
    """Returns 0 when all agrees, 1 when something differs. Raises TaktError when nothing can be compared."""
    options = parser().parse_args(argv)
    if not options.run.exists():
        raise TaktError(f"{options.run} does not exist", "name a .mcap file or the folder of a run")
    contract = takt.contract.load()
    tape = joined(read(path, contract) for path in recordings_of(options.run))
    comparisons = compare(tape, contract, options.tolerance, options.library)
    if not any(one.ticks for one in comparisons):
        raise TaktError(
            f"{options.run} holds nothing that can be thought again from its beginning",
            "record a run from its start (a box begins in the middle of one, when its robot drives already)",
        )
    for one in comparisons:
        tell(one)
    if tape.damage:
        print(f"the recording is damaged: {tape.damage}")
    if options.json:
        options.json.write_text(json.dumps(_report(tape, comparisons), indent=1) + "\n")
    return 0 if all(one.agrees for one in comparisons if one.ticks) else 1


def compare(tape: Tape, contract: Contract, tolerance: float, library: str | None) -> list[Comparison]:
    """One comparison for each logic that the recording has inputs of."""
    comparisons = []
    if tape.plans:
        comparisons.append(think_again(tape.plans, contract, tolerance))
    if tape.watches:
        comparisons.append(judge_again(tape.watches, contract))
    if tape.twin is not None:
        values, log_hash = twin_values(tape)
        path = Path(library_path(library))
        comparisons.append(live_again(path, contract, episode_of(values), tape.rows, log_hash))
    return comparisons


def tell(one: Comparison) -> None:
    verdict = "same   " if one.agrees else "differs" if one.ticks else "unknown"
    print(f"{verdict} {one.logic}: {one.ticks} ticks compared, {one.differing} differ, {one.unknown} unknown")
    for name, by in one.largest.items():
        if by > 0.0:
            print(f"        {name}: by at most {by:.6g}")
    for each in one.first:
        print(f"        {each}")


def _report(tape: Tape, comparisons: list[Comparison]) -> dict[str, Any]:
    return {
        "recording": str(tape.path),
        "damage": tape.damage,
        "same": all(one.agrees for one in comparisons if one.ticks),
        "logic": [one.as_json() for one in comparisons],
    }
