"""Builds the MuJoCo model of robot and arena from a SceneSpec, and keeps the ids that others need.

The robot is the one URDF; everything else is a mocap body (it moves where it is told and nothing moves it). Mocap ids:
0 the target, 1 the panel, then the obstacle slots.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import takt.contract
from takt import resources
from takt.simulation.engine import mujoco
from takt.simulation.motor import DriveTrain
from takt.simulation.scene_spec import (
    FLOOR_STYLES,
    OBSTACLE_CLASS,
    OBSTACLE_SLOTS,
    PANEL_HEIGHT_M,
    PANEL_THICKNESS_M,
    PANEL_WIDTH_M,
    POSTER_SLOTS,
    TARGET_CLASS,
    TARGET_HEIGHT_M,
    TARGET_RADIUS_M,
    Pose,
    SceneSpec,
    Solid,
)

__all__ = ["CAMERA", "PANEL_MOCAP", "TARGET_MOCAP", "Scene", "SceneSpec", "build"]

CAMERA = "robot_camera"
TARGET_MOCAP = 0
PANEL_MOCAP = 1
FIRST_OBSTACLE_MOCAP = 2
STEP_S = 0.001
_WALL_HEIGHT_M = 2.6
_WALL_THICKNESS_M = 0.05
_BURIED_Z_M = -5.0
_ROBOT_BIT = 1
_ARENA_BIT = 2
_BURIED = Solid("box", (0.1, 0.1, 0.1), Pose(0.0, 0.0), (0.5, 0.5, 0.5), lift_m=_BURIED_Z_M)
_GEOM_TYPE = {"box": mujoco.mjtGeom.mjGEOM_BOX, "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER}


@dataclass
class Scene:
    """A compiled model with its data. Ids are MuJoCo ids; ``class_of_geom`` maps what a detector should find."""

    model: mujoco.MjModel
    data: mujoco.MjData
    spec: SceneSpec
    robot_body: int
    wheel_qpos: tuple[int, int]  # left, right: index into qpos
    wheel_qvel: tuple[int, int]
    class_of_geom: dict[int, int]
    object_of_geom: dict[int, int]  # geom -> mocap id of target, panel, obstacles
    wall_geoms: tuple[int, ...]
    poster_geoms: tuple[int, ...]
    floor_geom: int

    def place_robot(self, pose: Pose, pitch_rad: float = 0.0) -> None:
        """Put the robot on the ground at ``pose``; velocities stay."""
        self.data.qpos[0:3] = (pose.x_m, pose.y_m, 0.0)
        self.data.qpos[3:7] = _quaternion(pose.yaw_rad, pitch_rad)

    def place_target(self, pose: Pose) -> None:
        self.move_target(pose.x_m, pose.y_m, pose.yaw_rad)

    def move_target(self, x_m: float, y_m: float, yaw_rad: float) -> None:
        """The same from plain numbers, into MuJoCo's memory without an array in between: done at every step."""
        at, turn = self._target_memory
        at[0], at[1], at[2] = x_m, y_m, TARGET_HEIGHT_M / 2
        turn[0], turn[1], turn[2], turn[3] = math.cos(yaw_rad / 2), 0.0, 0.0, math.sin(yaw_rad / 2)

    def target_m(self) -> tuple[float, float]:
        """Where the target stands, x and y."""
        at = self._target_memory[0]
        return at[0], at[1]

    @cached_property
    def _target_memory(self) -> tuple[memoryview[float], memoryview[float]]:
        rows = self.data.mocap_pos[TARGET_MOCAP], self.data.mocap_quat[TARGET_MOCAP]
        return memoryview(rows[0]), memoryview(rows[1])

    def place_panel(self, pose: Pose | None) -> None:
        """None buries it below the floor, out of sight and out of reach."""
        height = _BURIED_Z_M if pose is None else PANEL_HEIGHT_M / 2 + 0.005
        self._place_mocap(PANEL_MOCAP, pose or Pose(0.0, 0.0), height)

    def apply(self, spec: SceneSpec) -> None:
        """Rearrange and repaint this model after another spec, for pictures only.

        Shapes change without a new compilation, so bounding volumes of the physics stay those of the first spec: step
        only scenes that ``build`` made for their own spec.
        """
        self.spec = spec
        _paint(self.model, self, spec)
        for slot in range(OBSTACLE_SLOTS):
            solid = spec.obstacles[slot] if slot < len(spec.obstacles) else None
            self._place_obstacle(FIRST_OBSTACLE_MOCAP + slot, solid)
        for index, geom in enumerate(self.poster_geoms):
            _shape_geom(self.model, geom, spec.posters[index] if index < len(spec.posters) else None)
        for geom, wall in zip(self.wall_geoms, _walls(spec), strict=True):
            _shape_geom(self.model, geom, wall)
        self.place_robot(spec.robot, spec.robot_pitch_rad)
        self.place_target(spec.target)
        self.place_panel(spec.panel)
        self.refresh()

    def refresh(self) -> None:
        """Recompute what a picture needs after poses were set by hand."""
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def _place_obstacle(self, mocap: int, solid: Solid | None) -> None:
        geom = next(g for g, m in self.object_of_geom.items() if m == mocap)
        if solid is None:
            self._place_mocap(mocap, Pose(0.0, 0.0), _BURIED_Z_M)
            return
        self.model.geom_type[geom] = _GEOM_TYPE[solid.shape]
        self.model.geom_size[geom] = _geom_size(solid)
        self.model.geom_rgba[geom, :3] = solid.rgb
        self._place_mocap(mocap, solid.pose, solid.half_size_m[2])

    def _place_mocap(self, mocap: int, pose: Pose, z_m: float) -> None:
        at, turn = self._mocap_memory
        at[mocap, 0], at[mocap, 1], at[mocap, 2] = pose.x_m, pose.y_m, z_m
        turn[mocap, 0], turn[mocap, 1], turn[mocap, 2], turn[mocap, 3] = _quaternion(pose.yaw_rad)

    @cached_property
    def _mocap_memory(self) -> tuple[memoryview[float], memoryview[float]]:
        """Places and turns of all mocap bodies, written without an array in between: the panel moves at every step."""
        return memoryview(self.data.mocap_pos), memoryview(self.data.mocap_quat)


def build(
    spec: SceneSpec, robot: takt.contract.Robot | None = None, drive: DriveTrain | None = None
) -> Scene:
    """Compile robot and arena. ``robot`` is the contract's section (default: the shipped contract)."""
    robot = robot or takt.contract.load().robot
    drive = drive or DriveTrain()
    tree = mujoco.MjSpec.from_file(str(resources.path("sim/robot/takt_robot.urdf")))
    tree.modelname = "takt_arena"
    _set_options(tree, robot)
    _equip_robot(tree, robot, drive)
    _add_surroundings(tree, spec)
    _add_target(tree)
    _add_mocap_box(tree, "panel", (PANEL_THICKNESS_M / 2, PANEL_WIDTH_M / 2, PANEL_HEIGHT_M / 2))
    for slot in range(OBSTACLE_SLOTS):
        solid = spec.obstacles[slot] if slot < len(spec.obstacles) else None
        half = solid.half_size_m if solid else (0.1, 0.1, 0.1)
        shape = solid.shape if solid else "box"
        _add_mocap_box(tree, f"obstacle_{slot}", half, shape)
    model = tree.compile()
    scene = _index(model, spec)
    scene.apply(spec)
    mujoco.mj_forward(model, scene.data)
    return scene


def _set_options(tree: mujoco.MjSpec, robot: takt.contract.Robot) -> None:
    tree.compiler.degree = False
    tree.option.timestep = STEP_S
    tree.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    tree.visual.global_.offwidth = max(640, robot.camera_width_px)
    tree.visual.global_.offheight = max(480, robot.camera_height_px)
    tree.visual.quality.offsamples = 0
    tree.visual.map.znear = 0.01
    tree.visual.map.zfar = 20.0
    tree.stat.extent = 1.0  # makes znear and zfar plain metres
    tree.visual.headlight.specular = (0.0, 0.0, 0.0)


def _add_surroundings(tree: mujoco.MjSpec, spec: SceneSpec) -> None:
    world = tree.worldbody
    world.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        castshadow=False,
        pos=(0, 0, 5),
        specular=(0, 0, 0),
    )
    for style in FLOOR_STYLES:
        _add_floor_material(tree, style)
    world.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(12, 12, 0.1),
        contype=_ARENA_BIT,
        conaffinity=_ROBOT_BIT,
        material=f"floor_{spec.look.floor_style}",
    )
    for index, wall in enumerate(_walls(spec)):
        _add_fixed(world, f"wall_{index}", wall, touchable=True)
    for index in range(POSTER_SLOTS):
        poster = spec.posters[index] if index < len(spec.posters) else _BURIED
        _add_fixed(world, f"poster_{index}", poster, touchable=False)


def _add_floor_material(tree: mujoco.MjSpec, style: str) -> None:
    if style != "plain":
        texture = tree.add_texture(
            name=f"floor_{style}", type=mujoco.mjtTexture.mjTEXTURE_2D, width=256, height=256
        )
        texture.rgb1, texture.rgb2 = (1.0, 1.0, 1.0), (0.82, 0.82, 0.82)
        if style == "checker":
            texture.builtin = mujoco.mjtBuiltin.mjBUILTIN_CHECKER
        else:
            texture.builtin = mujoco.mjtBuiltin.mjBUILTIN_FLAT
            texture.mark, texture.random, texture.markrgb = (
                mujoco.mjtMark.mjMARK_RANDOM,
                0.02,
                (0.6, 0.6, 0.6),
            )
    material = tree.add_material(name=f"floor_{style}", reflectance=0.0, specular=0.0, texuniform=True)
    if style != "plain":
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = f"floor_{style}"
        material.texrepeat = (1.0, 1.0)


def _equip_robot(tree: mujoco.MjSpec, robot: takt.contract.Robot, drive: DriveTrain) -> None:
    """Give the URDF's bodies what a URDF cannot say: freedom to move, contact rules, a lens, motors."""
    for body in tree.bodies:
        for geom in body.geoms:
            _make_robot_geom(geom, slides=body.name in ("caster_link", "front_skid_link"))
    tree.body("base_link").add_freejoint()
    # MuJoCo's cameras look along -z with y up; the optical frame's axes are turned half round x.
    vertical_fov_rad = 2.0 * math.atan(
        math.tan(robot.camera_horizontal_fov_rad / 2.0) * robot.camera_height_px / robot.camera_width_px
    )
    tree.body("camera_optical_frame").add_camera(
        name=CAMERA, quat=(0, 1, 0, 0), fovy=math.degrees(vertical_fov_rad)
    )
    for side in ("left", "right"):
        joint = tree.joint(f"{side}_wheel_joint")
        joint.armature = drive.armature_kg_m2
        joint.frictionloss = drive.friction_n_m
        motor = tree.add_actuator(
            name=f"{side}_motor", target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT, ctrllimited=False
        )
        motor.gainprm[0] = drive.stall_torque_n_m
        motor.biastype = mujoco.mjtBias.mjBIAS_AFFINE
        motor.biasprm[2] = -drive.damping_n_m_s


def _make_robot_geom(geom: mujoco.MjsGeom, slides: bool) -> None:
    """Collision shapes touch the arena only; what is drawn touches nothing and weighs nothing."""
    drawn_only = geom.contype == 0
    geom.contype, geom.conaffinity = (0, 0) if drawn_only else (_ROBOT_BIT, _ARENA_BIT)
    geom.mass = 0.0
    if slides:
        geom.friction = (0.02, 0.0, 0.0)
        geom.priority = 1  # its own friction holds, not the larger one of the pair


def _add_target(tree: mujoco.MjSpec) -> None:
    body = tree.worldbody.add_body(name="target", mocap=True)
    for name, z_m in (("target_lower", -TARGET_HEIGHT_M / 4), ("target_upper", TARGET_HEIGHT_M / 4)):
        body.add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=(TARGET_RADIUS_M, TARGET_HEIGHT_M / 4, 0),
            pos=(0, 0, z_m),
            contype=_ARENA_BIT,
            conaffinity=_ROBOT_BIT,
        )


def _add_mocap_box(tree: mujoco.MjSpec, name: str, half_size_m: Sequence[float], shape: str = "box") -> None:
    body = tree.worldbody.add_body(name=name, mocap=True)
    solid = Solid(shape, (half_size_m[0], half_size_m[1], half_size_m[2]), Pose(0.0, 0.0), (0.5, 0.5, 0.5))
    body.add_geom(
        name=name, type=_GEOM_TYPE[shape], size=_geom_size(solid), contype=_ARENA_BIT, conaffinity=_ROBOT_BIT
    )


def _add_fixed(world: mujoco.MjsBody, name: str, solid: Solid, touchable: bool) -> None:
    bits = (
        {"contype": _ARENA_BIT, "conaffinity": _ROBOT_BIT} if touchable else {"contype": 0, "conaffinity": 0}
    )
    world.add_geom(
        name=name,
        type=_GEOM_TYPE[solid.shape],
        size=_geom_size(solid),
        pos=_centre(solid),
        quat=_quaternion(solid.pose.yaw_rad),
        **bits,
    )


def _index(model: mujoco.MjModel, spec: SceneSpec) -> Scene:
    joints = [model.joint(f"{side}_wheel_joint") for side in ("left", "right")]
    mocap_of_geom = {}
    for geom in range(model.ngeom):
        mocap = int(model.body_mocapid[model.geom_bodyid[geom]])
        if mocap >= 0:
            mocap_of_geom[geom] = mocap
    return Scene(
        model=model,
        data=mujoco.MjData(model),
        spec=spec,
        robot_body=model.body("base_link").id,
        wheel_qpos=(int(joints[0].qposadr[0]), int(joints[1].qposadr[0])),
        wheel_qvel=(int(joints[0].dofadr[0]), int(joints[1].dofadr[0])),
        class_of_geom={
            geom: TARGET_CLASS if mocap == TARGET_MOCAP else OBSTACLE_CLASS
            for geom, mocap in mocap_of_geom.items()
        },
        object_of_geom=mocap_of_geom,
        wall_geoms=tuple(model.geom(f"wall_{index}").id for index in range(4)),
        poster_geoms=tuple(model.geom(f"poster_{index}").id for index in range(POSTER_SLOTS)),
        floor_geom=model.geom("floor").id,
    )


def _paint(model: mujoco.MjModel, scene: Scene, spec: SceneSpec) -> None:
    look = spec.look
    model.geom_rgba[model.geom("target_lower").id, :3] = look.target_lower_rgb
    model.geom_rgba[model.geom("target_upper").id, :3] = look.target_upper_rgb
    model.geom_rgba[model.geom("panel").id, :3] = look.panel_rgb
    model.geom_matid[scene.floor_geom] = model.material(f"floor_{look.floor_style}").id
    model.geom_rgba[scene.floor_geom, :3] = look.floor_rgb
    model.vis.headlight.ambient[:] = look.ambient
    model.vis.headlight.diffuse[:] = look.headlight
    model.light_diffuse[0] = look.sun
    model.light_dir[0] = look.sun_direction


def _walls(spec: SceneSpec) -> tuple[Solid, Solid, Solid, Solid]:
    """East, west, north, south; their inner faces bound the arena."""
    t, half_z_m = _WALL_THICKNESS_M / 2, _WALL_HEIGHT_M / 2
    x_m, y_m = spec.half_x_m, spec.half_y_m
    colours = spec.look.wall_rgb
    return (
        Solid("box", (t, y_m, half_z_m), Pose(x_m + t, 0.0), colours[0]),
        Solid("box", (t, y_m, half_z_m), Pose(-x_m - t, 0.0), colours[1]),
        Solid("box", (x_m, t, half_z_m), Pose(0.0, y_m + t), colours[2]),
        Solid("box", (x_m, t, half_z_m), Pose(0.0, -y_m - t), colours[3]),
    )


def _shape_geom(model: mujoco.MjModel, geom: int, solid: Solid | None) -> None:
    if solid is None:
        model.geom_pos[geom] = (0.0, 0.0, _BURIED_Z_M)
        return
    model.geom_size[geom] = _geom_size(solid)
    model.geom_pos[geom] = _centre(solid)
    model.geom_quat[geom] = _quaternion(solid.pose.yaw_rad)
    model.geom_rgba[geom, :3] = solid.rgb


def _centre(solid: Solid) -> tuple[float, float, float]:
    return solid.pose.x_m, solid.pose.y_m, solid.half_size_m[2] + solid.lift_m


def _geom_size(solid: Solid) -> tuple[float, float, float]:
    half = solid.half_size_m
    return (half[0], half[2], 0.0) if solid.shape == "cylinder" else half


def _quaternion(yaw_rad: float, pitch_rad: float = 0.0) -> tuple[float, float, float, float]:
    """w, x, y, z of a turn by yaw about the vertical, then by pitch about the own left-right axis."""
    cy, sy = math.cos(yaw_rad / 2), math.sin(yaw_rad / 2)
    cp, sp = math.cos(pitch_rad / 2), math.sin(pitch_rad / 2)
    return cy * cp, -sy * sp, cy * sp, sy * cp
