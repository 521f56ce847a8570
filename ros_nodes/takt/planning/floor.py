"""Which floor around the robot has been seen to be free, and where something stands or may stand.

A grid in odom that moves with the robot. The camera looks over the robot's corners, a thing at the border of the
picture is seen in part, and what moved on is remembered where it was: whoever drives only on floor that was seen to be
free needs no luck. After A. Elfes, "Using occupancy grids for mobile robot perception and navigation", 1989, with
states in place of probabilities.

Obstacles are taken to be taller than the camera: one that stands before it fills the picture, but is in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from takt.planning.camera import GroundCamera
from takt.planning.odometry import Odometry
from takt.planning.projection import ObstacleSighting

FREE = 0
UNSEEN = 1
DOUBTED = 2  # not seen, and beside something that stands there: it may be more of it
STALE = 3  # something stood there; not looked at lately
SUSPECT = 4  # something stands there, or somewhere before the horizon in this direction
_CELL_M = 0.06
_CELLS = 48  # a window of 2.9 m
_KEPT_M = 4.0  # of way: then odometry may err by more than a cell
_FRESH_M = 0.1  # of way
_LOOKED_AT_M = 1.35
_MEASURED_M = 1.2  # farther out a range is too rough to say which cell
_DEPTH_M = 0.36  # an obstacle's, behind its front
_DOUBT_STEPS = (1, 2, 2)  # cells: five, by growing three times
_ALL_CELLS = (1 << _CELLS * _CELLS) - 1
_ROW_STARTS = _ALL_CELLS // ((1 << _CELLS) - 1)  # a bit at the first cell of each row
_DOUBT_MASKS = tuple((step, _ROW_STARTS * ((1 << _CELLS - step) - 1)) for step in _DOUBT_STEPS)
_FRONT_M = 0.05  # before a front: neither free nor not
_NEAREST_M = 0.03
_MARGIN_RAD = 0.025  # by which a box's side may err
_BORDER_RAD = 0.012  # three pixels of something at the picture's border are no detection
_OWN_M = 0.04  # beyond the footprint: floor that no picture shows, and that the robot came over
_HALF_CELL_M = _CELL_M * math.sqrt(0.5)

FloorView = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.uint8]]
Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]
Cell = TypeVar("Cell", np.uint8, np.float64)


@dataclass(frozen=True)
class Thing:
    """Something in a picture: whether it moves (and will be elsewhere), and whether it was known already."""

    sighting: ObstacleSighting
    moves: bool = False
    known: bool = False


class Floor:
    """``observe`` takes pictures; ``view_from`` gives what is known, for points of base_link."""

    def __init__(self, camera: GroundCamera, footprint_m: float) -> None:
        self._camera_x_m = camera.x_m
        self._slope = math.tan(camera.half_fov_rad - _BORDER_RAD)
        self._own_m, self._beneath_m = footprint_m + _OWN_M, footprint_m - _HALF_CELL_M
        self._found = np.full((_CELLS, _CELLS), UNSEEN, np.uint8)  # FREE, UNSEEN or SUSPECT; rows along y
        self._found_m = np.zeros((_CELLS, _CELLS))  # the way at which it was found so
        self._state = self._found.copy()
        self._corner = (0, 0)  # the window's lowest cell, in cells of odom: column, row
        self._middles_m = (np.arange(_CELLS) + 0.5) * _CELL_M
        self._way_m = 0.0

    def forget(self, discs: Sequence[Sequence[float]] = ()) -> None:
        """Nothing is known any more but ``discs`` (x, y, radius in odom): things that were seen to stand there."""
        self._found.fill(UNSEEN)
        x_m = (self._corner[0] * _CELL_M + self._middles_m)[None, :]
        y_m = (self._corner[1] * _CELL_M + self._middles_m)[:, None]
        for disc_x_m, disc_y_m, radius_m in discs:
            self._found[(x_m - disc_x_m) ** 2 + (y_m - disc_y_m) ** 2 < radius_m**2] = SUSPECT
        self._found_m.fill(self._way_m)
        self._judge(self._way_m)

    def observe(self, pose: Odometry, things: Sequence[Thing], way_m: float) -> None:
        """Take what a picture from ``pose`` shows."""
        self._way_m = way_m
        self._move_to(pose)
        forward, left, range_m = self._from_camera(pose)
        free = (forward > _NEAREST_M) & (np.abs(left) < self._slope * forward) & (range_m < _LOOKED_AT_M)
        suspect, hidden = np.zeros_like(free), np.zeros_like(free)
        np.copyto(self._found, UNSEEN, where=self._found_m < way_m - _KEPT_M)
        for inside, thing in zip(_between(forward, left, things), things, strict=True):
            sighting = thing.sighting
            hidden |= inside & (range_m > (0.0 if sighting.low_cut else sighting.near_m - _FRONT_M))
            if not thing.moves:
                suspect |= inside & self._stands(thing, range_m)
        free &= ~hidden
        away_m2 = (forward + self._camera_x_m) ** 2 + left * left
        rim = away_m2 < self._own_m**2
        # "Anywhere before" reaches up to the robot itself; what comes into the rim as suspect stays so.
        suspect &= ~rim
        free |= rim & (self._found != SUSPECT) | (away_m2 < self._beneath_m**2)
        np.copyto(self._found, SUSPECT, where=suspect)
        np.copyto(self._found, FREE, where=free)
        np.copyto(self._found_m, way_m, where=free | suspect)
        self._judge(way_m)

    def view_from(self, pose: Odometry) -> FloorView:
        """The states at points of base_link at ``pose``, arrays of any shape; outside the window nothing was seen."""
        sin, cos = math.sin(pose.yaw_rad), math.cos(pose.yaw_rad)
        offset_x = pose.x_m / _CELL_M - self._corner[0]
        offset_y = pose.y_m / _CELL_M - self._corner[1]
        sin, cos = sin / _CELL_M, cos / _CELL_M

        def view(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.uint8]:
            row = _cell(sin * x_m + cos * y_m + offset_y)
            row *= _CELLS
            row += _cell(cos * x_m - sin * y_m + offset_x)
            state: NDArray[np.uint8] = self._state.take(row)
            return state

        return view

    def _judge(self, way_m: float) -> None:
        """What is known, for those who drive: suspicion grows old, and spreads to what nobody saw beside it."""
        state = self._found.copy()
        stands = state == SUSPECT
        if stands.any():
            np.copyto(state, STALE, where=stands & (self._found_m < way_m - _FRESH_M))
            np.copyto(state, DOUBTED, where=(state == UNSEEN) & _spread(stands))
        self._state = state

    def _stands(self, thing: Thing, range_m: Grid) -> Mask:
        """Where it may stand: behind its front or, with its foot out of sight, anywhere before (but not on floor that
        was seen free, if it is one of which it is known where it stood)."""
        near_m = thing.sighting.near_m
        deep = range_m < near_m + _DEPTH_M
        if thing.sighting.low_cut:
            return np.asarray(deep & (self._found != FREE)) if thing.known else deep
        return np.asarray(deep & (range_m >= near_m) & (near_m < _MEASURED_M))

    def _move_to(self, pose: Odometry) -> None:
        """Keep the robot in the window's middle; what comes in anew was never seen."""
        half = _CELLS // 2
        corner = (math.floor(pose.x_m / _CELL_M) - half, math.floor(pose.y_m / _CELL_M) - half)
        columns, rows = corner[0] - self._corner[0], corner[1] - self._corner[1]
        if columns or rows:
            self._found = _shifted(self._found, rows, columns, UNSEEN)
            self._found_m = _shifted(self._found_m, rows, columns, 0)
            self._corner = corner

    def _from_camera(self, pose: Odometry) -> tuple[Grid, Grid, Grid]:
        """Each cell's middle: forward and left of the camera, and its distance from it, m."""
        dx = (self._corner[0] * _CELL_M - pose.x_m + self._middles_m)[None, :]
        dy = (self._corner[1] * _CELL_M - pose.y_m + self._middles_m)[:, None]
        sin, cos = math.sin(pose.yaw_rad), math.cos(pose.yaw_rad)
        forward, left = cos * dx + sin * dy - self._camera_x_m, cos * dy - sin * dx
        return forward, left, np.sqrt(forward * forward + left * left)


def _cell(place: Grid) -> NDArray[np.intp]:
    """The cell's index along one axis; beyond the window's rim as on it: that is farther away than a second's way."""
    index = place.astype(np.intp)  # towards 0, which is on the rim whatever is below
    np.maximum(index, 0, out=index)
    return np.minimum(index, _CELLS - 1, out=index)


def _between(forward: Grid, left: Grid, things: Sequence[Thing]) -> Iterator[Mask]:
    """The cells in each one's direction; forward of the camera that is a comparison of slopes."""
    ahead = forward > 0.0
    beside_m = _CELL_M / 3.0  # a cell is in it with its side, not only with its middle
    from_right, from_left = left + beside_m, left - beside_m
    for thing in things:
        right_rad, left_rad = thing.sighting.right_rad, thing.sighting.left_rad
        low, high = math.tan(right_rad - _MARGIN_RAD), math.tan(left_rad + _MARGIN_RAD)
        yield ahead & (from_right > low * forward) & (from_left < high * forward)


def _spread(mask: Mask) -> Mask:
    """The mask and what is within a few cells of it, along rows and columns.

    As one whole number with a bit a cell, row after row: to shift that takes a tenth of what shifting an array does.
    """
    bits = int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")
    for step, stays_in_row in _DOUBT_MASKS:
        bits |= (bits << step * _CELLS) & _ALL_CELLS | bits >> step * _CELLS
        bits |= (bits & stays_in_row) << step | bits >> step & stays_in_row
    flat = np.frombuffer(bits.to_bytes(_CELLS * _CELLS // 8, "little"), np.uint8)
    return np.unpackbits(flat, bitorder="little").view(np.bool_).reshape(_CELLS, _CELLS)


def _shifted(grid: NDArray[Cell], rows: int, columns: int, fill: int) -> NDArray[Cell]:
    """The grid seen through a window that has moved by so many cells."""
    moved = np.full_like(grid, fill)
    if abs(rows) < _CELLS and abs(columns) < _CELLS:
        to = (slice(max(-rows, 0), _CELLS - max(rows, 0)), slice(max(-columns, 0), _CELLS - max(columns, 0)))
        source = (
            slice(max(rows, 0), _CELLS + min(rows, 0)),
            slice(max(columns, 0), _CELLS + min(columns, 0)),
        )
        moved[to] = grid[source]
    return moved
