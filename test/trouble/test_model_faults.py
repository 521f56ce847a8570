"""Reading a run of misbehaving models: from the first spoiled frame to the rung, from health back to NOMINAL."""

import json

import pytest

from takt.errors import TaktError
from takt.trouble.model_faults import CASES, Case, judged, plan, run, summary

MS = 1_000_000
FAILS = Case("model_fails", 1.5, "HOLD")


def report(rungs, kind="model_fails", at_ms=1000, until_ms=2500, frame_ms=1010):
    injected = {"kind": kind, "at_ns": at_ms * MS, "until_ns": until_ms * MS, "first_frame_ns": frame_ms * MS}
    rungs = [[at_ms * MS, rung, ""] for at_ms, rung in rungs]
    return {"trouble": {"injected": [injected], "host_rungs": rungs, "not_done": ["x"], "violations": []}}


def only(found):
    (one,) = found
    return one


def test_in_time_down_and_in_time_up():
    one = only(judged(report([(500, "NOMINAL"), (1090, "HOLD"), (3400, "NOMINAL")]), 1, [FAILS]))
    assert (one.lowest, one.frames_to_rung, one.back_after_s, one.holds) == ("HOLD", 2.4, 0.9, True)


@pytest.mark.parametrize(
    "rungs",
    [
        [(1120, "HOLD"), (3400, "NOMINAL")],  # three frames are over
        [(1090, "HOLD"), (4600, "NOMINAL")],  # two seconds are over
        [(1090, "HOLD")],
        [(1090, "SAFE"), (3400, "NOMINAL")],
        [],
    ],
)
def test_too_late_too_low_or_never(rungs):
    assert not only(judged(report(rungs), 1, [FAILS])).holds


def test_slow_within_the_budget_leaves_the_robot_driving():
    slow = Case("model_slow", 1.5, "NOMINAL")
    assert only(judged(report([(500, "NOMINAL")], "model_slow"), 1, [slow])).holds
    assert not only(judged(report([(1500, "HOLD")], "model_slow"), 1, [slow])).holds


def test_a_crash_counts_from_the_crash():
    crash = Case("model_crash", 0.2, "HOLD", well_at_once=True)
    one = only(judged(report([(1060, "HOLD"), (2900, "NOMINAL")], "model_crash"), 1, [crash]))
    assert one.back_after_s == 1.9 and one.holds


def test_a_fault_that_was_not_brought_in_is_an_error():
    with pytest.raises(TaktError, match="model_fails was not brought in"):
        judged(report([], "model_nan"), 1, [FAILS])


def test_the_plan_holds_every_case_and_jumps_spoil_the_summary():
    faults, seconds = plan()
    assert len(faults) == 2 * len(CASES) and seconds > 30.0
    outcomes = judged(report([(1090, "HOLD"), (3400, "NOMINAL")]), 1, [FAILS])
    assert summary(outcomes, [])["ok"]
    assert not summary(outcomes, ["command_jump at 3 s: 0 to 1"])["ok"]
    assert json.dumps(summary(outcomes, ["collision at 1 s"]))


@pytest.mark.system
def test_a_model_that_answers_with_nan_in_a_running_robot(tmp_path):
    """One kind of the proof, without its milliseconds."""
    (outcome,), _ = run(1, tmp_path, [Case("model_nan", 1.5, "HOLD")])
    assert (outcome.lowest, outcome.frames_to_rung is not None) == ("HOLD", True)
    assert outcome.back_after_s is not None
