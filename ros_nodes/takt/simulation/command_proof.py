"""`takt prove commands`: a million cycles of chaos against the shipped control tick, held against an oracle."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import takt.contract
from takt.errors import TaktError
from takt.simulation import replay
from takt.simulation.command_chaos import Chaos
from takt.simulation.command_oracle import MS, Oracle, Tally

_CHUNK = 20_000  # cycles of one seed
LIBRARY = Path("build/firmware/libtakt_core.so")


def prove(count: int, seed: int, library: Path = LIBRARY) -> Tally:
    """``count`` cycles in chunks of 20 000, each with a seed and a board of its own."""
    contract, tally = takt.contract.load(), Tally()
    for chunk in range((count + _CHUNK - 1) // _CHUNK):
        _run_chunk(library, contract, seed * 1_000_003 + chunk, min(_CHUNK, count - chunk * _CHUNK), tally)
        if tally.violations:
            break
    return tally


def _run_chunk(library: Path, contract: takt.contract.Contract, seed: int, cycles: int, tally: Tally) -> None:
    chaos, oracle, board = Chaos(contract, seed), Oracle(contract, tally), replay.Replay(library)
    result = np.zeros(1, replay.RESULT)
    for _ in range(cycles):
        record = chaos.next_cycle(result)
        result = board.run(record)
        oracle.check(record, result)
    oracle.close()


def report(tally: Tally) -> dict[str, Any]:
    """Plain figures, times in ms."""
    found = asdict(tally)
    found["oldest_applied_ms"] = found.pop("oldest_applied_ns") / MS
    found["longest_stop_ms"] = found.pop("longest_stop_ns") / MS
    found["held"] = not tally.violations
    return found


def main(argv: list[str]) -> int:
    """0 when no rule was broken."""
    parser = argparse.ArgumentParser(prog="takt prove commands", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="cycles")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--library", type=Path, default=LIBRARY, help="the firmware's core, for the host")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    given = parser.parse_args(argv)
    if given.count < 1:
        raise TaktError(f"--count {given.count} is not possible", "give 1 or more")
    found = {"time": "simulated", "seed": given.seed, **report(prove(given.count, given.seed, given.library))}
    print(json.dumps(found, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if found["held"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
