"""A dashboard that is started again reads back what was missed in this run, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from takt.dashboard.ledger_reader import misses_since, run_began_ns
from takt.dashboard.misses import MissBoard
from takt.deadlines.miss import Miss

BEGAN_NS = 10**18


def miss(sequence: int, at_ns: int = BEGAN_NS) -> Miss:
    return Miss(
        "planner", 3, sequence, "plan", at_ns + sequence, 0, 5_000_000, "gc_pause", {"gc_pause_ms": 5.0}
    )


def written(path: Path, misses: list[Miss]) -> Path:
    path.write_text("".join(one.to_json() + "\n" for one in misses))
    return path


def test_only_this_run_and_only_whole_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "ledger", [miss(1, BEGAN_NS - 10**9), miss(2), miss(3)])
    board = {**miss(4).values(), "source": "base", "board": {"cycle": "7", "previous": "0"}}
    with path.open("ab") as file:
        file.write(b"no json\n[1]\n" + json.dumps(board).encode() + b"\n" + miss(5).to_json().encode()[:40])
    found = list(misses_since(path, BEGAN_NS))
    assert [(one.source, one.sequence) for one in found] == [("planner", 2), ("planner", 3), ("base", 4)]
    assert list(misses_since(tmp_path / "nothing", 0)) == []


def test_of_a_long_ledger_the_end_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "ledger", [miss(number) for number in range(1, 301)])
    size = len(miss(100).to_json()) + 1
    found = [one.sequence for one in misses_since(path, 0, most_bytes=10 * size + size // 2)]
    assert found == list(range(291, 301))


def test_what_is_told_again_after_the_reading_stands_once(tmp_path: Path) -> None:
    board = MissBoard()
    for one in misses_since(written(tmp_path / "ledger", [miss(1), miss(2)]), 0):
        board.add(one, one.at_ns)
    assert not board.add(miss(2), BEGAN_NS) and board.add(miss(3), BEGAN_NS)
    rows = board.newest(10)["rows"]
    assert [row["sequence"] for row in rows] == [1, 2, 3]
    assert board.totals() == {"planner": {"gc_pause": 3}}


def test_a_run_began_when_the_one_who_starts_the_dashboard_began() -> None:
    asleep = subprocess.Popen(["sleep", "60"])
    try:
        now_ns = time.time_ns()
        own = run_began_ns(os.getpid(), now_ns)
        assert own <= run_began_ns(asleep.pid, now_ns) < now_ns
        assert run_began_ns(0, now_ns) < own, "of a process that is gone: when the computer began"
    finally:
        asleep.kill()
        asleep.wait()
