"""Whether the robot could stop on floor that was seen to be free, whichever way it is about to drive.

Of a driven path only the part counts from which braking could not keep it back any more (the admissible velocities of
the dynamic window): floor that lies farther ahead will be seen before it matters.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from takt.planning.course import Course
from takt.planning.floor import DOUBTED, SUSPECT, UNSEEN, FloorView
from takt.planning.limits import MotionLimits

_LAG_S = 0.12  # from a command to the wheels' braking, beyond what was driven ahead already
_MARGIN_M = 0.03
_NEXT_S = 0.1  # by when a candidate can be revised
_SUSPECT_MARGIN_M = 0.02  # half a cell's diagonal less what the footprint has to spare
_UNSEEN_SPARE_M = 0.05  # the camera never looks at the inner edge of an arc: this much of it is trusted
_RIM = 16
_SET_OUT_M, _SET_OUT_STEPS = 0.2, 5

Paths = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class Passage:
    """Stateless but for its tables."""

    def __init__(self, limits: MotionLimits, footprint_m: float) -> None:
        self._acceleration_m_s2 = limits.acceleration_m_s2
        turn = np.arange(_RIM) * (2.0 * math.pi / _RIM)
        outer_m, inner_m = footprint_m + _SUSPECT_MARGIN_M, footprint_m - _UNSEEN_SPARE_M
        radii_m = np.array([outer_m, (outer_m + inner_m) / 2.0, inner_m])
        self._rim_x = np.outer(radii_m, np.cos(turn)).ravel()
        self._rim_y = np.outer(radii_m, np.sin(turn)).ravel()

    def judge(
        self, paths: Paths, speeds: NDArray[np.float64], speed_now_m_s: float, floor: FloorView
    ) -> NDArray[np.float64]:
        """How much of each candidate's way leads where it is worse than here, m; (k,).

        ``paths``: positions (k, steps) of candidates with ``speeds`` (k,), from the origin.
        """
        x_m, y_m, _ = paths
        steps_m = np.hypot(np.diff(x_m, axis=1, prepend=0.0), np.diff(y_m, axis=1, prepend=0.0))
        committed = self._committed(steps_m, speeds, speed_now_m_s)
        at_x, at_y = np.append(x_m[committed], 0.0), np.append(y_m[committed], 0.0)
        state = floor(at_x[:, None] + self._rim_x, at_y[:, None] + self._rim_y)
        worse = _worse_than_last(_wrong(state))[:-1]
        worse_m = np.zeros(x_m.shape)
        worse_m[committed] = np.where(worse.any(axis=1), steps_m[committed], 0.0)
        return np.asarray(worse_m.sum(axis=1))

    def judge_course(
        self, course: Course, speed_m_s: float, speed_now_m_s: float, floor: FloorView
    ) -> tuple[float, bool]:
        """The same of one course, and whether it needs floor that was not seen, lately or ever."""
        reach = self._acceleration_m_s2 * _NEXT_S
        soon = abs(min(max(speed_m_s, speed_now_m_s - reach), speed_now_m_s + reach))
        braking_m = soon * _LAG_S + soon**2 / (2.0 * self._acceleration_m_s2) + _MARGIN_M
        count = course.committed(braking_m)
        at_x, at_y = np.array([*course.x_m[:count], 0.0]), np.array([*course.y_m[:count], 0.0])
        state = floor(at_x[:, None] + self._rim_x, at_y[:, None] + self._rim_y)
        wrong = _wrong(state)
        if not wrong.any():
            return 0.0, False
        wrong = _worse_than_last(wrong)
        worse = np.flatnonzero(wrong.any(axis=1)).tolist()
        if not worse:
            return 0.0, False
        unseen = bool((wrong[worse[0]] & (state[worse[0]] != SUSPECT)).any())
        return sum(course.steps_m[place] for place in worse), unseen

    def unseen_towards(self, bearing_rad: float, floor: FloorView) -> tuple[bool, bool]:
        """Whether floor to the left of where it looks now, or to the right, was not seen that it needs to set out in
        that direction."""
        ahead_m = np.append(np.arange(1, _SET_OUT_STEPS + 1) * (_SET_OUT_M / _SET_OUT_STEPS), 0.0)
        at_x, at_y = ahead_m * math.cos(bearing_rad), ahead_m * math.sin(bearing_rad)
        points_y = at_y[:, None] + self._rim_y
        state = floor(at_x[:, None] + self._rim_x, points_y)
        hidden = _worse_than_last(_wrong(state) & (state != SUSPECT))
        return bool((hidden & (points_y > 0.0)).any()), bool((hidden & (points_y <= 0.0)).any())

    def _committed(
        self, steps_m: NDArray[np.float64], speeds: NDArray[np.float64], speed_now_m_s: float
    ) -> NDArray[np.bool_]:
        """The positions that it could pass before it stands, if it began to brake at the next look."""
        reach = self._acceleration_m_s2 * _NEXT_S
        soon = np.abs(np.clip(speeds, speed_now_m_s - reach, speed_now_m_s + reach))
        braking_m = soon * _LAG_S + soon**2 / (2.0 * self._acceleration_m_s2) + _MARGIN_M
        return np.asarray(np.cumsum(steps_m, axis=1) - steps_m < braking_m[:, None])


def _wrong(state: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of a position's points (n, three rims from the outer to the inner one) the robot must not be over.

    All three are asked for what stands there: a single cell fits between two of them no more.
    """
    wrong = state >= DOUBTED
    wrong[:, 2 * _RIM :] |= state[:, 2 * _RIM :] == UNSEEN
    return np.asarray(wrong)


def _worse_than_last(wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is wrong, but not on the side on which it is so at the last position too, where the robot is: with something
    beside it already, it may turn and drive away from that, and not along it or towards it."""
    return np.asarray(wrong & ~wrong[-1])
