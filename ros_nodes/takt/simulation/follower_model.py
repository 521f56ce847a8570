"""An idealised follower on the plane: what any sane planner makes the robot do, near enough to lay out an arena."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from takt.simulation.scene_spec import Pose

_MAX_SPEED_M_S = 0.8
_MAX_YAW_RATE_RAD_S = 2.5


def follow(
    target_at: Callable[[float], Pose],
    start: Pose,
    distance_m: float,
    seconds: float,
    dt_s: float = 0.05,
    distance_gain_per_s: float = 1.5,
    heading_gain_per_s: float = 3.0,
) -> NDArray[np.float64]:
    """Drive a unicycle after the target; never backwards. Returns (n, 5): robot x, y, yaw, target x, y per step."""
    x_m, y_m, yaw_rad = start.x_m, start.y_m, start.yaw_rad
    rows = []
    for step in range(round(seconds / dt_s)):
        target = target_at(step * dt_s)
        ahead_m, aside_m = target.x_m - x_m, target.y_m - y_m
        rows.append((x_m, y_m, yaw_rad, target.x_m, target.y_m))
        bearing = math.remainder(math.atan2(aside_m, ahead_m) - yaw_rad, 2.0 * math.pi)
        yaw_rate = max(-_MAX_YAW_RATE_RAD_S, min(_MAX_YAW_RATE_RAD_S, heading_gain_per_s * bearing))
        gap_m = math.hypot(ahead_m, aside_m) - distance_m
        speed = max(0.0, min(_MAX_SPEED_M_S, distance_gain_per_s * gap_m)) * max(0.0, math.cos(bearing))
        yaw_rad += yaw_rate * dt_s
        x_m += speed * math.cos(yaw_rad) * dt_s
        y_m += speed * math.sin(yaw_rad) * dt_s
    return np.array(rows)
