"""The bench's figures: what is asked for is there and flat, latencies by their own clocks, and the order of relief."""

import pytest

from takt.deadline_bench.figures import Measured, figures, in_order
from takt.deadline_bench.kinds import KINDS
from takt.deadline_bench.score import Injection, Seen

MS = 1_000_000
S = 1_000 * MS
START = 1_700_000_000_000_000_000
ASKED = (
    "blame_correct_ratio blame_unknown_ratio ledger_missing ledger_duplicate stage_sum_explained_ratio "
    "host_lateness_over_c_loop_p99_ratio board_misses_unexplained board_misses_host_stall"
)


def miss(at_ms, stage="plan", late_ms=10, wait_ms=20, sequence=1, **more):
    row = {"source": "planner", "epoch": 1, "sequence": sequence, "stage": stage, "cause": "gc_pause"}
    row |= {"at_ns": START + at_ms * MS, "bound_ns": 0, "late_ns": late_ms * MS, "evidence": {}, **more}
    return Seen(row, START + (at_ms + late_ms + wait_ms) * MS)


@pytest.fixture
def found():
    storm = Injection("gc_storm", START, START + 80 * MS)
    shown = {("planner", 1, 1): START + 300 * MS}
    return Measured(injections=[storm], seen=[miss(40), miss(60, wait_ms=130, sequence=2)], shown=shown)


def test_everything_asked_for_is_there_and_flat(found):
    told = figures(found, KINDS)
    assert set(ASKED.split()) <= set(told)
    assert all(isinstance(value, (int, float, str)) for value in told.values())


def test_a_miss_waits_from_the_end_of_the_late_work_to_ledger_and_page(found):
    told = figures(found, KINDS)
    assert (told["ledger_wait_p50_ms"], told["ledger_wait_max_ms"]) == (20.0, 130.0)
    assert told["ledger_within_100ms_ratio"] == 0.5
    assert told["page_wait_max_ms"] == 250.0
    assert (told["page_within_500ms_ratio"], told["page_missing"]) == (0.5, 1)


def test_a_board_miss_that_the_bare_loop_shares_within_20_ms_is_the_hosts(found):
    found.spans["hogs"] = (START, START + 10 * S)
    found.seen = [miss(1000, "control"), miss(2000, "control", sequence=2), miss(-5, "control", sequence=3)]
    found.stalls = [(START + 985 * MS, 2 * MS), (START + 2050 * MS, 5 * MS)]
    told = figures(found, KINDS)
    assert (told["board_misses_with_hogs"], told["board_misses_host_stall"]) == (2, 1)
    assert told["board_misses_unexplained"] == 1


def test_the_planners_lateness_is_divided_by_the_bare_loops(found):
    found.planner, found.beside = {"wake_late_p99_ms": "0.9"}, {"lateness_us": {"p99": 600.0}, "cycles": 900}
    assert figures(found, KINDS)["host_lateness_over_c_loop_p99_ratio"] == 1.5


def test_soft_work_is_told_by_when_it_was_slowed(found):
    found.spans["hogs"] = (START, START + 10 * S)
    slowed = (["recording"], ["recording", "image"], ["recording", "image", "dashboard"])
    found.slowed = [(START + n * S, list(kinds)) for n, kinds in enumerate(slowed, 1)]
    found.views = [START + n * S // 4 for n in range(40)]
    told = figures(found, KINDS)
    assert told["soft_work_slowed"] == told["soft_work_declared"] == "recording, image, dashboard"
    assert told["soft_work_dashboard_slowed_after_s"] == 3.0
    assert told["page_views_per_s_hogs"] == 4.0
    assert told["soft_work_slowed_in_order"]


def test_soft_work_that_was_slowed_before_is_not_the_hogs_doing(found):
    found.spans["hogs"] = (START, START + 10 * S)
    found.slowed = [(START - S, ["recording"]), (START + S, ["recording", "image"])]
    told = figures(found, KINDS)
    assert told["soft_work_slowed"] == "image"
    assert told["soft_work_recording_slowed_after_s"] == -1.0


@pytest.mark.parametrize(
    ("told", "right"),
    [
        ([[], ["a"], ["a", "b"], ["a"], []], True),
        ([["b"]], False),
        ([[], ["a", "b"]], False),
        ([["a"], ["b"]], False),
        ([], True),
    ],
)
def test_each_change_takes_one_kind_more_or_gives_the_last_one_back(told, right):
    assert in_order(told, ("a", "b", "c")) is right
