"""Which causes have a recording written."""

import dataclasses

import pytest

from takt.recording.trigger import Trigger

MS = 1_000_000


@pytest.fixture
def trigger(rules):
    return Trigger(dataclasses.replace(rules, burst_misses=3, burst_window_ms=100, keep_s=10))


def test_a_step_into_safe_is_a_cause_on_either_computer(trigger):
    assert trigger.hear_rung("host", "NOMINAL", "") == ""
    assert trigger.hear_rung("board", "NOMINAL", "none") == ""
    assert trigger.hear_rung("host", "HOLD", "perception") == ""
    assert trigger.hear_rung("host", "SAFE", "link") == "host SAFE: link"
    assert trigger.hear_rung("host", "SAFE", "link") == ""
    assert trigger.hear_rung("board", "SAFE", "none") == "board SAFE"
    assert trigger.hear_rung("host", "REDUCED", "") == ""
    assert trigger.hear_rung("host", "SAFE", "stop") == "host SAFE: stop"


def test_a_robot_that_starts_on_safe_is_none(trigger):
    assert trigger.hear_rung("host", "SAFE", "starting") == ""
    assert trigger.hear_rung("host", "SAFE", "waiting for the board") == ""


def test_a_burst_counts_misses_of_all_sources_within_its_window(trigger):
    assert trigger.hear_miss(("base", 1, 1), 0) == ""
    assert trigger.hear_miss(("planner", 1, 1), 60 * MS) == ""
    assert trigger.hear_miss(("base", 1, 2), 101 * MS) == ""  # the first is out of the window
    assert trigger.hear_miss(("base", 1, 3), 102 * MS) == "3 misses in 100 ms: base 2, planner 1"


def test_a_miss_that_is_told_again_is_no_other(trigger):
    assert [trigger.hear_miss(("planner", 1, 1), at_ms * MS) for at_ms in range(10)] == [""] * 10
    assert trigger.hear_miss(("planner", 2, 1), 11 * MS) == ""
    assert trigger.hear_miss(("planner", 2, 2), 12 * MS) == "3 misses in 100 ms: planner 3"


def test_what_is_remembered_is_bounded(trigger):
    for number in range(6000):
        trigger.hear_miss(("base", 1, number), number * 1000 * MS)
    assert len(trigger._known) == 4096


def test_a_record_for_many_is_a_burst_alone(trigger):
    assert trigger.hear_miss(("base", 1, 9), 0, count=7) == "7 misses in 100 ms: base 7"


def test_the_next_burst_is_told_when_the_memory_of_the_last_has_passed(trigger):
    steps = range(0, 25_000, 10)
    told = [at_ms for at_ms in steps if trigger.hear_miss(("base", 1, at_ms), at_ms * MS)]
    assert told == [20, 10_020, 20_020]
