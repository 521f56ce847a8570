"""What holds for every seed, worked out on the plane: no physics, no pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import takt.contract
from takt.simulation.follower_model import follow
from takt.simulation.scenario import PANEL_SPEED_M_S, Scenario
from takt.simulation.scene_spec import (
    PANEL_HEIGHT_M,
    PANEL_THICKNESS_M,
    PANEL_WIDTH_M,
    TARGET_HEIGHT_M,
    TARGET_RADIUS_M,
    Pose,
)

CONTRACT = takt.contract.load()
SEEDS = range(20)
RUN_S = 40.0
DT_S = 0.05
FOLLOW_M = CONTRACT.planning.follow_distance_m
SCENARIOS = {seed: Scenario.from_seed(seed, CONTRACT) for seed in SEEDS}


@pytest.fixture(params=SEEDS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


def way(scenario: Scenario) -> np.ndarray:
    poses = [scenario.target_pose(step * DT_S) for step in range(round(RUN_S / DT_S) + 1)]
    return np.array([(pose.x_m, pose.y_m, pose.yaw_rad) for pose in poses])


def gap_to_obstacles_m(scenario: Scenario, points: np.ndarray) -> float:
    """Least distance of points from any obstacle's circumscribed circle."""
    gaps = [
        np.hypot(points[:, 0] - solid.pose.x_m, points[:, 1] - solid.pose.y_m).min() - solid.reach_m
        for solid in scenario.obstacles
    ]
    return float(min(gaps))


def test_equal_seeds_give_equal_scenarios_and_others_differ() -> None:
    again = Scenario.from_seed(3, CONTRACT)
    assert again.obstacles == SCENARIOS[3].obstacles and again.passes == SCENARIOS[3].passes
    assert np.array_equal(again.path.points_m, SCENARIOS[3].path.points_m)
    assert again.obstacles != SCENARIOS[4].obstacles


def test_target_travels_far_enough_at_a_walkable_pace(scenario: Scenario) -> None:
    points = way(scenario)
    steps_m = np.hypot(*np.diff(points[:, :2], axis=0).T)
    assert steps_m.sum() >= 8.3
    assert (
        steps_m[: round(30.0 / DT_S)].sum() >= 8.3
    )  # also when ten seconds of a run are lost to bringing it up
    speeds = steps_m[round(2.0 / DT_S) :] / DT_S
    assert speeds.min() >= 0.25 and speeds.max() <= 0.46
    assert steps_m[0] / DT_S < 0.05  # it sets out gently


def test_target_turns_both_ways_and_never_sharply(scenario: Scenario) -> None:
    turns = np.diff(np.unwrap(way(scenario)[:, 2]))
    assert turns[turns > 0].sum() > math.radians(60.0) and turns[turns < 0].sum() < -math.radians(60.0)
    assert np.abs(turns).max() / DT_S < 0.8


def test_target_stays_in_the_arena_and_clear_of_obstacles(scenario: Scenario) -> None:
    points = scenario.path.points_m
    assert np.abs(points[:, 0]).max() < scenario.half_x_m - TARGET_RADIUS_M - 0.3
    assert np.abs(points[:, 1]).max() < scenario.half_y_m - TARGET_RADIUS_M - 0.3
    assert gap_to_obstacles_m(scenario, points) >= TARGET_RADIUS_M + 0.1


def test_a_plain_follower_keeps_its_distance_and_touches_nothing(scenario: Scenario) -> None:
    road = follow(scenario.target_pose, scenario.robot_start, FOLLOW_M, RUN_S, DT_S)
    error_m = np.abs(np.hypot(*(road[100:, 3:5] - road[100:, 0:2]).T) - FOLLOW_M)
    assert np.percentile(error_m, 95) <= 0.35
    assert gap_to_obstacles_m(scenario, road) >= CONTRACT.robot.footprint_radius_m + 0.05
    assert np.hypot(*np.diff(road[:, :2], axis=0).T).sum() >= 5.0
    assert np.abs(road[:, 0]).max() < scenario.half_x_m - CONTRACT.robot.footprint_radius_m


def test_some_obstacles_stand_where_a_planner_has_to_mind_them(scenario: Scenario) -> None:
    assert len(scenario.obstacles) == 8
    road = follow(scenario.target_pose, scenario.robot_start, FOLLOW_M, 95.0, DT_S, distance_gain_per_s=2.0)
    minded_m = CONTRACT.robot.footprint_radius_m + 2.0 * CONTRACT.planning.obstacle_clearance_m
    gaps = [
        np.hypot(road[:, 0] - solid.pose.x_m, road[:, 1] - solid.pose.y_m).min() - solid.reach_m
        for solid in scenario.obstacles
    ]
    assert np.count_nonzero(np.array(gaps) < minded_m) >= 2


@pytest.mark.parametrize("lag_s", [0.0, 0.4])
def test_two_panels_hide_the_target_for_half_a_second_each(scenario: Scenario, lag_s: float) -> None:
    """Whatever the follower's lag: the panel goes by the live line of sight."""
    road = follow(lambda t: scenario.target_pose(t - lag_s), scenario.robot_start, FOLLOW_M, RUN_S, 0.02)
    hidden = np.array([covered(scenario, row, 0.02 * index) for index, row in enumerate(road)])
    edges = np.flatnonzero(np.diff(np.concatenate(([0], hidden.astype(int), [0]))))
    lengths_s = (edges[1::2] - edges[0::2]) * 0.02
    assert len(lengths_s) == 2
    assert lengths_s.min() >= 0.5 and lengths_s.max() < CONTRACT.planning.lost_timeout_ms * 1e-3


def covered(scenario: Scenario, row: np.ndarray, motion_s: float) -> bool:
    """True if the panel stands across the line from the camera to the middle of the target."""
    x_m, y_m, yaw_rad = row[:3]
    target = scenario.target_pose(motion_s)
    panel = scenario.panel_pose(motion_s, Pose(x_m, y_m, yaw_rad), target)
    if panel is None:
        return False
    lens = np.array((x_m, y_m)) + CONTRACT.robot.camera_x_m * np.array((math.cos(yaw_rad), math.sin(yaw_rad)))
    normal = np.array((math.cos(panel.yaw_rad), math.sin(panel.yaw_rad)))
    lens_before_m = float((lens - (panel.x_m, panel.y_m)) @ normal)
    target_before_m = float((np.array((target.x_m, target.y_m)) - (panel.x_m, panel.y_m)) @ normal)
    if lens_before_m * target_before_m >= 0.0:
        return False
    share = lens_before_m / (lens_before_m - target_before_m)
    crossing = lens + share * (np.array((target.x_m, target.y_m)) - lens)
    aside_m = (crossing - (panel.x_m, panel.y_m)) @ np.array((-normal[1], normal[0]))
    lens_z_m = CONTRACT.robot.camera_z_m
    line_z_m = lens_z_m + share * (TARGET_HEIGHT_M - lens_z_m)
    return bool(abs(aside_m) < PANEL_WIDTH_M / 2.0 and line_z_m < PANEL_HEIGHT_M)


def test_panels_come_twice_in_a_run_and_in_good_time(scenario: Scenario) -> None:
    middles_s = [crossing.middle_s for crossing in scenario.passes if crossing.middle_s < RUN_S]
    assert len(middles_s) == 2
    assert middles_s[0] > 5.0 + 2.0 and middles_s[1] < 25.0
    assert scenario.passes[2].middle_s > RUN_S + 2.0


@settings(max_examples=200, deadline=None)
@given(
    seed=st.sampled_from(list(SEEDS)),
    passing=st.integers(0, 1),
    aside_s=st.floats(-1.7, 1.7),
    x_m=st.floats(-4.0, 4.0),
    y_m=st.floats(-3.0, 3.0),
)
def test_no_panel_reaches_a_robot_wherever_it_stands(
    seed: int, passing: int, aside_s: float, x_m: float, y_m: float
) -> None:
    scenario = SCENARIOS[seed]
    motion_s = scenario.passes[passing].middle_s + aside_s
    target = scenario.target_pose(motion_s)
    panel = scenario.panel_pose(motion_s, Pose(x_m, y_m), target)
    if panel is None:
        return
    normal = np.array((math.cos(panel.yaw_rad), math.sin(panel.yaw_rad)))
    along = np.array((-normal[1], normal[0]))
    robot = np.array((x_m - panel.x_m, y_m - panel.y_m))
    outside = (
        max(0.0, abs(robot @ normal) - PANEL_THICKNESS_M / 2.0),
        max(0.0, abs(robot @ along) - PANEL_WIDTH_M / 2.0),
    )
    assert math.hypot(*outside) > CONTRACT.robot.footprint_radius_m + 0.2
    at_target = np.array((target.x_m - panel.x_m, target.y_m - panel.y_m))
    assert abs(at_target @ normal) > TARGET_RADIUS_M + PANEL_THICKNESS_M / 2.0


def test_panel_moves_at_its_speed_across_a_resting_line_of_sight() -> None:
    scenario = SCENARIOS[1]
    crossing, robot, target = scenario.passes[0], Pose(0.0, 0.0), Pose(1.2, 0.0)
    poses = [scenario.panel_pose(crossing.middle_s + dt_s, robot, target) for dt_s in (-0.5, 0.5)]
    assert poses[0] is not None and poses[1] is not None
    assert poses[0].x_m == pytest.approx(0.85) and poses[1].x_m == pytest.approx(0.85)
    assert poses[1].y_m - poses[0].y_m == pytest.approx(crossing.side * PANEL_SPEED_M_S)
