"""What the detector would say of the scene: every thing's box by geometry, with pixel noise and what hides it.

Things stand upright on flat ground, so one hides another sideways: of the columns that a thing covers, those count as
hidden that a nearer and at least nearly as tall thing covers. That is coarser than drawing, and some hundred times
cheaper; test/twin holds it against drawn pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
        self._mocaps, local, counts = _outlines(scene)
        self._local = local
        self._starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        self._owner = np.repeat(np.arange(len(counts)), counts)
        data = scene.data
        self._at, self._turn = data.mocap_pos[self._mocaps], data.mocap_quat[self._mocaps]
        self._points = self._placed(np.arange(len(self._owner)))
        moves = (self._mocaps == TARGET_MOCAP) | (self._mocaps == PANEL_MOCAP)
        self._moving = np.flatnonzero(moves)
        self._moving_points = np.flatnonzero(moves[self._owner])

    def look(self) -> Boxes:
        """The scene as it stands; the last physics step has left the camera's pose behind."""
        data = self._scene.data
        moving = self._mocaps[self._moving]
        self._at[self._moving], self._turn[self._moving] = data.mocap_pos[moving], data.mocap_quat[moving]
        self._points[self._moving_points] = self._placed(self._moving_points)
        axes = data.cam_xmat[self._camera_id].reshape(3, 3) * _OPTICAL
        seen = (self._points - data.cam_xpos[self._camera_id]) @ axes
        return self._boxes(seen, self._at[:, 2] > 0.0)

    def _placed(self, points: NDArray[np.intp]) -> NDArray[np.float64]:
        """Hull points in the world. Obstacles stand where they stood at first; the others are placed at every look."""
        owners = self._owner[points]
        turns = _yaw_matrices(self._turn)[owners]
        return np.asarray(np.einsum("nij,nj->ni", turns, self._local[points]) + self._at[owners])

    def _boxes(self, seen: NDArray[np.float64], stands: NDArray[np.bool_]) -> Boxes:
        depth = np.maximum(seen[:, 2], _NEAR_M)
        u = seen[:, 0] / depth * self._focal + self._width / 2.0
        v = seen[:, 1] / depth * self._focal + self._height / 2.0
        starts = self._starts
        low_u, high_u = np.minimum.reduceat(u, starts), np.maximum.reduceat(u, starts)
        low_v, high_v = np.minimum.reduceat(v, starts), np.maximum.reduceat(v, starts)
        nearest, farthest = np.minimum.reduceat(seen[:, 2], starts), np.maximum.reduceat(seen[:, 2], starts)
        ahead = stands & (farthest > _NEAR_M)
        boxes, kinds, target_hidden = [], [], False
        for index in np.flatnonzero(ahead):
            left, right = max(low_u[index], 0.0), min(high_u[index], float(self._width))
            top, bottom = max(low_v[index], 0.0), min(high_v[index], float(self._height))
            if right - left < _MIN_SIDE_PX or bottom - top < _MIN_SIDE_PX:
                continue
            covers = (
                ahead
                & (nearest < nearest[index])
                & (low_v <= low_v[index] + 0.2 * (high_v[index] - low_v[index]))
            )
            covers[index] = False
            shown = _visible(left, right, low_u[covers], high_u[covers])
            share = sum(end - begin for begin, end in shown) / (right - left)
            is_target = self._mocaps[index] == TARGET_MOCAP
            if is_target:
                target_hidden = share < 1.0 - _HIDDEN_FROM
            if share < _SEEN_FROM:
                continue
            if is_target and self._rng.random() < self._sight.miss_rate:
                continue
            boxes.append((shown[0][0], top, shown[-1][1], bottom))
            kinds.append(TARGET_CLASS if is_target else OBSTACLE_CLASS)
        return self._noisy(boxes, kinds, target_hidden)

    def _noisy(self, boxes: list[tuple[float, float, float, float]], kinds: list[int], hidden: bool) -> Boxes:
        if not boxes:
            return nothing(hidden)
        noise = self._rng.normal(0.0, self._sight.pixel_sigma, (len(boxes), 4))
        limits = np.array([self._width, self._height] * 2, np.float64)
        placed = np.clip(np.array(boxes) + noise, 0.0, limits).astype(np.float32)
        return Boxes(placed, np.full(len(boxes), _SCORE, np.float32), np.array(kinds, np.int32), hidden)


def _visible(
    left: float, right: float, lows: NDArray[np.float64], highs: NDArray[np.float64]
) -> list[tuple[float, float]]:
    """The parts of [left, right] that no interval covers; at least one, which may be empty."""
    parts, begin = [], left
    for low, high in sorted(zip(lows.tolist(), highs.tolist(), strict=True)):
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


def _yaw_matrices(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations about the vertical only, which is all that mocap bodies do here."""
    w, z = quaternions[:, 0], quaternions[:, 3]
    cos, sin = 1.0 - 2.0 * z * z, 2.0 * w * z
    turns = np.zeros((len(w), 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = cos
    turns[:, 0, 1], turns[:, 1, 0] = -sin, sin
    turns[:, 2, 2] = 1.0
    return turns
