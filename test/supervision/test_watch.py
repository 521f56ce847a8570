"""Watch: the supervisor's judgement, without ROS."""

from __future__ import annotations

import pytest

from takt import contract
from takt.deadlines import Rung
from takt.supervision.watch import Watch

MS = 1_000_000
FRESH_MS = 20.0


@pytest.fixture
def watch() -> Watch:
    return Watch(contract.load(), "automatic", 0)


def hear_well(watch: Watch, steady_ns: int, rung: str = "NOMINAL", armed: str = "true") -> None:
    watch.hear_joints(steady_ns)
    watch.learn("base", "base: safety", False, "", {"rung": rung, "armed": armed, "fault": "none"}, steady_ns)
    watch.learn("base", "base: clock", False, "", {"locked": "true"}, steady_ns)


def climb(watch: Watch, from_ns: int, for_ms: int, age_ms: float = FRESH_MS) -> Rung:
    for step in range(0, for_ms, 50):
        hear_well(watch, from_ns + step * MS)
        watch.tick(from_ns + step * MS, age_ms, True)
    return watch.ladder.rung


def test_it_asks_to_arm_once_all_is_well_and_not_again_within_half_a_second(watch):
    hear_well(watch, 0, rung="SAFE", armed="false")
    assert watch.tick(0, FRESH_MS, nodes_active=False) is None
    assert watch.tick(50 * MS, FRESH_MS, nodes_active=True) is True
    assert watch.tick(100 * MS, FRESH_MS, nodes_active=True) is None


def test_another_contract_is_never_armed_until_the_agent_takes_it_back(watch):
    hear_well(watch, 0, rung="SAFE", armed="false")
    watch.learn("", "agent: contract", True, "differs: limits", {}, 0)
    assert watch.tick(0, FRESH_MS, True) is None
    watch.learn("", "agent: contract", False, "", {}, 0)
    assert watch.tick(50 * MS, FRESH_MS, True) is True


def test_stop_means_safe_and_a_request_to_disarm_until_the_board_has_obeyed(watch):
    climb(watch, 0, 1000)
    watch.arming.stop()
    hear_well(watch, 1000 * MS)
    assert watch.tick(1000 * MS, FRESH_MS, True) is False
    assert watch.ladder.rung is Rung.SAFE
    hear_well(watch, 1050 * MS, rung="SAFE", armed="false")
    assert watch.tick(1050 * MS, FRESH_MS, True) is None


def test_a_host_clock_that_steps_is_no_link_silence(watch):
    """Ages of the link are on the steady clock; an observation from the future is none at all."""
    assert climb(watch, 0, 1000) is Rung.NOMINAL
    hear_well(watch, 1000 * MS)
    watch.tick(1000 * MS, -2000.0, True)
    assert (watch.ladder.rung, watch.ladder.reason) == (Rung.HOLD, "perception stale")
    assert climb(watch, 1050 * MS, 700) is Rung.NOMINAL


def test_skipped_frames_reduce(watch):
    climb(watch, 0, 1000)
    watch.learn("", "detector: detect", False, "", {"count": "100", "skipped_stale": "0"}, 0)
    watch.learn("", "detector: detect", False, "", {"count": "110", "skipped_stale": "20"}, 0)
    assert climb(watch, 1000 * MS, 100) is Rung.REDUCED


def test_calls_wait_for_their_answer_half_a_second_at_most(watch):
    assert watch.may_call(0)
    assert not watch.may_call(400 * MS)
    assert watch.may_call(500 * MS)
    watch.answered(True, False, 510 * MS)
    assert watch.may_call(520 * MS)


def test_a_board_without_a_clock_sends_no_angles_and_is_still_heard(watch):
    climb(watch, 0, 1000)
    for step in range(0, 1000, 50):
        steady_ns = (1000 + step) * MS
        watch.learn("base", "base: clock", False, "", {"locked": "false"}, steady_ns)
        watch.tick(steady_ns, FRESH_MS, True)
    assert watch.ladder.rung is not Rung.SAFE
