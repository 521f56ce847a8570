"""Seeded pictures of the simulated arena with their truth: what our own detector is trained and judged on.

One integer makes one picture. Seeds below ``TRAINING_SEEDS_FROM`` are never trained on; neither are the arenas of runs
with such seeds, so that every run of the demo and every held-out picture is new to the detector.
"""

from __future__ import annotations

import colorsys
import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from takt.simulation.follower_model import follow
from takt.simulation.scenario import Scenario
from takt.simulation.scene import SceneSpec, build
from takt.simulation.scene_camera import SceneCamera, TruthBox
from takt.simulation.scene_spec import Pose, Rgb, Solid

TRAINING_SEEDS_FROM = 1_000_000
MIN_VISIBLE_FRACTION = 0.20  # of what the object would cover if nothing stood before it
MIN_VISIBLE_PX = 36
MIN_SIDE_PX = 3
_ARENA_SHARE = 0.35  # of the pictures show the arena of a run from where a follower would be
_ARENAS = 160  # different ones in each of the two halves of the seeds
_RUN_S = 45.0
_STEP_S = 0.05
_FOLLOW_DISTANCE_M = 1.2


@dataclass(frozen=True)
class Picture:
    """One render. ``pixels`` (H, W, 3) uint8 rgb; ``boxes_xyxy_px`` (N, 4); ``class_ids`` (N,); ``ignored`` (N,) marks
    objects of which too little can be seen to ask for them: neither finding nor missing them counts."""

    pixels: NDArray[np.uint8]
    boxes_xyxy_px: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    ignored: NDArray[np.bool_]
    from_run: bool


class Renderer:
    """Draws pictures by seed; holds one OpenGL context. Close it before the interpreter ends."""

    def __init__(self, width: int = 320, height: int = 240) -> None:
        self._scene = build(SceneSpec.randomised(np.random.default_rng(0)))
        self._camera = SceneCamera(self._scene, width, height)
        self._shape = (height, width, 3)

    def picture(self, seed: int) -> Picture:
        """The picture of this seed; equal seeds give equal pictures."""
        rng = np.random.default_rng([seed, 0x7A6B])
        from_run = bool(rng.random() < _ARENA_SHARE)
        spec = _view_of_a_run(rng, seed) if from_run else _random_scene(rng)
        self._scene.apply(spec)
        pixels = np.empty(self._shape, np.uint8)
        self._camera.render_into(self._scene.data, pixels)
        return _picture(pixels, self._camera.truth(self._scene.data), from_run)

    def pictures(self, seeds: range) -> Iterator[Picture]:
        """The pictures of many seeds, in order."""
        return map(self.picture, seeds)

    def close(self) -> None:
        """Free the OpenGL context."""
        self._camera.close()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _picture(pixels: NDArray[np.uint8], truth: list[TruthBox], from_run: bool) -> Picture:
    return Picture(
        pixels,
        np.array([box.box_xyxy_px for box in truth], np.float32).reshape(-1, 4),
        np.array([box.class_id for box in truth], np.int32),
        np.array([_is_ignored(box) for box in truth], np.bool_),
        from_run,
    )


def _is_ignored(box: TruthBox) -> bool:
    x0, y0, x1, y1 = box.box_xyxy_px
    too_small = box.visible_px < MIN_VISIBLE_PX or min(x1 - x0, y1 - y0) < MIN_SIDE_PX
    return too_small or box.visible_fraction < MIN_VISIBLE_FRACTION


def _random_scene(rng: np.random.Generator) -> SceneSpec:
    """A scene of the widest ranges, with more of what is hard: none, near or half-hidden targets, tempting colours."""
    spec = SceneSpec.randomised(rng)
    kind = rng.random()
    if kind < 0.12:  # nothing to follow: the target stands behind the camera
        spec = replace(spec, target=_before(spec.robot, -1.5, 0.0), panel=None)
    elif kind < 0.27:  # so near that the border cuts it
        spec = replace(
            spec, target=_before(spec.robot, rng.uniform(0.38, 0.95), rng.normal(0.0, 0.4)), panel=None
        )
    elif kind < 0.45:  # a panel's edge somewhere across it
        spec = _with_panel_across(rng, spec)
    if rng.random() < 0.5:
        spec = replace(spec, obstacles=tuple(_tempting(rng, solid) for solid in spec.obstacles))
    if rng.random() < 0.2:
        spec = replace(spec, posters=tuple(_tempting(rng, solid) for solid in spec.posters))
    if rng.random() < 0.06:
        spec = replace(spec, obstacles=(), panel=None)
    return spec


def _with_panel_across(rng: np.random.Generator, spec: SceneSpec) -> SceneSpec:
    target = _before(spec.robot, rng.uniform(0.9, 2.5), rng.normal(0.0, 0.2))
    yaw_rad = math.atan2(spec.robot.y_m - target.y_m, spec.robot.x_m - target.x_m)
    before_m, aside_m = rng.uniform(0.25, 0.45), rng.uniform(-0.45, 0.45)
    panel = Pose(
        target.x_m + before_m * math.cos(yaw_rad) - aside_m * math.sin(yaw_rad),
        target.y_m + before_m * math.sin(yaw_rad) + aside_m * math.cos(yaw_rad),
        yaw_rad,
    )
    return replace(spec, target=target, panel=panel)


def _tempting(rng: np.random.Generator, solid: Solid) -> Solid:
    """Red, yellow or brown: near the target's orange, and not it."""
    if rng.random() > 0.35:
        return solid
    red, yellow, brown = (0.955, 1.01), (0.145, 0.18), (0.03, 0.12)
    hue_from, hue_to = (red, yellow, brown)[int(rng.integers(3))]
    is_brown = (hue_from, hue_to) == brown
    hue = float(rng.uniform(hue_from, hue_to)) % 1.0
    saturation = float(rng.uniform(0.25, 0.5) if is_brown else rng.uniform(0.6, 1.0))
    value = float(rng.uniform(0.15, 0.4) if is_brown else rng.uniform(0.4, 1.0))
    rgb: Rgb = colorsys.hsv_to_rgb(hue, saturation, value)
    return replace(solid, rgb=rgb)


def _before(robot: Pose, distance_m: float, bearing_rad: float) -> Pose:
    angle_rad = robot.yaw_rad + bearing_rad
    return Pose(robot.x_m + distance_m * math.cos(angle_rad), robot.y_m + distance_m * math.sin(angle_rad))


def _view_of_a_run(rng: np.random.Generator, seed: int) -> SceneSpec:
    """What the robot's camera would see at some moment of some run, a quarter of the time near an occlusion."""
    base = seed // TRAINING_SEEDS_FROM * TRAINING_SEEDS_FROM
    scenario, road = _run(base + int(rng.integers(1, _ARENAS + 1)))
    motion_s = float(rng.uniform(0.0, _RUN_S - _STEP_S))
    if rng.random() < 0.25:
        motion_s = scenario.passes[int(rng.integers(2))].middle_s + float(rng.uniform(-1.3, 1.3))
    x_m, y_m, yaw_rad = road[int(motion_s / _STEP_S), 0:3]
    target = scenario.target_pose(motion_s)
    robot = _nudged(rng, Pose(float(x_m), float(y_m), float(yaw_rad)), target)
    return replace(
        scenario.scene_spec(),
        robot=robot,
        target=target,
        panel=scenario.panel_pose(motion_s, robot, target),
        robot_pitch_rad=float(rng.normal(0.0, 0.012)),
    )


def _nudged(rng: np.random.Generator, robot: Pose, target: Pose) -> Pose:
    """No robot drives the ideal way: nearer or farther by up to half, and looking a little aside."""
    share = float(rng.uniform(-0.5, 0.5))
    x_m = robot.x_m + share * (target.x_m - robot.x_m)
    y_m = robot.y_m + share * (target.y_m - robot.y_m)
    return Pose(x_m, y_m, robot.yaw_rad + float(rng.normal(0.0, 0.2)))


@functools.lru_cache(maxsize=2 * _ARENAS)
def _run(seed: int) -> tuple[Scenario, NDArray[np.float64]]:
    scenario = Scenario.from_seed(seed)
    return scenario, follow(scenario.target_pose, scenario.robot_start, _FOLLOW_DISTANCE_M, _RUN_S, _STEP_S)
