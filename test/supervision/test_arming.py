"""Arming rules: nothing arms while anything is not well, nor too often, nor after a stop."""

import dataclasses

import pytest

from takt.supervision.arming import ArmingPolicy, Readiness

WELL = Readiness(
    nodes_active=True, link_fresh=True, perception_fresh=True, clock_locked=True, contract_matches=True
)
S = 1_000_000_000


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"nodes_active": False}, "nodes"),
        ({"link_fresh": False}, "board"),
        ({"contract_matches": False}, "contract"),
        ({"clock_locked": False}, "clock"),
        ({"perception_fresh": False}, "frame"),
        ({"board_fault": "encoder"}, "encoder"),
    ],
)
def test_anything_missing_forbids_and_is_named(change, word):
    readiness = dataclasses.replace(WELL, **change)
    assert word in readiness.missing()
    assert not ArmingPolicy("automatic", 3).wants_to_arm(readiness, armed=False, now_ns=0)


def test_automatic_arms_when_well_and_repeats_an_unanswered_request_after_half_a_second():
    policy = ArmingPolicy("automatic", 3)
    assert policy.wants_to_arm(WELL, armed=False, now_ns=0)
    assert not policy.wants_to_arm(WELL, armed=False, now_ns=S // 2 - 1)
    assert policy.wants_to_arm(WELL, armed=False, now_ns=S // 2)


def test_an_armed_board_is_left_alone():
    assert not ArmingPolicy("automatic", 3).wants_to_arm(WELL, armed=True, now_ns=0)


def test_an_operator_robot_never_arms_itself():
    assert not ArmingPolicy("operator", 3).wants_to_arm(WELL, armed=False, now_ns=0)


def test_at_most_three_repetitions_a_minute():
    policy = ArmingPolicy("automatic", 3)
    for second in range(4):  # the first arming and three repetitions
        assert policy.wants_to_arm(WELL, armed=False, now_ns=second * S)
        policy.granted(second * S)
    assert not policy.wants_to_arm(WELL, armed=False, now_ns=10 * S)
    assert policy.wants_to_arm(WELL, armed=False, now_ns=60 * S)


def test_a_stop_latches_until_a_person_takes_it_back():
    policy = ArmingPolicy("automatic", 3)
    policy.stop()
    assert not policy.wants_to_arm(WELL, armed=False, now_ns=0)
    policy.resume()
    assert policy.wants_to_arm(WELL, armed=False, now_ns=1)


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="sometimes"):
        ArmingPolicy("sometimes", 3)
