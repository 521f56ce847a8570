"""Picks the speed and yaw rate nearest to what the loops want that keep clear of everything known.

A small velocity sampling: each candidate is driven ahead for a second from the present motion, within the
accelerations, the turn fading as the heading loop would let it, and judged by its clearance, by how well it keeps the
target, and by how far it is from what was wanted. Where all would touch something, the one that stays farthest wins.
After D. Fox, W. Burgard, S. Thrun, "The dynamic window approach to collision avoidance", 1997, with a fading turn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takt.planning.course import Ahead
from takt.planning.floor import FloorView
from takt.planning.limits import MotionLimits
from takt.planning.passage import Passage, Paths

_HORIZON_S = 1.0
_STEPS = 10
_TURN_FADES_S = 0.5
_SPEEDS = 9
_TURNS_RAD_S = np.linspace(-2.0, 2.0, 13)
_WINDOW_S = 0.5  # speeds reachable within this time are tried
_CONTACT_MARGIN_M = 0.04
_VIEW_RAD = 0.42
_FAR = 1e3
_FARTHEST_M = 3.0  # what stands farther away is out of every candidate's reach
_CREEP_M = 1e-3
_ASKED = (slice(12), slice(12, 48), slice(None))  # of the candidates in order of cost
_LOOKING_RAD_S = 1.0
_FACING_RAD = 0.35
_SLOW_M_S = 0.12  # slow enough to stand and look


Discs = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Goal:
    """The target in base_link: position, velocity, and the distance to keep from it."""

    x_m: float
    y_m: float
    vx_m_s: float
    vy_m_s: float
    distance_m: float


@dataclass(frozen=True)
class Choice:
    speed_m_s: float
    yaw_rate_rad_s: float
    swerved: bool
    clearance_m: float
    looks: bool = False  # it turns to see floor that it needs


class Avoidance:
    """Remembers nothing but where it is looking. Discs are (x, y, radius) in base_link."""

    def __init__(self, limits: MotionLimits, footprint_m: float, clearance_m: float) -> None:
        self._limits = limits
        self._footprint_m = footprint_m
        self._clearance_m = clearance_m
        self._passage = Passage(limits, footprint_m)
        self._looking = 0  # to the left 1, to the right -1
        self._dt_s = _HORIZON_S / _STEPS
        middles = (np.arange(_STEPS) + 0.5) * self._dt_s
        self._fade = np.exp(-middles / _TURN_FADES_S)
        self._speed_reach = limits.acceleration_m_s2 * middles
        self._turn_reach = limits.yaw_acceleration_rad_s2 * middles
        tables = (self._fade, self._speed_reach, self._turn_reach)
        self._ahead = Ahead(self._dt_s, *(table.tolist() for table in tables))

    def choose(
        self,
        wanted: tuple[float, float],
        motion: tuple[float, float],
        discs: Discs,
        goal: Goal | None,
        floor: FloorView,
        factor: float = 1.0,
    ) -> Choice:
        """The best (speed, yaw rate). What was wanted, whenever it keeps the full clearance on floor that was seen.

        ``motion``: the speed and yaw rate that the robot has been told so far. Slow before floor that it has not seen,
        it turns to look.
        """
        near = [disc for disc in discs if math.hypot(disc[0], disc[1]) - disc[2] < _FARTHEST_M]
        course = self._ahead.drive(wanted, motion)
        clearance = course.clearance_m(near, self._footprint_m)
        blocked_m, unseen = self._passage.judge_course(course, wanted[0], motion[0], floor)
        turn = self._look(wanted, motion, unseen, goal, floor)
        if turn is not None:
            return Choice(0.0, turn, True, clearance, looks=True)
        if clearance >= self._clearance_m and blocked_m <= _CREEP_M:
            return Choice(*wanted, False, clearance)
        return self._sample(wanted, motion, np.array(near, np.float64).reshape(-1, 3), goal, floor, factor)

    def _look(
        self,
        wanted: tuple[float, float],
        motion: tuple[float, float],
        unseen: bool,
        goal: Goal | None,
        floor: FloorView,
    ) -> float | None:
        """Slow before floor that it has not seen it stands and turns, to one side and then to the other if it must,
        until it has seen the first of the way to the target. The yaw rate; None when there is nothing to look for."""
        if goal is None or wanted[0] <= 0.0 or abs(motion[0]) > _SLOW_M_S or not (unseen or self._looking):
            self._looking = 0
            return None
        bearing = math.atan2(goal.y_m, goal.x_m)
        if not self._looking and abs(bearing) > _FACING_RAD:
            return wanted[1]  # on its way round it sees more
        left, right = self._passage.unseen_towards(bearing, floor)
        if not (left or right):
            self._looking = 0
        elif self._looking == 0:
            self._looking = 1 if left and (motion[1] > 0.0 or not right) else -1
        elif not (left if self._looking > 0 else right):
            self._looking = -self._looking
        return self._looking * _LOOKING_RAD_S if self._looking else None

    def _sample(
        self,
        wanted: tuple[float, float],
        motion: tuple[float, float],
        discs: NDArray[np.float64],
        goal: Goal | None,
        floor: FloorView,
        factor: float,
    ) -> Choice:
        speeds, turns = self._candidates(wanted, motion[0], factor)
        paths = self._driven(speeds, turns, motion)
        speeds, turns = np.repeat(speeds, len(turns)), np.tile(turns, len(speeds))
        clearances = self._clearances(paths, discs)
        contact_m = min(_CONTACT_MARGIN_M, self._now_m(discs) - 1e-9)  # too near already: only not nearer
        cost = ((speeds - wanted[0]) / 0.4) ** 2 * 0.3 + ((turns - wanted[1]) / 1.0) ** 2 * 0.15
        lack = np.maximum(self._clearance_m - clearances, 0.0) / self._clearance_m
        cost += 3.0 * lack**2 + np.where(clearances < contact_m, _FAR * (1.0 + contact_m - clearances), 0.0)
        if goal is not None:
            cost += self._goal_cost(paths, goal)
        best = self._cheapest_free(cost, paths, speeds, motion[0], floor)
        return Choice(float(speeds[best]), float(turns[best]), True, float(clearances[best]))

    def _cheapest_free(
        self,
        cost: NDArray[np.float64],
        paths: Paths,
        speeds: NDArray[np.float64],
        speed_now_m_s: float,
        floor: FloorView,
    ) -> int:
        """The candidate of the least cost, in which blocked floor counts most.

        The floor under a candidate costs more to look up than all else, so the cheapest are asked first: the first of
        them that is free is the answer, since floor can only add to the cost of others.
        """
        order = np.argsort(cost, kind="stable")
        for chosen in (order[asked] for asked in _ASKED):
            few = (paths[0][chosen], paths[1][chosen], paths[2][chosen])
            blocked_m = self._passage.judge(few, speeds[chosen], speed_now_m_s, floor)
            free = np.flatnonzero(blocked_m <= _CREEP_M)
            if len(free) and cost[chosen[free[0]]] < _FAR:
                return int(chosen[free[0]])
        whole = cost[order] + np.where(blocked_m > _CREEP_M, _FAR * (1.0 + blocked_m), 0.0)
        return int(order[np.argmin(whole)])

    def _now_m(self, discs: NDArray[np.float64]) -> float:
        """Clearance where the robot is."""
        return (
            float(np.min(np.hypot(discs[:, 0], discs[:, 1]) - discs[:, 2], initial=_FAR)) - self._footprint_m
        )

    def _candidates(
        self, wanted: tuple[float, float], speed_now_m_s: float, factor: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        reach = self._limits.acceleration_m_s2 * _WINDOW_S
        low = max(speed_now_m_s - reach, -self._limits.reverse_m_s * factor)
        high = min(speed_now_m_s + reach, self._limits.speed_m_s * factor)
        speeds = np.append(np.linspace(low, max(high, low), _SPEEDS), [0.0, wanted[0]])
        return speeds, np.append(_TURNS_RAD_S, wanted[1])

    def _driven(
        self, speeds: NDArray[np.float64], turns: NDArray[np.float64], motion: tuple[float, float]
    ) -> Paths:
        """Positions (k, steps) and final heading (k,) of each speed with each turn, eased from ``motion`` as the robot
        will be. Of the pairs the turn changes first."""
        speed_now, turn_now = motion
        rates = np.maximum(turns[:, None], turn_now - self._turn_reach)
        rates = np.minimum(rates, turn_now + self._turn_reach) * self._fade
        headings = np.cumsum(rates, 1) * self._dt_s
        step = np.maximum(speeds[:, None], speed_now - self._speed_reach)
        step = np.minimum(step, speed_now + self._speed_reach)[:, None, :] * self._dt_s
        x_m, y_m = (
            np.cumsum(step * part, 2).reshape(-1, _STEPS) for part in (np.cos(headings), np.sin(headings))
        )
        return x_m, y_m, np.tile(headings[:, -1], len(speeds))

    def _clearances(self, path: Paths, discs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Least distance between footprint and any disc along each candidate; (k,)."""
        dx = path[0][:, :, None] - discs[None, None, :, 0]
        dy = path[1][:, :, None] - discs[None, None, :, 1]
        gaps = np.sqrt(dx * dx + dy * dy) - discs[None, None, :, 2]
        return np.asarray(gaps.min(axis=(1, 2), initial=_FAR) - self._footprint_m)

    def _goal_cost(self, path: Paths, goal: Goal) -> NDArray[np.float64]:
        """How far from the follow distance, and how far out of the picture, each candidate ends."""
        dx = goal.x_m + goal.vx_m_s * _HORIZON_S - path[0][:, -1]
        dy = goal.y_m + goal.vy_m_s * _HORIZON_S - path[1][:, -1]
        off_m = np.hypot(dx, dy) - goal.distance_m
        bearing = np.arctan2(dy, dx) - path[2]
        beyond = np.maximum(np.abs(np.remainder(bearing + math.pi, 2 * math.pi) - math.pi) - _VIEW_RAD, 0.0)
        return np.asarray((off_m / 0.3) ** 2 + (beyond / 0.3) ** 2)


def in_base(pose: tuple[float, float, float], discs_odom: Discs) -> list[tuple[float, float, float]]:
    """Discs (x, y, radius) of odom in base_link at ``pose`` (x, y, yaw)."""
    sin, cos = math.sin(pose[2]), math.cos(pose[2])
    moved = ((x_m - pose[0], y_m - pose[1], radius_m) for x_m, y_m, radius_m in discs_odom)
    return [(cos * dx + sin * dy, cos * dy - sin * dx, radius_m) for dx, dy, radius_m in moved]
