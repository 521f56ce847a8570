"""Odometry on exact arcs, resets of the board, and poses of the past."""

from __future__ import annotations

import math

import numpy as np
import pytest

import takt.contract
from takt.planning.odometry import Odometry, PoseHistory, WheelOdometry, advance

CONTRACT = takt.contract.load()
RADIUS_M, HALF_M = CONTRACT.robot.wheel_radius_m, CONTRACT.robot.wheel_separation_m / 2.0
MS = 1_000_000


def driven(wheels: WheelOdometry, way_m: float, turn_rad: float, steps: int) -> Odometry:
    """Drive an even arc in ``steps`` readings of 10 ms."""
    for step in range(steps + 1):
        share = step / steps
        left, right = (way_m - HALF_M * turn_rad) / RADIUS_M, (way_m + HALF_M * turn_rad) / RADIUS_M
        pose = wheels.update(share * left, share * right, step * 10 * MS)
    return pose


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_an_arc_is_exact_however_it_is_cut(steps: int) -> None:
    wheels = WheelOdometry(CONTRACT)
    way_m, turn_rad = (0.012, 0.03) if steps == 1 else (0.1 * steps / 7, 0.7)
    pose = driven(wheels, way_m, turn_rad, steps)
    curve_m = way_m / turn_rad
    assert (pose.x_m, pose.y_m) == pytest.approx(
        (curve_m * math.sin(turn_rad), curve_m * (1.0 - math.cos(turn_rad))), abs=1e-12
    )
    assert pose.yaw_rad == pytest.approx(turn_rad) and wheels.restarts == 0


def test_speed_and_yaw_rate_are_those_of_the_last_step() -> None:
    pose = driven(WheelOdometry(CONTRACT), 0.4, -0.5, 100)
    assert pose.speed_m_s == pytest.approx(0.4) and pose.yaw_rate_rad_s == pytest.approx(-0.5)


def test_yaw_stays_within_half_a_turn() -> None:
    pose = driven(WheelOdometry(CONTRACT), 0.0, 7.0, 400)
    assert pose.yaw_rad == pytest.approx(7.0 - 2.0 * math.pi)


def test_a_board_that_counts_from_zero_again_moves_nothing() -> None:
    """After a reset of the board the angles jump; taken as motion, the robot would leap through the map."""
    wheels = WheelOdometry(CONTRACT)
    before = driven(wheels, 1.0, 0.3, 200)
    after = wheels.update(0.0, 0.0, 2_010 * MS)
    assert (after.x_m, after.y_m, after.yaw_rad) == (before.x_m, before.y_m, before.yaw_rad)
    assert wheels.restarts == 1 and after.speed_m_s == 0.0
    moved = wheels.update(0.1, 0.1, 2_020 * MS)
    assert math.hypot(moved.x_m - after.x_m, moved.y_m - after.y_m) == pytest.approx(0.1 * RADIUS_M)


def test_time_that_runs_back_moves_nothing_and_a_repeat_is_ignored() -> None:
    wheels = WheelOdometry(CONTRACT)
    before = driven(wheels, 0.2, 0.0, 20)
    assert wheels.update(99.0, 99.0, before.stamp_ns) is before
    assert wheels.update(99.0, 99.0, before.stamp_ns - MS).x_m == before.x_m


def test_covariance_grows_with_the_way_only_and_stays_a_covariance() -> None:
    wheels = WheelOdometry(CONTRACT)
    near, far = (
        driven(wheels, 1.0, 1.0, 250).covariance,
        driven(WheelOdometry(CONTRACT), 3.0, 1.0, 750).covariance,
    )
    assert np.all(np.linalg.eigvalsh(near) >= -1e-15) and np.trace(far) > np.trace(near) > 0.0
    still = wheels.update((1.0 - HALF_M) / RADIUS_M, (1.0 + HALF_M) / RADIUS_M, 9_000 * MS)
    assert np.allclose(still.covariance, near)


def test_the_pose_of_a_picture_is_interpolated() -> None:
    history = PoseHistory()
    history.add(Odometry(0, 0.0, 0.0, 3.1))
    history.add(Odometry(20 * MS, 0.2, 0.1, -3.1))
    middle = history.at(10 * MS)
    assert middle is not None
    assert (middle.x_m, middle.y_m) == pytest.approx((0.1, 0.05))
    assert abs(middle.yaw_rad) == pytest.approx(math.pi)  # the short way round


def test_beyond_its_ends_the_history_drives_on_a_little_and_no_further() -> None:
    history = PoseHistory()
    assert history.at(0) is None
    history.add(Odometry(1_000 * MS, 0.0, 0.0, 0.0, speed_m_s=0.5))
    ahead = history.at(1_050 * MS)
    assert ahead is not None and ahead.x_m == pytest.approx(0.025)
    assert history.at(1_200 * MS) is None and history.at(800 * MS) is None


def test_a_clock_set_back_drops_what_is_in_its_future() -> None:
    history = PoseHistory()
    for step in range(10):
        history.add(Odometry(step * 10 * MS, x_m=float(step)))
    history.add(Odometry(35 * MS, x_m=77.0))
    pose = history.at(50 * MS)
    assert pose is not None and pose.x_m == 77.0


def test_advance_on_a_straight_line() -> None:
    pose = advance(Odometry(0, 1.0, 2.0, math.pi / 2), 0.5, 0.0, 7)
    assert (pose.x_m, pose.y_m, pose.stamp_ns) == pytest.approx((1.0, 2.5, 7))
