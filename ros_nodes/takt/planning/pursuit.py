"""The two loops that keep the target ahead: distance and heading, each fed forward with the target's own motion."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simple_pid import PID

from takt.planning.limits import MotionLimits
from takt.planning.odometry import Odometry, wrapped
from takt.planning.tracker import Track

_DISTANCE_GAINS = (1.8, 0.15, 0.0)  # per s, per s^2, -
_HEADING_GAINS = (3.0, 0.0, 0.0)
_INTEGRAL_SHARE = 0.5  # the speed limits that the distance loop may ask for
_FACING = 0.25  # cosine of the bearing from which on the robot drives towards the target


@dataclass(frozen=True)
class Aim:
    """What the loops want, and the geometry it rests on."""

    speed_m_s: float
    yaw_rate_rad_s: float
    range_m: float
    bearing_rad: float


def _frozen_clock() -> float:
    return 0.0  # time is an argument: simple_pid is always given dt


class Pursuit:
    """Distance and heading loops. ``reset`` whenever something else drove the robot."""

    def __init__(self, follow_distance_m: float, limits: MotionLimits) -> None:
        self._follow_distance_m = follow_distance_m
        self._distance = _loop(_DISTANCE_GAINS, limits.speed_m_s)
        self._heading = _loop(_HEADING_GAINS, limits.yaw_rate_rad_s)

    def reset(self) -> None:
        """Forget the integral terms."""
        self._distance.reset()
        self._heading.reset()

    def update(self, track: Track, pose: Odometry, dt_s: float) -> Aim:
        """Speed and yaw rate that bring the target to the follow distance, straight ahead.

        The line of sight turns with the relative velocity across it; the target's velocity along it is driven at
        before any error shows.
        """
        dx, dy = track.x_m - pose.x_m, track.y_m - pose.y_m
        range_m = max(math.hypot(dx, dy), 0.1)
        sight_rad = math.atan2(dy, dx)
        bearing = wrapped(sight_rad - pose.yaw_rad)
        along = track.vx_m_s * math.cos(sight_rad) + track.vy_m_s * math.sin(sight_rad)
        across = track.vy_m_s * math.cos(sight_rad) - track.vx_m_s * math.sin(sight_rad)
        own_across = -pose.speed_m_s * math.sin(bearing)
        closing = _asked(self._distance, self._follow_distance_m - range_m, dt_s) + along
        yaw_rate = _asked(self._heading, -bearing, dt_s) + (across - own_across) / max(range_m, 0.5)
        facing = max(0.0, (math.cos(bearing) - _FACING) / (1.0 - _FACING))
        return Aim(closing * facing, yaw_rate, range_m, bearing)


def _loop(gains: tuple[float, float, float], limit: float) -> PID:
    loop = PID(*gains, setpoint=0.0, sample_time=None, time_fn=_frozen_clock)
    loop.output_limits = (-limit, limit)
    return loop


def _asked(loop: PID, measured: float, dt_s: float) -> float:
    output = loop(measured, dt=dt_s)
    assert output is not None  # only a loop in manual mode that never ran gives none
    return output
