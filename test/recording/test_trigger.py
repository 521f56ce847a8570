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
    assert trigger.hear_miss("board", 0) == ""
    assert trigger.hear_miss("planner", 60 * MS) == ""
    assert trigger.hear_miss("board", 101 * MS) == ""  # the first is out of the window
    assert trigger.hear_miss("board", 102 * MS) == "3 misses in 100 ms: board 2, planner 1"


def test_the_next_burst_is_told_when_the_memory_of_the_last_has_passed(trigger):
    told = [at_ms for at_ms in range(0, 25_000, 10) if trigger.hear_miss("board", at_ms * MS)]
    assert told == [20, 10_020, 20_020]
