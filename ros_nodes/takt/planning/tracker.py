"""Where the target is and where it goes: a Kalman filter with constant velocity in the odom frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from takt.planning.odometry import Odometry
from takt.planning.projection import Sighting

_JERKINESS_M2_S3 = 0.25  # white acceleration noise: half a metre per second of change within a second
_START_SPEED_SIGMA_M_S = 0.4
_GATE = 13.8  # chi-square, two degrees of freedom, one honest sighting in a thousand refused
_REFUSALS_TO_RESTART = 6  # a target that is steadily elsewhere: the track was wrong
_COAST_DECAY_S = 3.0  # a target out of sight is believed to slow down with this time constant
_FASTEST_M_S = 1.0


class Track(NamedTuple):
    """The target in odom at one time. ``unseen_s`` since the last sighting that fitted."""

    x_m: float
    y_m: float
    vx_m_s: float
    vy_m_s: float
    sigma_m: float
    unseen_s: float


class _Filter(NamedTuple):
    """State (x, y, vx, vy) and its covariance, of which the upper triangle, in plain numbers.

    Four states in two like axes: written out it is some ten times as fast as matrices of numpy.
    """

    x: float
    y: float
    vx: float
    vy: float
    xx: float
    xy: float
    yy: float
    xu: float  # x with vx, and so on
    xv: float
    yu: float
    yv: float
    uu: float
    uv: float
    vv: float


class _Placed(NamedTuple):
    """A sighting in odom."""

    x: float
    y: float
    xx: float
    xy: float
    yy: float


class TargetTracker:
    """The filter stands at its last sighting; ``at`` looks ahead from there without changing it."""

    def __init__(self) -> None:
        self._filter: _Filter | None = None
        self._stamp_ns = 0
        self._refusals = 0

    @property
    def seen_ns(self) -> int | None:
        """Capture stamp of the last sighting that fitted; None before the first."""
        return None if self._filter is None else self._stamp_ns

    def reset(self) -> None:
        """Forget the target."""
        self._filter = None
        self._refusals = 0

    def observe(self, stamp_ns: int, pose: Odometry, sightings: Sequence[Sighting]) -> bool:
        """Take what one picture shows, seen from ``pose``. True if one of the sightings is the target."""
        placed = [_in_odom(pose, sighting) for sighting in sightings]
        if not placed:
            return False
        if self._filter is None:
            best = max(range(len(placed)), key=lambda i: sightings[i].score)
            self._start(stamp_ns, placed[best])
            return True
        ahead = _predicted(self._filter, (stamp_ns - self._stamp_ns) / 1e9)
        distances = [_mahalanobis(ahead, one) for one in placed]
        best = distances.index(min(distances))
        if distances[best] <= _GATE:
            self._filter, self._stamp_ns, self._refusals = _corrected(ahead, placed[best]), stamp_ns, 0
            return True
        self._refusals += 1
        if self._refusals >= _REFUSALS_TO_RESTART:
            self._start(stamp_ns, placed[max(range(len(placed)), key=lambda i: sightings[i].score)])
            return True
        return False

    def at(self, now_ns: int) -> Track | None:
        """The target at ``now_ns``; None before the first sighting."""
        if self._filter is None:
            return None
        unseen_s = (now_ns - self._stamp_ns) / 1e9
        ahead = _predicted(self._filter, unseen_s)
        sigma_m = math.sqrt(max(ahead.xx, ahead.yy))
        return Track(ahead.x, ahead.y, ahead.vx, ahead.vy, sigma_m, unseen_s)

    def _start(self, stamp_ns: int, seen: _Placed) -> None:
        speed_2 = _START_SPEED_SIGMA_M_S**2
        known = (seen.x, seen.y, 0.0, 0.0, seen.xx, seen.xy, seen.yy)
        self._filter = _Filter(*known, 0.0, 0.0, 0.0, 0.0, speed_2, 0.0, speed_2)
        self._stamp_ns, self._refusals = stamp_ns, 0


def _predicted(now: _Filter, elapsed_s: float) -> _Filter:
    """T P T' + Q with T = [1 r; 0 k] on each axis."""
    t = max(elapsed_s, 0.0)
    k = math.exp(-t / _COAST_DECAY_S)
    r = _COAST_DECAY_S * (1.0 - k)
    qp, qm, qv = _JERKINESS_M2_S3 * t**3 / 3.0, _JERKINESS_M2_S3 * t**2 / 2.0, _JERKINESS_M2_S3 * t
    x, y, vx, vy, xx, xy, yy, xu, xv, yu, yv, uu, uv, vv = now
    return _Filter(
        x + r * vx,
        y + r * vy,
        k * vx,
        k * vy,
        xx + r * (2.0 * xu + r * uu) + qp,
        xy + r * (xv + yu + r * uv),
        yy + r * (2.0 * yv + r * vv) + qp,
        k * (xu + r * uu) + qm,
        k * (xv + r * uv),
        k * (yu + r * uv),
        k * (yv + r * vv) + qm,
        k * k * uu + qv,
        k * k * uv,
        k * k * vv + qv,
    )


def _corrected(ahead: _Filter, seen: _Placed) -> _Filter:
    """The Kalman update with a position: gain K = P H' S^-1, state + K innovation, P - K H P."""
    x, y, vx, vy, xx, xy, yy, xu, xv, yu, yv, uu, uv, vv = ahead
    ixx, ixy, iyy = _inverse(xx + seen.xx, xy + seen.xy, yy + seen.yy)
    dx, dy = seen.x - x, seen.y - y
    gain = [(a * ixx + b * ixy, a * ixy + b * iyy) for a, b in ((xx, xy), (xy, yy), (xu, yu), (xv, yv))]
    x, y, vx, vy = (value + g * dx + h * dy for value, (g, h) in zip((x, y, vx, vy), gain, strict=True))
    speed = math.hypot(vx, vy)
    if speed > _FASTEST_M_S:
        vx, vy = vx * (_FASTEST_M_S / speed), vy * (_FASTEST_M_S / speed)
    (gx, hx), (gy, hy), (gu, hu), (gv, hv) = gain
    return _Filter(
        x,
        y,
        vx,
        vy,
        xx - gx * xx - hx * xy,
        xy - gx * xy - hx * yy,
        yy - gy * xy - hy * yy,
        xu - gx * xu - hx * yu,
        xv - gx * xv - hx * yv,
        yu - gy * xu - hy * yu,
        yv - gy * xv - hy * yv,
        uu - gu * xu - hu * yu,
        uv - gu * xv - hu * yv,
        vv - gv * xv - hv * yv,
    )


def _in_odom(pose: Odometry, sighting: Sighting) -> _Placed:
    sin, cos = math.sin(pose.yaw_rad), math.cos(pose.yaw_rad)
    xx, xy, yy = sighting.spread_m2
    mixed = 2.0 * sin * cos * xy
    return _Placed(
        pose.x_m + cos * sighting.x_m - sin * sighting.y_m,
        pose.y_m + sin * sighting.x_m + cos * sighting.y_m,
        cos * cos * xx - mixed + sin * sin * yy,
        sin * cos * (xx - yy) + (cos * cos - sin * sin) * xy,
        sin * sin * xx + mixed + cos * cos * yy,
    )


def _mahalanobis(ahead: _Filter, seen: _Placed) -> float:
    dx, dy = seen.x - ahead.x, seen.y - ahead.y
    ixx, ixy, iyy = _inverse(ahead.xx + seen.xx, ahead.xy + seen.xy, ahead.yy + seen.yy)
    return dx * dx * ixx + 2.0 * dx * dy * ixy + dy * dy * iyy


def _inverse(xx: float, xy: float, yy: float) -> tuple[float, float, float]:
    """Of a symmetric 2 x 2 matrix, as its upper triangle."""
    determinant = xx * yy - xy * xy
    return yy / determinant, -xy / determinant, xx / determinant
