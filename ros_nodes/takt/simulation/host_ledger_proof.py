"""`takt prove ledger-host`: the one ledger of board and nodes is what was injected, through kill -9 of everybody.

In virtual time, or with --real-time in a running demo: the board is stretched and the planner stopped by the clock,
while nodes, agent and supervisor are killed, the board is reset and the line is cut.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import takt.contract
from takt.deadlines import Miss
from takt.deadlines.outbox import counts_of, first_sequence
from takt.errors import TaktError
from takt.simulation.host_ledger_chaos import HostLedgerChaos, NodeTruth
from takt.simulation.ledger_proof import LIBRARY, memory_folder, split_lives
from takt.simulation.ledger_truth import compare
from takt.simulation.segments import run_segments
from takt.supervision.ledger_file import board_record


def run_segment(library: Path, contract: takt.contract.Contract, seed: int, cycles: int) -> dict[str, Any]:
    """One robot's run and its comparison; figures and what is wrong."""
    with tempfile.TemporaryDirectory(prefix="takt-ledger-", dir=memory_folder()) as folder:
        path = Path(folder) / "ledger.jsonl"
        chaos = HostLedgerChaos(library, contract, path, seed)
        chaos.run(cycles)
        settled = chaos.settle()
        chaos.close()
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    wrong = [] if settled else [f"seed {seed}: the ledger did not drain"]
    board, told = _board(chaos, rows)
    host, misses = compare_nodes({name: node.truth for name, node in chaos.nodes.items()}, rows)
    return {
        "cycles": cycles,
        **chaos.events,
        **{f"killed_{name}": chaos.kills[name] for name in (*chaos.nodes, "supervisor", "kill_before_sync")},
        "board_misses": told,
        "host_misses": misses,
        "lines": len(rows),
        "gaps": sum(row.get("cause") == "gap" or board_gap(row) for row in rows),
        "wrong": [*wrong, *(f"seed {seed}: {what}" for what in (*board, *host))][:5],
    }


def board_gap(row: Mapping[str, Any]) -> bool:
    """Whether a line is a gap record of the board."""
    record = board_record(row)
    return record is not None and record["cause"] == "gap"


def _board(chaos: HostLedgerChaos, rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """What is wrong with the board's part, and how many misses there were."""
    records = [record for row in rows if (record := board_record(row)) is not None]
    boots = [{miss.identity >> 32 for miss in life.misses} for life in chaos.lives]
    wrong: list[str] = []
    for number, (life, own) in enumerate(zip(chaos.lives, split_lives(records, boots), strict=True)):
        account, found = compare(life, own, power_was_lost=number + 1 < len(chaos.lives))
        accounted = account.misses_in_records + account.misses_in_gaps + account.lost_with_power
        wrong += [f"life {number}: {what}" for what in found]
        if accounted != len(life.misses):
            wrong.append(f"life {number}: {accounted} of {len(life.misses)} misses are accounted for")
    return wrong, sum(len(life.misses) for life in chaos.lives)


def compare_nodes(
    truth: Mapping[str, Mapping[int, NodeTruth]], rows: Sequence[Mapping[str, Any]]
) -> tuple[list[str], int]:
    """Hold the ledger's lines of the nodes against what each missed. Returns what is wrong, and how many misses."""
    wrong: list[str] = []
    lines: dict[tuple[str, int], list[Miss]] = {}
    for row in rows:
        if board_record(row) is None:
            miss = Miss.from_json(json.dumps(row))
            lines.setdefault((miss.source, miss.epoch), []).append(miss)
    known = {(source, epoch): one.causes for source, epochs in truth.items() for epoch, one in epochs.items()}
    wrong += [f"{source} has no epoch {epoch}" for source, epoch in lines.keys() - known.keys()]
    for (source, epoch), causes in known.items():
        wrong += [f"{source}, epoch {epoch}: {what}" for what in _one(causes, lines.get((source, epoch), []))]
    return wrong, sum(map(len, known.values()))


def _one(causes: Mapping[int, str], lines: Sequence[Miss]) -> list[str]:
    """One epoch of one node: each number once and in order, with the causes that it had."""
    wrong, expected = [], 1
    for miss in lines:
        first = first_sequence(miss)
        if first != expected:
            wrong.append(f"number {expected} is next, the file goes on with {first}")
        true = Counter(causes[n] for n in range(first, miss.sequence + 1) if n in causes)
        if dict(true) != counts_of(miss):
            wrong.append(f"{first} to {miss.sequence} were {dict(true)}, the file says {counts_of(miss)}")
        expected = miss.sequence + 1
    if expected != len(causes) + 1:
        wrong.append(f"{len(causes)} misses, the file ends with {expected - 1}")
    return wrong


def summary(seed: int, segments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over the segments; ``held`` when nothing is wrong."""
    numbers = [key for key, value in segments[0].items() if isinstance(value, int)]
    wrong = [what for segment in segments for what in segment["wrong"]]
    sums = {key: sum(segment[key] for segment in segments) for key in numbers}
    return {"time": "simulated", "seed": seed, **sums, "wrong": wrong[:20], "held": not wrong}


def prove(count: int, seed: int, library: Path, progress: Path | None = None) -> dict[str, Any]:
    """``count`` cycles in segments; those that ``progress`` (a report of the same seed) holds are not run again."""
    contract = takt.contract.load()
    return run_segments(
        count, seed, lambda own, cycles: run_segment(library, contract, own, cycles), summary, progress
    )


def main(argv: list[str]) -> int:
    """0 when the proof held. With --json a run in virtual time that was ended is taken up again where it was."""
    parser = argparse.ArgumentParser(
        prog="takt prove ledger-host", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--count", type=int, default=None, help="cycles (default 1000000; in real time 60000)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--real-time", action="store_true", help="in a running demo, a hundred cycles a second"
    )
    parser.add_argument("--library", type=Path, default=LIBRARY, help="the firmware's core, for the host")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    given = parser.parse_args(argv)
    count = given.count if given.count is not None else 60_000 if given.real_time else 1_000_000
    if count < 1:
        raise TaktError(f"--count {count} is not possible", "give 1 or more")
    if given.real_time:
        from takt.deadline_bench.live_ledger import prove_live  # needs ROS, which the twin does not

        found = prove_live(count, given.seed)
    else:
        found = prove(count, given.seed, given.library, given.json)
    print(json.dumps(found, indent=1))
    if given.json is not None and given.real_time:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if found["held"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
