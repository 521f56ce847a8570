"""Outlines of boxes and cylinders in a pinhole picture: the geometry of truth, without drawing anything."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
_NEAR_M = 0.01
_RIM_POINTS = 24
_RIM_ANGLES = np.arange(_RIM_POINTS) * (2.0 * math.pi / _RIM_POINTS)
# A polygon drawn around the circle with its own area: half-way between inscribed and circumscribed.
_RIM_SCALE = math.sqrt(2.0 * math.pi / (_RIM_POINTS * math.sin(2.0 * math.pi / _RIM_POINTS)))
_UNIT_BOX = np.array([(x, y, z) for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
_UNIT_CYLINDER = np.array(
    [
        (_RIM_SCALE * math.cos(angle), _RIM_SCALE * math.sin(angle), z)
        for angle in _RIM_ANGLES
        for z in (-1.0, 1.0)
    ]
)


def corners(is_box: bool, size_m: Points, centre_m: Points, rotation: Points) -> Points:
    """World points (n, 3) whose convex hull is the body. A cylinder's ``size_m``: radius, half height."""
    local = _UNIT_BOX * size_m if is_box else _UNIT_CYLINDER * (size_m[0], size_m[0], size_m[1])
    return np.asarray(local @ rotation.T + centre_m)


@dataclass(frozen=True)
class View:
    """A pinhole camera with square pixels and its axis through the middle of the picture."""

    width_px: int
    height_px: int
    vertical_fov_rad: float

    @property
    def focal_px(self) -> float:
        return self.height_px / (2.0 * math.tan(self.vertical_fov_rad / 2.0))

    def outline(self, points_m: Points) -> Points:
        """Convex outline in pixels, (n, 2), of points (n, 3) in the optical frame (x right, y down, z ahead)."""
        ahead = _cut_at_near_plane(points_m)
        if len(ahead) < 3:
            return np.empty((0, 2))
        middle_px = np.array((self.width_px / 2.0, self.height_px / 2.0))
        return _convex_hull(ahead[:, :2] / ahead[:, 2:] * self.focal_px + middle_px)

    def area_in_picture(self, outline_px: Points) -> float:
        """Area in px² of the part of a convex outline that lies inside the picture."""
        return area(self.clip(outline_px))

    def clip(self, outline_px: Points) -> Points:
        """The part of a convex outline inside the picture, again a convex outline (Sutherland and Hodgman 1974)."""
        polygon = outline_px
        for axis, limit, side in (
            (0, 0.0, 1.0),
            (0, float(self.width_px), -1.0),
            (1, 0.0, 1.0),
            (1, float(self.height_px), -1.0),
        ):
            polygon = _clip_half_plane(polygon, side * (polygon[:, axis] - limit))
        return polygon

    def pixel_box(self, outline_px: Points) -> tuple[float, float, float, float] | None:
        """Box (x0, y0, x1, y1), right and lower edges exclusive, of the pixels whose centres lie in the outline.

        None when there are none. Without anything before it, this is the box that drawing the body would give.
        """
        inside = self.clip(outline_px)
        if len(inside) == 0:
            return None
        low, high = np.ceil(inside.min(axis=0) - 0.5), np.floor(inside.max(axis=0) + 0.5)
        if (high <= low).any():
            return None
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def area(polygon: Points) -> float:
    """Area of a simple polygon (n, 2), by the shoelace formula."""
    if len(polygon) < 3:
        return 0.0
    x, y = polygon[:, 0], polygon[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2.0


def _cut_at_near_plane(points_m: Points) -> Points:
    """The hull's part before the camera: its points ahead, and where lines to points behind cross the near plane."""
    ahead = points_m[:, 2] >= _NEAR_M
    if ahead.all():
        return points_m
    front, back = points_m[ahead], points_m[~ahead]
    if len(front) == 0:
        return front
    share = (front[:, None, 2] - _NEAR_M) / (front[:, None, 2] - back[None, :, 2])
    crossing = front[:, None, :] + share[..., None] * (back[None, :, :] - front[:, None, :])
    crossing[..., 2] = _NEAR_M
    return np.concatenate((front, crossing.reshape(-1, 3)))


def _clip_half_plane(polygon: Points, inside_by: Points) -> Points:
    """Keep where ``inside_by`` (one signed distance a corner) is not negative."""
    if len(polygon) == 0 or (inside_by >= 0.0).all():
        return polygon
    kept: list[Points] = []
    for index in range(len(polygon)):
        here, there = inside_by[index], inside_by[index - 1]
        if (here >= 0.0) != (there >= 0.0):
            share = there / (there - here)
            kept.append(polygon[index - 1] + share * (polygon[index] - polygon[index - 1]))
        if here >= 0.0:
            kept.append(polygon[index])
    return np.array(kept) if kept else np.empty((0, 2))


def _convex_hull(points: Points) -> Points:
    """Counter-clockwise hull (in x right, y up terms) by the monotone chain (Andrew 1979)."""
    ordered = sorted(set(map(tuple, points.tolist())))
    if len(ordered) < 3:
        return np.array(ordered)
    return np.array(_half_hull(ordered)[:-1] + _half_hull(ordered[::-1])[:-1])


def _half_hull(ordered: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    chain: list[tuple[float, ...]] = []
    for point in ordered:
        while len(chain) >= 2:
            (ax, ay), (bx, by) = chain[-2], chain[-1]
            if (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax) > 0.0:
                break
            chain.pop()
        chain.append(point)
    return chain
