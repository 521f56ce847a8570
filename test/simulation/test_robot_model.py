"""The URDF says the same as the contract, and MuJoCo builds what the URDF says."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import takt.contract
from takt import resources
from takt.simulation.engine import mujoco
from takt.simulation.scene import CAMERA, Scene, build
from takt.simulation.scene_spec import Pose, SceneSpec

ROBOT = takt.contract.load().robot
URDF = ElementTree.parse(resources.path("sim/robot/takt_robot.urdf")).getroot()


def joint(name: str) -> ElementTree.Element:
    found = URDF.find(f"joint[@name='{name}']")
    assert found is not None
    return found


def origin(name: str) -> tuple[list[float], list[float]]:
    element = joint(name).find("origin")
    assert element is not None
    return [[float(v) for v in element.get(key, "0 0 0").split()] for key in ("xyz", "rpy")]  # type: ignore[return-value]


def test_links_are_those_of_the_design() -> None:
    names = {link.get("name") for link in URDF.findall("link")}
    assert {"base_link", "left_wheel_link", "right_wheel_link", "caster_link", "camera_link"} <= names
    assert "camera_optical_frame" in names


@pytest.mark.parametrize(("side", "sign"), [("left", 1.0), ("right", -1.0)])
def test_wheels_equal_the_contract(side: str, sign: float) -> None:
    xyz, _ = origin(f"{side}_wheel_joint")
    assert xyz == [0.0, sign * ROBOT.wheel_separation_m / 2.0, ROBOT.wheel_radius_m]
    radii = [
        float(e.get("radius", "0")) for e in URDF.findall(f"link[@name='{side}_wheel_link']//*[@radius]")
    ]
    assert radii == [ROBOT.wheel_radius_m] * 2
    axis = joint(f"{side}_wheel_joint").find("axis")
    assert axis is not None and axis.get("xyz") == "0 1 0"


def test_camera_equals_the_contract() -> None:
    assert origin("camera_joint") == [
        [ROBOT.camera_x_m, 0.0, ROBOT.camera_z_m],
        [0.0, ROBOT.camera_pitch_rad, 0.0],
    ]
    assert origin("camera_optical_joint")[1] == pytest.approx([-math.pi / 2, 0.0, -math.pi / 2])


@pytest.fixture(scope="module")
def scene() -> Scene:
    return build(SceneSpec.randomised(np.random.default_rng(1)), ROBOT)


def test_lens_has_the_contracts_horizontal_field(scene: Scene) -> None:
    vertical_rad = math.radians(scene.model.camera(CAMERA).fovy[0])
    horizontal_rad = 2.0 * math.atan(
        math.tan(vertical_rad / 2) * ROBOT.camera_width_px / ROBOT.camera_height_px
    )
    assert horizontal_rad == pytest.approx(ROBOT.camera_horizontal_fov_rad)


def test_camera_looks_ahead_and_down_by_its_pitch(scene: Scene) -> None:
    scene.place_robot(Pose(0.0, 0.0))
    scene.refresh()
    axes = scene.data.cam_xmat[scene.model.camera(CAMERA).id].reshape(3, 3)
    pitch = ROBOT.camera_pitch_rad
    assert -axes[:, 2] == pytest.approx([math.cos(pitch), 0.0, -math.sin(pitch)])
    assert axes[:, 0] == pytest.approx([0.0, -1.0, 0.0])
    optical = scene.data.body("camera_optical_frame").xmat.reshape(3, 3)
    assert optical[:, 2] == pytest.approx(-axes[:, 2]) and optical[:, 1] == pytest.approx(-axes[:, 1])


def test_footprint_of_the_contract_holds_every_collision_shape(scene: Scene) -> None:
    model = scene.model
    robot_geoms = [g for g in range(model.ngeom) if model.geom_contype[g] == 1]
    assert len(robot_geoms) == 5  # chassis, two wheels, caster, skid
    mujoco.mj_kinematics(model, scene.data)
    base = scene.data.body("base_link").xpos
    for geom in robot_geoms:
        reach = math.hypot(*(scene.data.geom_xpos[geom] - base)[:2]) + model.geom_size[geom][0]
        assert reach <= ROBOT.footprint_radius_m + 1e-9


def test_integrator_and_armature_keep_stiff_wheels_stable(scene: Scene) -> None:
    assert scene.model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    assert all(scene.model.dof_armature[dof] > 0.0 for dof in scene.wheel_qvel)
