"""Deadline monitor on a board in memory: the grid, causes of misses, the K-in-window rule, the watchdog."""

from __future__ import annotations

from pathlib import Path

import pytest

from takt.simulation.board import Board

MS = 1_000_000
PERIOD = 10 * MS


def run(
    board: Board, cycles: int = 1, *, late_ns: int = 0, execution_ns: int = 0, cpu_ns: int | None = None
) -> None:
    for _ in range(cycles):
        release = board.next_release()
        board.now_ns = release + late_ns
        board.control_cycle(release, execution_ns=execution_ns, cpu_ns=cpu_ns)


@pytest.fixture
def board(core_library: Path) -> Board:
    made = Board(core_library, miss_limit=3)
    run(made, 5)
    return made


def test_cycles_in_time_are_no_misses(board: Board) -> None:
    run(board, 20, late_ns=3 * MS, execution_ns=7 * MS)  # ends exactly on its deadline
    assert sum(board.state.misses.values()) == 0 and board.ledger() == []
    assert board.state.cycles == board.state.cycle + 1 == 25


def test_a_25_ms_stretch_is_one_overrun_and_the_releases_it_swallowed(board: Board) -> None:
    start = board.state.cycle
    run(board, execution_ns=25 * MS)
    run(board, 3)
    assert board.state.misses == {"own_overrun": 1, "late_release": 0, "preempted": 0, "skipped": 2}
    assert board.state.cycle == start + 6, "the grid is kept"
    assert [(r.counts, r.cycle - start, r.late_ns) for r in board.ledger()] == [
        ({"own_overrun": 1}, 1, 15 * MS),
        ({"skipped": 1}, 2, 20 * MS),
        ({"skipped": 1}, 3, 10 * MS),
    ]


@pytest.mark.parametrize(
    ("late_ms", "execution_ms", "cpu_ms", "cause"),
    [
        (0, 10.5, 10.5, "own_overrun"),
        (9, 10.5, 10.5, "own_overrun"),  # its own time alone is too long
        (9.8, 0.5, 0.5, "late_release"),
        (15, 0.1, 0.1, "late_release"),
        (6, 6, 0.1, "preempted"),  # without the others it would have fitted
        (0, 12, 0.1, "preempted"),
    ],
)
def test_causes(board: Board, late_ms: float, execution_ms: float, cpu_ms: float, cause: str) -> None:
    run(board, late_ns=int(late_ms * MS), execution_ns=int(execution_ms * MS), cpu_ns=int(cpu_ms * MS))
    assert [cause_ for cause_, count in board.state.misses.items() if count] == [cause]
    late_ns = int((late_ms + execution_ms) * MS) - PERIOD
    assert board.ledger()[0].late_ns == late_ns


def test_releases_are_never_bunched(board: Board) -> None:
    run(board, execution_ns=95 * MS)
    before = board.state
    first = board.next_release()
    assert first % PERIOD == 0 and first > board.now_ns
    run(board)
    assert board.next_release() == first + PERIOD
    assert board.state.cycles == before.cycles + 1
    assert board.state.misses["skipped"] == 9


def test_the_watchdog_is_fed_only_after_a_cycle_in_time(board: Board) -> None:
    fed = board.state.watchdog_feeds
    run(board, execution_ns=11 * MS)
    assert board.state.watchdog_feeds == fed
    run(board)
    assert board.state.watchdog_feeds == fed + 1


MISS_LIMIT_BIT = 1 << 3


def limit_reached(board: Board) -> bool:
    board.link_poll()
    return bool(board.state.conditions & MISS_LIMIT_BIT)


def test_k_misses_in_the_window_are_a_condition_that_ends_with_the_window(board: Board) -> None:
    run(board, execution_ns=25 * MS)
    run(board)
    assert sum(board.state.misses.values()) == 3
    run(board)  # the first cycle that knows of all three
    assert limit_reached(board)
    run(board, 96)  # the overrun is the oldest of the last 100
    assert limit_reached(board)
    run(board)
    assert not limit_reached(board)


def test_two_misses_do_not_reach_a_limit_of_three(board: Board) -> None:
    run(board, execution_ns=15 * MS)
    run(board, 3)
    assert sum(board.state.misses.values()) == 2 and not limit_reached(board)


def test_a_very_long_stop_is_counted_in_full(board: Board) -> None:
    before = board.state.cycle
    run(board, late_ns=3_600_000 * MS + 1)  # an hour, as after a suspended process
    run(board)
    assert board.state.misses["skipped"] == 360_000
    assert board.state.cycle == before + 360_002
    records = board.ledger()
    assert sum(sum(r.counts.values()) for r in records) < 360_001, "the rest waits in the open gap"
    board.confirm(records[-1].last)
    run(board)
    gap = board.ledger()[-1]
    assert gap.is_gap and sum(sum(r.counts.values()) for r in (*records, gap)) == 360_001
