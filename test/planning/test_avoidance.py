"""The choice of speed and yaw rate around obstacles."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import takt.contract
from takt.planning.avoidance import Avoidance, Goal, in_base
from takt.planning.floor import DOUBTED, FREE, STALE, SUSPECT, UNSEEN, FloorView
from takt.planning.limits import MotionLimits

CONTRACT = takt.contract.load()
LIMITS = MotionLimits.from_contract(CONTRACT)
FOOTPRINT_M, CLEARANCE_M = CONTRACT.robot.footprint_radius_m, CONTRACT.planning.obstacle_clearance_m
AVOIDANCE = Avoidance(LIMITS, FOOTPRINT_M, CLEARANCE_M)
AHEAD = Goal(2.0, 0.0, 0.3, 0.0, 1.2)
NOTHING = np.empty((0, 3))


def seen(x_m: np.ndarray, _y_m: np.ndarray) -> np.ndarray:
    """Floor that was seen to be free everywhere."""
    return np.full(x_m.shape, FREE, np.uint8)


def floor_of(state: int, where: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> FloorView:
    return lambda x_m, y_m: np.where(where(x_m, y_m), state, FREE).astype(np.uint8)


def test_with_room_it_is_exactly_what_was_wanted() -> None:
    wanted = (0.417, -0.233)
    for discs in (NOTHING, np.array([[2.5, 0.0, 0.2], [0.0, 1.0, 0.3]])):
        choice = AVOIDANCE.choose(wanted, (0.4, 0.0), discs, AHEAD, seen)
        assert (choice.speed_m_s, choice.yaw_rate_rad_s, choice.swerved) == (*wanted, False)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_beside_the_middle_it_passes_on_the_open_side(side: float) -> None:
    choice = AVOIDANCE.choose((0.5, 0.0), (0.5, 0.0), np.array([[0.7, 0.12 * side, 0.15]]), AHEAD, seen)
    assert choice.swerved and choice.yaw_rate_rad_s * side < 0.0


def test_driven_on_and_on_it_never_touches() -> None:
    """A wall of discs right ahead, and loops that want to drive through it."""
    wall = [(1.0, y, 0.15) for y in (-0.6, -0.3, 0.0, 0.3, 0.6)]
    x, y, yaw, speed, turn, least = 0.0, 0.0, 0.0, 0.6, 0.0, math.inf
    for _ in range(400):
        choice = AVOIDANCE.choose((0.6, 0.0), (speed, turn), in_base((x, y, yaw), wall), None, seen)
        speed, turn = LIMITS.eased((speed, turn), (choice.speed_m_s, choice.yaw_rate_rad_s), 0.02)
        x, y, yaw = x + speed * math.cos(yaw) * 0.02, y + speed * math.sin(yaw) * 0.02, yaw + turn * 0.02
        least = min(least, *(math.hypot(x - a, y - b) - r - FOOTPRINT_M for a, b, r in wall))
    assert least > 0.0


def test_too_near_already_it_does_not_go_nearer() -> None:
    disc = np.array([[FOOTPRINT_M + 0.15 + 0.01, 0.0, 0.15]])
    choice = AVOIDANCE.choose((0.5, 0.0), (0.0, 0.0), disc, AHEAD, seen)
    x_m = choice.speed_m_s * 0.3
    assert math.hypot(disc[0, 0] - x_m, 0.0) >= disc[0, 0] - 1e-9


def test_the_reduced_speed_holds_for_swerves_too() -> None:
    choice = AVOIDANCE.choose((0.4, 0.0), (0.4, 0.0), np.array([[0.7, 0.1, 0.15]]), AHEAD, seen, factor=0.5)
    assert choice.swerved and choice.speed_m_s <= 0.5 * LIMITS.speed_m_s


@pytest.mark.parametrize("state", [DOUBTED, SUSPECT, STALE])
@pytest.mark.parametrize("speed_m_s", [0.0, 0.3, 0.6])
def test_it_can_always_stop_before_floor_that_it_must_not_enter(state: int, speed_m_s: float) -> None:
    """Driven as the board would, from each choice on; a stopped obstacle half a metre ahead, over all the width."""
    edge_m, x, speed = 0.55, 0.0, speed_m_s
    for _ in range(200):
        floor = floor_of(state, lambda x_m, y_m, x=x: x_m > edge_m - x)
        choice = AVOIDANCE.choose((0.6, 0.0), (speed, 0.0), NOTHING, None, floor)
        speed = LIMITS.eased((speed, 0.0), (choice.speed_m_s, 0.0), 0.02)[0]
        x += speed * 0.02
    assert x + FOOTPRINT_M <= edge_m
    assert x + FOOTPRINT_M > edge_m - 0.12  # and yet drives up to it


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_slow_before_a_corner_that_it_never_saw_it_turns_to_look(side: float) -> None:
    floor = floor_of(UNSEEN, lambda x_m, y_m: (x_m > 0.15) & (y_m * side > 0.02))
    choice = AVOIDANCE.choose((0.5, 0.0), (0.05, 0.0), NOTHING, AHEAD, floor)
    assert choice.looks and choice.speed_m_s == 0.0 and choice.yaw_rate_rad_s * side > 0.5
    faster = AVOIDANCE.choose((0.5, 0.0), (0.5, 0.0), NOTHING, AHEAD, floor)
    assert not faster.looks and faster.speed_m_s < 0.5


def test_what_is_known_to_stand_there_needs_no_look() -> None:
    floor = floor_of(SUSPECT, lambda x_m, y_m: (x_m > 0.2) & (y_m > 0.0))
    choice = AVOIDANCE.choose((0.5, 0.0), (0.0, 0.0), NOTHING, AHEAD, floor)
    assert choice.swerved and not choice.looks


def test_it_does_not_back_into_floor_that_it_never_saw() -> None:
    floor = floor_of(UNSEEN, lambda x_m, y_m: x_m < -0.14)
    near = Goal(0.5, 0.0, 0.0, 0.0, 1.2)
    choice = AVOIDANCE.choose((-0.25, 0.0), (0.0, 0.0), NOTHING, near, floor)
    assert choice.speed_m_s > -0.12 and not choice.looks


def test_where_all_would_touch_it_brakes() -> None:
    disc = np.array([[0.42, 0.0, 0.15]])
    choice = AVOIDANCE.choose((0.6, 0.0), (0.6, 0.0), disc, AHEAD, seen)
    assert choice.speed_m_s <= 0.0


def test_the_turn_that_it_is_in_counts() -> None:
    """Turning hard to the right, an obstacle on the right is nearer than straight ahead."""
    disc = np.array([[0.75, -0.30, 0.1]])
    straight = AVOIDANCE.choose((0.5, 0.0), (0.5, 0.0), disc, None, seen)
    turning = AVOIDANCE.choose((0.5, 0.0), (0.5, -2.0), disc, None, seen)
    assert not straight.swerved or straight.clearance_m > turning.clearance_m
    assert turning.swerved


def test_discs_are_turned_into_the_robots_frame() -> None:
    discs = in_base((1.0, 2.0, math.pi / 2), [(1.0, 3.0, 0.1)])
    assert discs[0] == pytest.approx([1.0, 0.0, 0.1])
    assert in_base((0.0, 0.0, 0.0), []) == []


def test_limits_turn_before_they_drive_and_reverse_slowly() -> None:
    speed, turn = LIMITS.within(5.0, 0.0, 1.0)
    assert (speed, turn) == (CONTRACT.limits.speed_m_s, 0.0)
    assert LIMITS.within(-5.0, 0.0, 1.0)[0] == -LIMITS.reverse_m_s
    for wanted in ((5.0, 9.0), (-5.0, -9.0), (0.8, 2.5)):
        speed, turn = LIMITS.within(*wanted, 1.0)
        rim = (abs(speed) + abs(turn) * LIMITS.half_separation_m) / CONTRACT.robot.wheel_radius_m
        assert rim <= CONTRACT.limits.wheel_speed_rad_s + 1e-9 and abs(turn) <= CONTRACT.limits.yaw_rate_rad_s
