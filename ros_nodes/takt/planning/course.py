"""The one way that is wanted, driven ahead in plain numbers: asked first at every tick, and nearly always enough.

The same motion and the same judgement as of the many candidates (:mod:`avoidance`, :mod:`passage`), which are driven as
arrays only when this one will not do; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from takt.planning.limits import clamp

FAR_M = 1e3


class Course(NamedTuple):
    """Positions in base_link after each step, and each step's length."""

    x_m: list[float]
    y_m: list[float]
    steps_m: list[float]

    def clearance_m(self, discs: Sequence[Sequence[float]], footprint_m: float) -> float:
        """Least distance between the footprint and any disc (x, y, radius)."""
        least_m = FAR_M
        places = list(zip(self.x_m, self.y_m, strict=True))
        for disc_x, disc_y, radius_m in discs:
            nearest_m2 = min([(dx := x_m - disc_x) * dx + (dy := y_m - disc_y) * dy for x_m, y_m in places])
            least_m = min(least_m, math.sqrt(nearest_m2) - radius_m)
        return least_m - footprint_m

    def committed(self, braking_m: float) -> int:
        """How many positions it passes before it stands, if it needs so much to stop."""
        way_m, count = 0.0, 0
        for step_m in self.steps_m:
            if way_m >= braking_m:
                break
            way_m, count = way_m + step_m, count + 1
        return count


class Ahead:
    """Drives ahead. ``fades``, ``speed_reach``, ``turn_reach``: of each step, what remains of a turn and by how much
    speed and yaw rate can have changed by then."""

    def __init__(
        self, dt_s: float, fades: Sequence[float], speed_reach: Sequence[float], turn_reach: Sequence[float]
    ) -> None:
        self._dt_s = dt_s
        self._steps = list(zip(fades, speed_reach, turn_reach, strict=True))

    def drive(self, wanted: tuple[float, float], motion: tuple[float, float]) -> Course:
        """Towards the ``wanted`` speed and yaw rate from the present ones, as the robot will."""
        speed, turn = wanted
        speed_now, turn_now = motion
        x_m = y_m = rates = 0.0
        course = Course([], [], [])
        for fade, speed_reach, turn_reach in self._steps:
            rates += clamp(turn, turn_now - turn_reach, turn_now + turn_reach) * fade
            step_m = clamp(speed, speed_now - speed_reach, speed_now + speed_reach) * self._dt_s
            heading = rates * self._dt_s
            x_m += step_m * math.cos(heading)
            y_m += step_m * math.sin(heading)
            course.x_m.append(x_m)
            course.y_m.append(y_m)
            course.steps_m.append(abs(step_m))
        return course
