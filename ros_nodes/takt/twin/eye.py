"""What the detector would say of the scene: every thing's box by geometry, with pixel noise and what hides it.

Things stand upright on flat ground, so one hides another sideways: of the columns that a thing covers, those count as
hidden that a nearer and at least nearly as tall thing covers. That is coarser than drawing, and some hundred times
cheaper; test/twin holds it against drawn pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from takt.contract import Robot
from takt.simulation.engine import mujoco
from takt.simulation.scene import CAMERA, PANEL_MOCAP, TARGET_MOCAP, Scene
from takt.simulation.scene_spec import OBSTACLE_CLASS, TARGET_CLASS
from takt.twin.episode import Sight

_NEAR_M = 0.05
_RIM = 12
_MIN_SIDE_PX = 3.0
_SEEN_FROM = 0.35  # a detector finds what shows this share of its columns
_HIDDEN_FROM = 0.5
_SCORE = 0.9
_OPTICAL = np.array((1.0, -1.0, -1.0))  # MuJoCo's cameras look along -z with y up


@dataclass(frozen=True)
class Boxes:
    """Detections in the form that the follower takes; ``hidden``: more than half of the target is behind something."""

    boxes_xyxy_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    hidden: bool

    @property
    def shows_target(self) -> bool:
        return bool((self.class_ids == TARGET_CLASS).any())


def nothing(hidden: bool = False) -> Boxes:
    """What a covered lens shows."""
    return Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), hidden)


class GeometricEye:
    """Looks at one scene. ``rng`` is its own: noise in one part of the twin never moves another part's."""

    def __init__(self, scene: Scene, robot: Robot, sight: Sight, rng: np.random.Generator) -> None:
        self._scene, self._sight, self._rng = scene, sight, rng
        self._width, self._height = robot.camera_width_px, robot.camera_height_px
        self._focal = self._width / (2.0 * math.tan(robot.camera_horizontal_fov_rad / 2.0))
        self._camera_id = scene.model.camera(CAMERA).id
        mocaps, local, counts = _outlines(scene)
        self._starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        self._kinds = [TARGET_CLASS if mocap == TARGET_MOCAP else OBSTACLE_CLASS for mocap in mocaps]
        self._limits = np.array([self._width, self._height] * 2, np.float64)
        self._points, self._stands = np.zeros_like(local), [False] * len(mocaps)
        self._things = [
            _Thing(thing, int(mocap), slice(start, start + count), local[start : start + count])
            for thing, (mocap, start, count) in enumerate(zip(mocaps, self._starts, counts, strict=True))
        ]
        for thing in self._things:
            self._place(thing)
        self._moving = [thing for thing in self._things if thing.mocap in (TARGET_MOCAP, PANEL_MOCAP)]

    def look(self) -> Boxes:
        """The scene as it stands; the last physics step has left the camera's pose behind.

        Obstacles stand where they stood at first; the others are placed at every look.
        """
        for thing in self._moving:
            self._place(thing)
        data = self._scene.data
        axes = data.cam_xmat[self._camera_id].reshape(3, 3) * _OPTICAL
        seen = (self._points - data.cam_xpos[self._camera_id]) @ axes
        depth = np.maximum(seen[:, 2], _NEAR_M)
        edges = np.empty((3, len(seen)))
        edges[0] = seen[:, 0] / depth * self._focal + self._width / 2.0
        edges[1] = seen[:, 1] / depth * self._focal + self._height / 2.0
        edges[2] = seen[:, 2]
        low = np.minimum.reduceat(edges, self._starts, axis=1).tolist()
        high = np.maximum.reduceat(edges, self._starts, axis=1).tolist()
        outlines = [_Outline(*each) for each in zip(*low, *high, strict=True)]
        return self._boxes(outlines)

    def _place(self, thing: _Thing) -> None:
        """Its hull's points in the world; it is turned about the vertical only, as all mocap bodies here are."""
        data = self._scene.data
        x_m, y_m, z_m = data.mocap_pos[thing.mocap].tolist()
        self._stands[thing.number] = z_m > 0.0
        if z_m <= 0.0:
            return  # put away below the floor
        w, _, _, z = data.mocap_quat[thing.mocap].tolist()
        cos, sin = 1.0 - 2.0 * z * z, 2.0 * w * z
        placed, local = self._points[thing.points], thing.local
        placed[:, 0] = cos * local[:, 0] - sin * local[:, 1] + x_m
        placed[:, 1] = sin * local[:, 0] + cos * local[:, 1] + y_m
        placed[:, 2] = local[:, 2] + z_m

    def _boxes(self, outlines: list[_Outline]) -> Boxes:
        width, height = float(self._width), float(self._height)
        ahead = [
            (outline, kind)
            for outline, kind, stands in zip(outlines, self._kinds, self._stands, strict=True)
            if stands and outline.farthest > _NEAR_M
        ]
        boxes, kinds, target_hidden = [], [], False
        for one, kind in ahead:
            left, right = max(one.left, 0.0), min(one.right, width)
            top, bottom = max(one.top, 0.0), min(one.bottom, height)
            if right - left < _MIN_SIDE_PX or bottom - top < _MIN_SIDE_PX:
                continue
            covers = [(other.left, other.right) for other, _ in ahead if other.hides(one)]
            shown = _visible(left, right, covers)
            share = sum(end - begin for begin, end in shown) / (right - left)
            if kind == TARGET_CLASS:
                target_hidden = share < 1.0 - _HIDDEN_FROM
            if share < _SEEN_FROM:
                continue
            if kind == TARGET_CLASS and self._rng.random() < self._sight.miss_rate:
                continue
            boxes.append((shown[0][0], top, shown[-1][1], bottom))
            kinds.append(kind)
        return self._noisy(boxes, kinds, target_hidden)

    def _noisy(self, boxes: list[tuple[float, float, float, float]], kinds: list[int], hidden: bool) -> Boxes:
        if not boxes:
            return nothing(hidden)
        placed = np.array(boxes) + self._rng.normal(0.0, self._sight.pixel_sigma, (len(boxes), 4))
        np.minimum(np.maximum(placed, 0.0, out=placed), self._limits, out=placed)
        scores = np.array([_SCORE] * len(boxes), np.float32)
        return Boxes(placed.astype(np.float32), scores, np.array(kinds, np.int32), hidden)


class _Thing(NamedTuple):
    """What stands or moves in the arena, and which of the points are its hull's."""

    number: int
    mocap: int
    points: slice
    local: NDArray[np.float64]


class _Outline(NamedTuple):
    """Of a thing in the picture, px, and how far along the line of sight it is, m."""

    left: float
    top: float
    nearest: float
    right: float
    bottom: float
    farthest: float

    def hides(self, other: _Outline) -> bool:
        """Where the two meet: it is nearer, and nearly as tall at least."""
        return self.nearest < other.nearest and self.top <= other.top + 0.2 * (other.bottom - other.top)


def _visible(left: float, right: float, covers: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The parts of [left, right] that no interval covers; at least one, which may be empty."""
    parts, begin = [], left
    for low, high in sorted(covers):
        if low > begin:
            parts.append((begin, min(low, right)))
        begin = max(begin, high)
        if begin >= right:
            break
    if begin < right:
        parts.append((begin, right))
    return parts or [(left, left)]


def _outlines(scene: Scene) -> tuple[NDArray[np.intp], NDArray[np.float64], list[int]]:
    """Mocap ids of all things, their hulls' points in their own frames, and how many points each has."""
    model = scene.model
    mocaps, points, counts = [], [], []
    for mocap in sorted(set(scene.object_of_geom.values())):
        hulls = [
            _hull(
                int(model.geom_type[geom]) == int(mujoco.mjtGeom.mjGEOM_BOX),
                model.geom_size[geom],
                model.geom_pos[geom],
            )
            for geom, owner in scene.object_of_geom.items()
            if owner == mocap
        ]
        hull = np.concatenate(hulls)
        mocaps.append(mocap)
        points.append(hull)
        counts.append(len(hull))
    assert {TARGET_MOCAP, PANEL_MOCAP} <= set(mocaps)
    return np.array(mocaps), np.concatenate(points), counts


def _hull(is_box: bool, size: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    if is_box:
        signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
        return np.asarray(signs * size + centre)
    turn = np.arange(_RIM) * (2.0 * math.pi / _RIM)
    rim = np.column_stack((size[0] * np.cos(turn), size[0] * np.sin(turn)))
    return np.concatenate([np.column_stack((rim, np.full(_RIM, z))) for z in (-size[1], size[1])]) + centre
