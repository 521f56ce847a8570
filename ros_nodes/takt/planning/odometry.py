"""Where the robot is, from the angles of its wheels, and where it was when a picture was taken."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from takt.contract import Contract

_HISTORY_S = 1.5
_EXTRAPOLATE_S = 0.1
_DISTANCE_SIGMA_SHARE = 0.02  # of a wheel's way: unequal radii, slip
_TURN_SIGMA_RAD_PER_RAD = 0.02  # scrub of the tyres while turning
_TURN_M_PER_RAD = 0.25  # what a turn costs of the way that memory lasts
_STANDING_M_S = 0.05  # and what standing still costs: things are moved while nobody looks
_JUMP_FACTOR = 2.0  # times the largest wheel speed: the board was reset and counts from zero again


class Odometry(NamedTuple):
    """Pose of base_link in odom and its velocity.

    ``spread``: the upper triangle of the covariance of (x m, y m, yaw rad), row by row; plain numbers, since it is
    carried on a hundred times a second.
    """

    stamp_ns: int
    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0
    speed_m_s: float = 0.0
    yaw_rate_rad_s: float = 0.0
    spread: tuple[float, float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """(3, 3), of (x m, y m, yaw rad)."""
        xx, xy, xt, yy, yt, tt = self.spread
        return np.array([[xx, xy, xt], [xy, yy, yt], [xt, yt, tt]])


def advance(odometry: Odometry, way_m: float, turn_rad: float, stamp_ns: int) -> Odometry:
    """The pose after an arc of constant curvature; exact, straight lines included.

    Chord of the arc: length ``way * sin(turn/2) / (turn/2)``, direction half way through the turn.
    """
    half = turn_rad / 2.0
    chord_m = way_m * (math.sin(half) / half if abs(half) > 1e-9 else 1.0)
    direction = odometry.yaw_rad + half
    return Odometry(
        stamp_ns,
        odometry.x_m + chord_m * math.cos(direction),
        odometry.y_m + chord_m * math.sin(direction),
        wrapped(odometry.yaw_rad + turn_rad),
        odometry.speed_m_s,
        odometry.yaw_rate_rad_s,
        odometry.spread,
    )


def wrapped(angle_rad: float) -> float:
    """The same angle within [-pi, pi]."""
    return math.remainder(angle_rad, 2.0 * math.pi)


class WheelOdometry:
    """Integrates wheel angles (rad, forward positive). Angles that jump, or time that runs back, start a new count
    from the pose reached so far."""

    def __init__(self, contract: Contract) -> None:
        robot, self._limits = contract.robot, contract.limits
        self._radius_m, self._separation_m = robot.wheel_radius_m, robot.wheel_separation_m
        self._wheels: tuple[float, float] | None = None
        self.odometry: Odometry | None = None
        self.restarts = 0

    def update(self, left_rad: float, right_rad: float, stamp_ns: int) -> Odometry:
        """Take one reading. Returns the new pose; the same one for a stamp already seen."""
        before, wheels = self.odometry, self._wheels
        if before is None or wheels is None:
            self._wheels, self.odometry = (left_rad, right_rad), Odometry(stamp_ns)
            return self.odometry
        elapsed_s = (stamp_ns - before.stamp_ns) / 1e9
        if elapsed_s == 0.0:
            return before
        self._wheels = (left_rad, right_rad)
        steps_rad = (left_rad - wheels[0], right_rad - wheels[1])
        largest_rad = _JUMP_FACTOR * self._limits.wheel_speed_rad_s * max(elapsed_s, 0.02)
        if elapsed_s < 0.0 or max(abs(step) for step in steps_rad) > largest_rad:
            self.restarts += 1
            self.odometry = before._replace(stamp_ns=stamp_ns, speed_m_s=0.0, yaw_rate_rad_s=0.0)
            return self.odometry
        left_m, right_m = steps_rad[0] * self._radius_m, steps_rad[1] * self._radius_m
        way_m, turn_rad = (left_m + right_m) / 2.0, (right_m - left_m) / self._separation_m
        after = advance(before, way_m, turn_rad, stamp_ns)
        self.odometry = Odometry(
            stamp_ns,
            after.x_m,
            after.y_m,
            after.yaw_rad,
            way_m / elapsed_s,
            turn_rad / elapsed_s,
            _propagated(before, way_m, turn_rad),
        )
        return self.odometry


def _propagated(
    before: Odometry, way_m: float, turn_rad: float
) -> tuple[float, float, float, float, float, float]:
    """First-order error propagation: errors grow with the way and the turn, never with standing still.

    F C F' + G M G' written out, with F = [1 0 a; 0 1 b; 0 0 1], G = [cos a/2; sin b/2; 0 1] and M = diag(way, turn).
    """
    direction = before.yaw_rad + turn_rad / 2.0
    sin, cos = math.sin(direction), math.cos(direction)
    a, b = -way_m * sin, way_m * cos
    way = _DISTANCE_SIGMA_SHARE**2 * abs(way_m)
    turn = _TURN_SIGMA_RAD_PER_RAD**2 * (abs(turn_rad) + abs(way_m))
    xx, xy, xt, yy, yt, tt = before.spread
    return (
        xx + 2.0 * a * xt + a * a * (tt + turn / 4.0) + cos * cos * way,
        xy + a * yt + b * xt + a * b * (tt + turn / 4.0) + cos * sin * way,
        xt + a * (tt + turn / 2.0),
        yy + 2.0 * b * yt + b * b * (tt + turn / 4.0) + sin * sin * way,
        yt + b * (tt + turn / 2.0),
        tt + turn,
    )


class WayMeter:
    """How far the robot has come, with turns and waiting counted in: what is remembered in odom fades with it."""

    def __init__(self) -> None:
        self.way_m = 0.0
        self._before: Odometry | None = None

    def add(self, pose: Odometry) -> float:
        """The way so far, up to ``pose``, m."""
        before, self._before = self._before or pose, pose
        self.way_m += math.hypot(pose.x_m - before.x_m, pose.y_m - before.y_m)
        self.way_m += _TURN_M_PER_RAD * abs(wrapped(pose.yaw_rad - before.yaw_rad))
        self.way_m += _STANDING_M_S * max(pose.stamp_ns - before.stamp_ns, 0) / 1e9
        return self.way_m


class PoseHistory:
    """The last second and a half of poses, so that a picture is read from where it was taken."""

    def __init__(self) -> None:
        self._poses: deque[Odometry] = deque()

    def clear(self) -> None:
        self._poses.clear()

    def add(self, odometry: Odometry) -> None:
        """Keep a pose; repeats are ignored, a stamp in the past clears what is newer (the clock was set back)."""
        while self._poses and self._poses[-1].stamp_ns > odometry.stamp_ns:
            self._poses.pop()
        if self._poses and self._poses[-1].stamp_ns == odometry.stamp_ns:
            return
        self._poses.append(odometry)
        while odometry.stamp_ns - self._poses[0].stamp_ns > _HISTORY_S * 1e9:
            self._poses.popleft()

    def at(self, stamp_ns: int) -> Odometry | None:
        """The pose at a time: interpolated, or driven on for at most 0.1 s; None where nothing is known."""
        if not self._poses:
            return None
        newest = len(self._poses)
        is_ahead = stamp_ns >= self._poses[-1].stamp_ns  # as it is whenever a command is made
        index = newest if is_ahead else bisect_right(self._poses, stamp_ns, key=lambda pose: pose.stamp_ns)
        base = self._poses[max(index - 1, 0)]
        elapsed_s = (stamp_ns - base.stamp_ns) / 1e9
        if index in (0, newest):
            if abs(elapsed_s) > _EXTRAPOLATE_S:
                return None
            return advance(base, base.speed_m_s * elapsed_s, base.yaw_rate_rad_s * elapsed_s, stamp_ns)
        after = self._poses[index]
        share = (stamp_ns - base.stamp_ns) / (after.stamp_ns - base.stamp_ns)
        return base._replace(
            stamp_ns=stamp_ns,
            x_m=base.x_m + share * (after.x_m - base.x_m),
            y_m=base.y_m + share * (after.y_m - base.y_m),
            yaw_rad=wrapped(base.yaw_rad + share * wrapped(after.yaw_rad - base.yaw_rad)),
        )
