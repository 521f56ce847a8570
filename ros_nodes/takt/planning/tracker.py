"""Where the target is and where it goes: a Kalman filter with constant velocity in the odom frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takt.planning.odometry import Odometry
from takt.planning.projection import Sighting

_JERKINESS_M2_S3 = 0.25  # white acceleration noise: half a metre per second of change within a second
_START_SPEED_SIGMA_M_S = 0.4
_GATE = 13.8  # chi-square, two degrees of freedom, one honest sighting in a thousand refused
_REFUSALS_TO_RESTART = 6  # a target that is steadily elsewhere: the track was wrong
_COAST_DECAY_S = 3.0  # a target out of sight is believed to slow down with this time constant
_FASTEST_M_S = 1.0


@dataclass(frozen=True)
class Track:
    """The target in odom at one time. ``unseen_s`` since the last sighting that fitted."""

    x_m: float
    y_m: float
    vx_m_s: float
    vy_m_s: float
    sigma_m: float
    unseen_s: float


class TargetTracker:
    """The filter stands at its last sighting; ``at`` looks ahead from there without changing it."""

    def __init__(self) -> None:
        self._state: NDArray[np.float64] | None = None
        self._covariance = np.eye(4)
        self._stamp_ns = 0
        self._refusals = 0

    @property
    def seen_ns(self) -> int | None:
        """Capture stamp of the last sighting that fitted; None before the first."""
        return None if self._state is None else self._stamp_ns

    def reset(self) -> None:
        """Forget the target."""
        self._state = None
        self._refusals = 0

    def observe(self, stamp_ns: int, pose: Odometry, sightings: Sequence[Sighting]) -> bool:
        """Take what one picture shows, seen from ``pose``. True if one of the sightings is the target."""
        placed = [_in_odom(pose, sighting) for sighting in sightings]
        if not placed:
            return False
        if self._state is None:
            best = max(range(len(placed)), key=lambda i: sightings[i].score)
            self._start(stamp_ns, *placed[best])
            return True
        state, covariance = self._predicted(self._state, (stamp_ns - self._stamp_ns) / 1e9)
        distances = [_mahalanobis(state, covariance, position, noise) for position, noise in placed]
        best = int(np.argmin(distances))
        if distances[best] <= _GATE:
            self._correct(stamp_ns, state, covariance, *placed[best])
            return True
        self._refusals += 1
        if self._refusals >= _REFUSALS_TO_RESTART:
            self._start(stamp_ns, *placed[max(range(len(placed)), key=lambda i: sightings[i].score)])
            return True
        return False

    def at(self, now_ns: int) -> Track | None:
        """The target at ``now_ns``; None before the first sighting."""
        if self._state is None:
            return None
        unseen_s = (now_ns - self._stamp_ns) / 1e9
        state, covariance = self._predicted(self._state, unseen_s)
        sigma_m = math.sqrt(max(covariance[0, 0], covariance[1, 1]))
        x_m, y_m, vx_m_s, vy_m_s = (float(value) for value in state)
        return Track(x_m, y_m, vx_m_s, vy_m_s, sigma_m, unseen_s)

    def _start(self, stamp_ns: int, position: NDArray[np.float64], noise: NDArray[np.float64]) -> None:
        self._state = np.concatenate([position, np.zeros(2)])
        self._covariance = np.diag([0.0, 0.0, _START_SPEED_SIGMA_M_S**2, _START_SPEED_SIGMA_M_S**2])
        self._covariance[:2, :2] = noise
        self._stamp_ns, self._refusals = stamp_ns, 0

    def _predicted(
        self, state: NDArray[np.float64], elapsed_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        t = max(elapsed_s, 0.0)
        kept = math.exp(-t / _COAST_DECAY_S)
        reach = _COAST_DECAY_S * (1.0 - kept)
        transition = np.eye(4)
        transition[0, 2] = transition[1, 3] = reach
        transition[2, 2] = transition[3, 3] = kept
        noise = np.zeros((4, 4))
        for axis in (0, 1):
            noise[axis, axis] = _JERKINESS_M2_S3 * t**3 / 3.0
            noise[axis, axis + 2] = noise[axis + 2, axis] = _JERKINESS_M2_S3 * t**2 / 2.0
            noise[axis + 2, axis + 2] = _JERKINESS_M2_S3 * t
        return transition @ state, transition @ self._covariance @ transition.T + noise

    def _correct(
        self,
        stamp_ns: int,
        state: NDArray[np.float64],
        covariance: NDArray[np.float64],
        position: NDArray[np.float64],
        noise: NDArray[np.float64],
    ) -> None:
        gain = covariance[:, :2] @ np.linalg.inv(covariance[:2, :2] + noise)
        state = state + gain @ (position - state[:2])
        covariance = covariance - gain @ covariance[:2, :]
        speed = math.hypot(state[2], state[3])
        if speed > _FASTEST_M_S:
            state[2:] *= _FASTEST_M_S / speed
        self._state, self._covariance = state, (covariance + covariance.T) / 2.0
        self._stamp_ns, self._refusals = stamp_ns, 0


def _in_odom(pose: Odometry, sighting: Sighting) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sin, cos = math.sin(pose.yaw_rad), math.cos(pose.yaw_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    position = np.array([pose.x_m, pose.y_m]) + turn @ sighting.position_m
    return position, turn @ sighting.covariance_m2 @ turn.T


def _mahalanobis(
    state: NDArray[np.float64],
    covariance: NDArray[np.float64],
    position: NDArray[np.float64],
    noise: NDArray[np.float64],
) -> float:
    innovation = position - state[:2]
    return float(innovation @ np.linalg.solve(covariance[:2, :2] + noise, innovation))
