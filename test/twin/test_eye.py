"""Geometric perception against drawn pictures: the same things, in the same places, hidden when they are hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from takt.simulation.mission import best_iou
from takt.simulation.scenario import Scenario
from takt.simulation.scene import TARGET_MOCAP, build
from takt.simulation.scene_camera import SceneCamera
from takt.simulation.scene_spec import TARGET_CLASS, Pose
from takt.twin.episode import Sight
from takt.twin.eye import GeometricEye

SURE = Sight(pixel_sigma=0.0, miss_rate=0.0)


@pytest.fixture(scope="module")
def stage(shipped_contract):
    scenario = Scenario.from_seed(2, shipped_contract)
    scene = build(scenario.scene_spec(), shipped_contract.robot)
    with SceneCamera(scene, 320, 240) as camera:
        yield scene, camera, GeometricEye(scene, shipped_contract.robot, SURE, np.random.default_rng(0))


def views(scenario: Scenario, count: int) -> list[tuple[Pose, Pose, float]]:
    """Where a follower would be, looking a little aside."""
    rng = np.random.default_rng(5)
    found = []
    for step in range(count):
        motion_s = 0.5 * step
        target, behind = scenario.target_pose(motion_s), scenario.target_pose(max(0.0, motion_s - 3.4))
        yaw = np.arctan2(target.y_m - behind.y_m, target.x_m - behind.x_m) + rng.normal(0.0, 0.15)
        found.append((Pose(behind.x_m, behind.y_m, float(yaw)), target, motion_s))
    return found


def test_boxes_agree_with_drawn_ones(stage, shipped_contract):
    scene, camera, eye = stage
    scenario = Scenario.from_seed(2, shipped_contract)
    compared, agreed, hidden_wrong = 0, 0, 0
    for robot, target, motion_s in views(scenario, 60):
        scene.place_robot(robot)
        scene.place_target(target)
        scene.place_panel(scenario.panel_pose(motion_s, robot, target))
        scene.refresh()
        seen = eye.look()
        sighting = camera.sighting(scene.data, TARGET_MOCAP)
        hidden_wrong += seen.hidden != (sighting.hidden_px > 0.5 * sighting.whole_px)
        if sighting.box_xyxy_px is None or sighting.visible_px < 0.6 * sighting.whole_px:
            continue
        compared += 1
        ours = seen.boxes_xyxy_px[seen.class_ids == TARGET_CLASS]
        agreed += len(ours) == 1 and best_iou(np.asarray(sighting.box_xyxy_px), ours) > 0.9
    assert compared >= 40
    assert agreed >= 0.95 * compared
    assert hidden_wrong <= 3


def test_noise_is_seeded_and_of_the_size_asked_for(shipped_contract):
    scene = build(Scenario.from_seed(2, shipped_contract).scene_spec(), shipped_contract.robot)
    noisy = replace(SURE, pixel_sigma=0.7)
    first, second = (
        GeometricEye(scene, shipped_contract.robot, noisy, np.random.default_rng(3)) for _ in range(2)
    )
    sure = GeometricEye(scene, shipped_contract.robot, SURE, np.random.default_rng(3)).look()
    many = [first.look().boxes_xyxy_px for _ in range(200)]
    assert np.array_equal(many[0], second.look().boxes_xyxy_px)
    errors = np.array(many)[:, 0, :] - sure.boxes_xyxy_px[0]
    assert np.std(errors) == pytest.approx(0.7, rel=0.15)


def test_a_target_behind_the_robot_is_not_seen(shipped_contract):
    scene = build(Scenario.from_seed(2, shipped_contract).scene_spec(), shipped_contract.robot)
    eye = GeometricEye(scene, shipped_contract.robot, SURE, np.random.default_rng(0))
    scene.place_robot(Pose(0.0, 0.0, 0.0))
    scene.place_target(Pose(-1.0, 0.0))
    scene.refresh()
    assert not eye.look().shows_target
