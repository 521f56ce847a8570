"""Where a box in the picture stands on the ground, and how well that is known.

The target's size is known, so its distance has three independent witnesses: the bottom edge (where it meets the
ground), the top edge and the width. They are weighted by their variances. Whatever hides part of the target can only
make its box smaller, hence a witness farther: one that lies clearly beyond the nearest is not believed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from takt.planning.camera import GroundCamera

TARGET_RADIUS_M = 0.12
TARGET_HEIGHT_M = 0.40
EDGE_SIGMA_PX = 1.5
BORDER_PX = 4.0  # an edge this near to the picture's border is taken as cut off
_DISBELIEF_SIGMAS = 3.0
_DISBELIEF_SHARE = 0.05  # of the distance: the model error that pixels do not explain
_FARTHEST_M = 8.0
_SMALLEST_OBSTACLE_M, _LARGEST_OBSTACLE_M = 0.05, 0.35  # radii
_USUAL_OBSTACLE_M = 0.17  # what to expect of one of which only a part was ever seen


class Sighting(NamedTuple):
    """A target in base_link: position in m, the covariance's upper triangle (xx, xy, yy) in m^2."""

    x_m: float
    y_m: float
    spread_m2: tuple[float, float, float]
    score: float

    @property
    def position_m(self) -> NDArray[np.float64]:
        """(2,)"""
        return np.array([self.x_m, self.y_m])

    @property
    def covariance_m2(self) -> NDArray[np.float64]:
        """(2, 2)"""
        xx, xy, yy = self.spread_m2
        return np.array([[xx, xy], [xy, yy]])


@dataclass(frozen=True)
class ObstacleSighting:
    """What a box tells of an obstacle: distance of its near side from the camera, and between which azimuths it is.

    ``left_cut``/``right_cut`` say that it goes on beyond that side of the picture, ``low_cut`` that its foot is below
    the picture: ``near_m`` is then only the farthest that it can be.
    """

    near_m: float
    sigma_m: float
    left_rad: float
    right_rad: float
    left_cut: bool
    right_cut: bool
    camera_x_m: float
    low_cut: bool = False

    @property
    def cut(self) -> bool:
        return self.left_cut or self.right_cut

    def disc(self, known_radius_m: float = 0.0) -> tuple[float, float, float]:
        """(x, y, radius) in base_link of a disc behind the visible front.

        A known radius, or the usual one, that is larger than what is seen extends the disc beyond the side that is
        cut: a robot that turns towards that side would else drive into what it has not seen yet.
        """
        half = max((self.left_rad - self.right_rad) / 2.0, 0.0)
        seen_m = min(max(self.near_m * math.tan(min(half, 1.2)), _SMALLEST_OBSTACLE_M), _LARGEST_OBSTACLE_M)
        whole = not (self.cut or self.low_cut)
        radius_m = seen_m if whole else max(seen_m, known_radius_m or _USUAL_OBSTACLE_M)
        centre_m = self.near_m + radius_m
        known_half = math.asin(min(radius_m / centre_m, 1.0))
        azimuth_rad = (self.left_rad + self.right_rad) / 2.0
        if self.left_cut and not self.right_cut:
            azimuth_rad = max(azimuth_rad, self.right_rad + known_half)
        elif self.right_cut and not self.left_cut:
            azimuth_rad = min(azimuth_rad, self.left_rad - known_half)
        return (
            self.camera_x_m + centre_m * math.cos(azimuth_rad),
            centre_m * math.sin(azimuth_rad),
            radius_m,
        )


class _Edges(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float
    left_cut: bool
    top_cut: bool
    right_cut: bool
    bottom_cut: bool


def _edges(camera: GroundCamera, box_xyxy_px: NDArray[np.float32]) -> _Edges:
    left, top, right, bottom = box_xyxy_px.tolist()
    return _Edges(
        left,
        top,
        right,
        bottom,
        left <= BORDER_PX,
        top <= BORDER_PX,
        right >= camera.width_px - BORDER_PX,
        bottom >= camera.height_px - BORDER_PX,
    )


def _range_at_height(camera: GroundCamera, u_px: float, v_px: float, height_m: float) -> float | None:
    """Horizontal distance from the camera at which the pixel's ray reaches ``height_m``."""
    slope = camera.direction(u_px, v_px).slope
    rise = height_m - camera.height_m
    if rise * slope <= 0.0 or abs(slope) < 1e-3:
        return None
    return min(rise / slope, _FARTHEST_M)


def _edge_witness(camera: GroundCamera, u: float, v: float, height_m: float) -> tuple[float, float] | None:
    """(distance, sigma) of the target's axis from one horizontal edge of its box."""
    here = _range_at_height(camera, u, v, height_m)
    beside = _range_at_height(camera, u, v + (1.0 if height_m == 0.0 else -1.0), height_m)
    if here is None or beside is None:
        return None
    return here + TARGET_RADIUS_M, max(abs(here - beside) * EDGE_SIGMA_PX, 0.005)


def _width_witness(left_rad: float, right_rad: float, focal_px: float) -> tuple[float, float] | None:
    half = (left_rad - right_rad) / 2.0
    if half < 1e-3:
        return None
    distance_m = TARGET_RADIUS_M / math.sin(min(half, math.pi / 2))
    sigma_rad = EDGE_SIGMA_PX / focal_px / math.sqrt(2.0)
    return min(distance_m, _FARTHEST_M), distance_m * sigma_rad / half


def _fuse(witnesses: list[tuple[float, float]]) -> tuple[float, float]:
    """Variance-weighted mean of the witnesses that agree with the nearest; (distance, sigma)."""
    nearest, nearest_sigma = min(witnesses)
    believed = [
        (distance, sigma)
        for distance, sigma in witnesses
        if distance - nearest
        <= _DISBELIEF_SIGMAS * math.hypot(sigma, nearest_sigma) + _DISBELIEF_SHARE * nearest
    ]
    weights = [1.0 / sigma**2 for _, sigma in believed]
    mean = sum(w * d for w, (d, _) in zip(weights, believed, strict=True)) / sum(weights)
    return mean, 1.0 / math.sqrt(sum(weights))


def _bearing(
    left_rad: float, right_rad: float, edges: _Edges, distance_m: float, focal_px: float
) -> tuple[float, float]:
    """(azimuth, sigma) of the target's axis; a hidden or cut side is replaced by the known width."""
    half = math.asin(min(TARGET_RADIUS_M / max(distance_m, TARGET_RADIUS_M), 1.0))
    sigma = EDGE_SIGMA_PX / focal_px
    if edges.left_cut and not edges.right_cut:
        return right_rad + half, sigma * 1.5
    if edges.right_cut and not edges.left_cut:
        return left_rad - half, sigma * 1.5
    missing = max(0.0, half - (left_rad - right_rad) / 2.0)
    return (left_rad + right_rad) / 2.0, math.hypot(sigma / math.sqrt(2.0), missing)


def locate_target(camera: GroundCamera, box_xyxy_px: NDArray[np.float32], score: float) -> Sighting | None:
    """The target's axis in base_link from its box (4,); None where no edge tells a distance."""
    edges = _edges(camera, box_xyxy_px)
    middle_u, middle_v = (edges.left + edges.right) / 2.0, (edges.top + edges.bottom) / 2.0
    left_rad = camera.direction(edges.left, middle_v).azimuth_rad
    right_rad = camera.direction(edges.right, middle_v).azimuth_rad
    candidates = [
        None if edges.bottom_cut else _edge_witness(camera, middle_u, edges.bottom, 0.0),
        None if edges.top_cut else _edge_witness(camera, middle_u, edges.top, TARGET_HEIGHT_M),
        None if edges.left_cut or edges.right_cut else _width_witness(left_rad, right_rad, camera.focal_px),
    ]
    witnesses = [witness for witness in candidates if witness is not None]
    if not witnesses:
        return None
    distance_m, range_sigma_m = _fuse(witnesses)
    azimuth_rad, bearing_sigma = _bearing(left_rad, right_rad, edges, distance_m, camera.focal_px)
    sin, cos = math.sin(azimuth_rad), math.cos(azimuth_rad)
    along, across = range_sigma_m**2, (distance_m * bearing_sigma) ** 2
    spread = (
        along * cos * cos + across * sin * sin,
        (along - across) * cos * sin,
        along * sin * sin + across * cos * cos,
    )
    return Sighting(camera.x_m + distance_m * cos, distance_m * sin, spread, score)


def locate_obstacle(camera: GroundCamera, box_xyxy_px: NDArray[np.float32]) -> ObstacleSighting | None:
    """The obstacle, its near side where the box meets the ground; None above the horizon.

    One whose box is cut by the lower border is nearer than what the border shows; how much, nobody knows.
    """
    edges = _edges(camera, box_xyxy_px)
    middle_u = (edges.left + edges.right) / 2.0
    near_m = _range_at_height(camera, middle_u, edges.bottom, 0.0)
    beside_m = _range_at_height(camera, middle_u, edges.bottom + 1.0, 0.0)
    if near_m is None or beside_m is None or near_m >= _FARTHEST_M:
        return None
    return ObstacleSighting(
        near_m,
        abs(near_m - beside_m) * EDGE_SIGMA_PX,
        camera.direction(edges.left, edges.bottom).azimuth_rad,
        camera.direction(edges.right, edges.bottom).azimuth_rad,
        edges.left_cut,
        edges.right_cut,
        camera.x_m,
        edges.bottom_cut,
    )
