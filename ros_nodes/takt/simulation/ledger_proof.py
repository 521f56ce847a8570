"""`takt prove ledger`: after a million cycles of mishaps the host's ledger is what was injected, to the record."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import takt.contract
from takt.errors import TaktError
from takt.simulation.ledger_chaos import LedgerChaos
from takt.simulation.ledger_truth import Account, compare
from takt.simulation.segments import run_segments
from takt.supervision.ledger_file import board_record

LIBRARY = Path("build/firmware/libtakt_core.so")
Record = Mapping[str, str]


def split_lives(records: Sequence[Record], boots: Sequence[set[int]]) -> list[list[Record]]:
    """The host's records by life of the board's memory; ``boots``: boot counts that each life had."""
    lives: list[list[Record]] = [[] for _ in boots]
    owner = {boot: life for life, counts in enumerate(boots) for boot in counts}
    for record in records:
        lives[owner[int(record["boot"])]].append(record)
    return lives


def run_segment(library: Path, contract: takt.contract.Contract, seed: int, cycles: int) -> dict[str, Any]:
    """One robot's run and its comparison; figures and what is wrong."""
    with tempfile.TemporaryDirectory(prefix="takt-ledger-", dir=memory_folder()) as folder:
        path = Path(folder) / "ledger.jsonl"
        chaos = LedgerChaos(library, contract, path, seed)
        chaos.run(cycles)
        settled = chaos.settle()
        chaos.close()
        records: list[Record] = (
            [_board_record(line) for line in path.read_text().splitlines()] if path.exists() else []
        )
    total, wrong = Account(by_cause={}), [] if settled else ["the ledger did not drain"]
    boots = [{miss.identity >> 32 for miss in life.misses} for life in chaos.lives]
    for number, (life, own) in enumerate(zip(chaos.lives, split_lives(records, boots), strict=True)):
        account, found = compare(life, own, power_was_lost=number + 1 < len(chaos.lives))
        wrong += [f"seed {seed}, life {number}: {what}" for what in found]
        _add(total, account)
    return {
        "cycles": cycles,
        **chaos.events,
        "misses": sum(len(life.misses) for life in chaos.lives),
        **asdict(total),
        "wrong": wrong[:5],
    }


def _board_record(line: str) -> Record:
    record = board_record(json.loads(line))
    assert record is not None, line
    return record


def memory_folder() -> str | None:
    """A memory file system where there is one: the host's ledger syncs to disk for every record."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _add(total: Account, account: Account) -> None:
    total.records += account.records
    total.gaps += account.gaps
    total.misses_in_records += account.misses_in_records
    total.misses_in_gaps += account.misses_in_gaps
    total.lost_with_power += account.lost_with_power
    for cause, count in (account.by_cause or {}).items():
        total.by_cause = {**(total.by_cause or {}), cause: (total.by_cause or {}).get(cause, 0) + count}


def summary(seed: int, segments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over the segments; ``held`` when nothing is wrong and every miss is accounted for."""
    numbers = [key for key, value in segments[0].items() if isinstance(value, int)]
    sums: dict[str, Any] = {key: sum(segment[key] for segment in segments) for key in numbers}
    sums["by_cause"] = {
        cause: sum(segment["by_cause"].get(cause, 0) for segment in segments)
        for cause in sorted({cause for segment in segments for cause in segment["by_cause"]})
    }
    wrong = [what for segment in segments for what in segment["wrong"]]
    accounted = sums["misses_in_records"] + sums["misses_in_gaps"] + sums["lost_with_power"]
    held = not wrong and accounted == sums["misses"]
    return {"time": "simulated", "seed": seed, **sums, "wrong": wrong[:20], "held": held}


def prove(count: int, seed: int, library: Path, progress: Path | None = None) -> dict[str, Any]:
    """``count`` cycles in segments; those that ``progress`` (a report of the same seed) holds are not run again."""
    contract = takt.contract.load()
    return run_segments(
        count, seed, lambda own, cycles: run_segment(library, contract, own, cycles), summary, progress
    )


def main(argv: list[str]) -> int:
    """0 when the proof held. With --json a run that was ended is taken up again where it was."""
    parser = argparse.ArgumentParser(prog="takt prove ledger", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="cycles that run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--library", type=Path, default=LIBRARY, help="the firmware's core, for the host")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    given = parser.parse_args(argv)
    if given.count < 1:
        raise TaktError(f"--count {given.count} is not possible", "give 1 or more")
    found = prove(given.count, given.seed, given.library, given.json)
    print(json.dumps(found, indent=1))
    return 0 if found["held"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
