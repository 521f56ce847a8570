"""The target's way: a smooth closed curve with turns both ways, and how far along it the target is at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from takt.simulation.scene_spec import Pose

_SAMPLES = 2048
_MIN_TURN_RADIUS_M = 0.68
_EASE_S = 1.5


@dataclass(frozen=True)
class Speed:
    """A mean with a slow swing; the target sets out gently."""

    mean_m_s: float
    swing_m_s: float
    period_s: float
    phase_rad: float

    def travelled_m(self, motion_s: float) -> float:
        """Way since the motion began: the closed integral, so that it does not depend on the steps taken."""
        rate, swing_m, start = self._swing
        clock_s = motion_s - _EASE_S / 2.0 if motion_s >= _EASE_S else _eased(motion_s)
        return self.mean_m_s * clock_s + swing_m * (start - math.cos(rate * clock_s + self.phase_rad))

    @cached_property
    def _swing(self) -> tuple[float, float, float]:
        """Its rate (rad/s), its way (m), and the cosine that it begins with."""
        rate = 2.0 * math.pi / self.period_s
        return rate, self.swing_m_s / rate, math.cos(self.phase_rad)


@dataclass(frozen=True)
class TargetPath:
    """A closed polyline of equal steps; ``points_m`` (n, 2) without the repeated end."""

    points_m: NDArray[np.float64]
    length_m: float
    speed: Speed

    @staticmethod
    def draw(rng: np.random.Generator) -> TargetPath:
        """A figure of eight, bent and mirrored at random. Its turns have radii of 0.68 m at least."""
        while True:
            curve = _bent_eight(rng)
            points_m, length_m = _equal_steps(curve)
            if 1.0 / _max_curvature(points_m, length_m) >= _MIN_TURN_RADIUS_M:
                break
        speed = Speed(
            mean_m_s=float(rng.uniform(0.33, 0.36)),
            swing_m_s=float(rng.uniform(0.04, 0.07)),
            period_s=float(rng.uniform(9.0, 14.0)),
            phase_rad=float(rng.uniform(0.0, 2.0 * math.pi)),
        )
        return TargetPath(np.roll(points_m, int(rng.integers(_SAMPLES)), axis=0), length_m, speed)

    def pose(self, motion_s: float) -> Pose:
        """Where the target is ``motion_s`` seconds after it began to move (before: its start)."""
        return Pose(*self.place(motion_s))

    def place(self, motion_s: float) -> tuple[float, float, float]:
        """The same as plain numbers (x m, y m, yaw rad), for those who ask five hundred times a second."""
        legs = self._legs
        way_m = self.speed.travelled_m(motion_s if motion_s > 0.0 else 0.0) % self.length_m
        step, share = divmod(way_m / self.length_m * len(legs), 1.0)
        x_m, y_m, along_x_m, along_y_m, yaw_rad = legs[int(step) % len(legs)]
        return x_m + share * along_x_m, y_m + share * along_y_m, yaw_rad

    @cached_property
    def _legs(self) -> list[tuple[float, float, float, float, float]]:
        """For each point: where it is, the way to the next one, and that way's direction."""
        along_m = np.roll(self.points_m, -1, axis=0) - self.points_m
        pairs = zip(self.points_m.tolist(), along_m.tolist(), strict=True)
        return [(x, y, dx, dy, math.atan2(dy, dx)) for (x, y), (dx, dy) in pairs]


def _eased(motion_s: float) -> float:
    """Time that runs slowly for the first 1.5 s: its rate climbs from 0 to 1 along a smooth step."""
    share = motion_s / _EASE_S
    return _EASE_S * (share**3 - share**4 / 2.0)


def _bent_eight(rng: np.random.Generator) -> NDArray[np.float64]:
    phase = np.arange(4 * _SAMPLES) * (2.0 * math.pi / (4 * _SAMPLES))
    x_m = rng.uniform(3.1, 3.5) * np.sin(phase)
    y_m = rng.uniform(1.15, 1.4) * np.sin(2.0 * phase)
    x_m += rng.uniform(0.0, 0.2) * np.sin(2.0 * phase + rng.uniform(0.0, 2.0 * math.pi))
    y_m += rng.uniform(0.0, 0.25) * np.sin(phase + rng.uniform(0.0, 2.0 * math.pi))
    turn = rng.uniform(-0.15, 0.15)
    mirror = rng.choice((-1.0, 1.0))
    cosine, sine = math.cos(turn), math.sin(turn)
    return np.column_stack((cosine * x_m - sine * y_m, mirror * (sine * x_m + cosine * y_m)))


def _equal_steps(curve: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    closed = np.vstack((curve, curve[:1]))
    way = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))))
    length_m = float(way[-1])
    wanted = np.arange(_SAMPLES) * (length_m / _SAMPLES)
    return np.column_stack([np.interp(wanted, way, closed[:, axis]) for axis in (0, 1)]), length_m


def _max_curvature(points_m: NDArray[np.float64], length_m: float) -> float:
    step_m = length_m / len(points_m)
    ahead, behind = np.roll(points_m, -8, axis=0), np.roll(points_m, 8, axis=0)
    heading_in, heading_out = points_m - behind, ahead - points_m
    turn = np.arctan2(
        heading_in[:, 0] * heading_out[:, 1] - heading_in[:, 1] * heading_out[:, 0],
        (heading_in * heading_out).sum(axis=1),
    )
    return float(np.abs(turn).max()) / (8 * step_m)
