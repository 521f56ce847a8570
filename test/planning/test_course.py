"""The one wanted way in plain numbers is the same as among the many in arrays."""

from __future__ import annotations

import numpy as np
import pytest

import takt.contract
from takt.planning.avoidance import Avoidance
from takt.planning.floor import DOUBTED, FREE, STALE, SUSPECT, UNSEEN, FloorView
from takt.planning.limits import MotionLimits

CONTRACT = takt.contract.load()
LIMITS = MotionLimits.from_contract(CONTRACT)
AVOIDANCE = Avoidance(LIMITS, CONTRACT.robot.footprint_radius_m, CONTRACT.planning.obstacle_clearance_m)


@pytest.mark.parametrize("seed", range(60))
def test_one_course_is_driven_and_judged_as_the_many(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = (float(rng.uniform(-0.25, 0.7)), float(rng.uniform(-2.0, 2.0)))
    motion = (float(rng.uniform(-0.2, 0.7)), float(rng.uniform(-2.0, 2.0)))
    discs = rng.uniform((-1.0, -1.5, 0.05), (2.5, 1.5, 0.3), (int(rng.integers(0, 6)), 3))
    grid = rng.choice([FREE, UNSEEN, DOUBTED, STALE, SUSPECT], (40, 40), p=(0.9, 0.025, 0.025, 0.025, 0.025))

    def floor(x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
        return grid[(x_m * 10 + 20).astype(int), (y_m * 10 + 20).astype(int)].astype(np.uint8)

    speeds, turns = np.array([wanted[0], 0.0]), np.array([wanted[1], 0.0])
    paths, speeds = AVOIDANCE._driven(speeds, turns, motion), np.repeat(speeds, 2)
    course = AVOIDANCE._ahead.drive(wanted, motion)
    assert np.allclose(course.x_m, paths[0][0], atol=1e-12)
    assert np.allclose(course.y_m, paths[1][0], atol=1e-12)
    many_m = AVOIDANCE._clearances(paths, discs)
    assert course.clearance_m(discs.tolist(), AVOIDANCE._footprint_m) == pytest.approx(many_m[0], abs=1e-12)
    blocked_m, _ = AVOIDANCE._passage.judge_course(course, wanted[0], motion[0], floor)
    assert blocked_m == pytest.approx(AVOIDANCE._passage.judge(paths, speeds, motion[0], floor)[0], abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_asking_the_cheapest_first_finds_what_asking_all_finds(seed: int) -> None:
    """Also where most floor is blocked, or all of it."""
    rng = np.random.default_rng([7, seed])
    share = (0.001, 0.01, 0.1, 1.0)[seed % 4]
    grid = rng.choice([FREE, SUSPECT], (60, 60), p=(1.0 - share, share))
    grid[29:32, 29:32] = FREE

    def floor(x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
        return grid[(x_m * 15 + 30).astype(int), (y_m * 15 + 30).astype(int)].astype(np.uint8)

    motion = (float(rng.uniform(0.0, 0.6)), float(rng.uniform(-1.0, 1.0)))
    speeds, turns = AVOIDANCE._candidates((0.4, 0.2), motion[0], 1.0)
    paths, speeds = AVOIDANCE._driven(speeds, turns, motion), np.repeat(speeds, len(turns))
    cost = rng.uniform(0.0, 3.0, len(speeds)) + np.where(rng.random(len(speeds)) < 0.5, 1000.0, 0.0)
    if seed % 5 == 0:
        cost += 1000.0  # all of them touch something
    blocked_m = AVOIDANCE._passage.judge(paths, speeds, motion[0], floor)
    whole = cost + np.where(blocked_m > 1e-3, 1000.0 * (1.0 + blocked_m), 0.0)
    assert AVOIDANCE._cheapest_free(cost, paths, speeds, motion[0], floor) == int(np.argmin(whole))


def beside(x_m: float, y_m: float) -> FloorView:
    """Floor with one cell on which something stands."""

    def floor(at_x_m: np.ndarray, at_y_m: np.ndarray) -> np.ndarray:
        near = np.maximum(np.abs(at_x_m - x_m), np.abs(at_y_m - y_m)) < 0.03
        return np.where(near, SUSPECT, FREE).astype(np.uint8)

    return floor


@pytest.mark.parametrize("corner_m", [(0.17, -0.10), (0.19, 0.05), (0.17, 0.13), (0.22, -0.03)])
def test_with_something_beside_it_the_robot_drives_away_from_it_and_not_into_it(
    corner_m: tuple[float, float],
) -> None:
    """One point of its rim over a thin board's corner gave leave to have any one over it, and the corner once within
    the rim was not seen any more: the robot drove into it."""
    blocked = {
        way: AVOIDANCE._passage.judge_course(
            AVOIDANCE._ahead.drive(way, way), way[0], way[0], beside(*corner_m)
        )[0]
        for way in [(0.2, 0.0), (-0.2, 0.0), (0.0, 1.0)]
    }
    assert blocked[0.2, 0.0] > 0.0
    assert blocked[-0.2, 0.0] == blocked[0.0, 1.0] == 0.0
