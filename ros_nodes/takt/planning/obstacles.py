"""What stands around the robot, also where the camera does not look at this moment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from takt.planning.camera import GroundCamera
from takt.planning.odometry import Odometry, wrapped
from takt.planning.projection import ObstacleSighting

_DOUBT_M = 0.15  # by which the near side of a known obstacle may be wrong
_MATCH_M = 0.40  # a sighting this near (plus its own uncertainty) to a known obstacle is that obstacle
_SIGHTINGS_TO_BELIEVE = 2
_KEPT_M = 4.0  # driven since it was seen; whoever stands still forgets nothing
_KEPT_CUT_M = 1.5  # one of which the picture never held the whole: long enough to be past it
_KEPT_MOVING_S = 0.4  # one that moves is soon not there any more
_KEPT_DOUBTED_S = 0.2  # seen once
_MISSING_S = 0.35  # should be seen and is not: gone
_MOVED_M = 0.15  # across the line of sight, within the window
_WINDOW_NS = 700_000_000
_RELIABLE_RANGE_M = 3.0  # farther out a missing detection proves nothing
_NEAREST_M = 0.15  # obstacles are taller than the camera: nearer ones fill the picture, but are in it
_EDGE_MARGIN_RAD = 0.08
_GAIN = 0.35
_MOST = 24


@dataclass
class Obstacle:
    """A disc in odom. ``anchor`` is where it was when the present window of motion began, ``seen_way_m`` how far the
    robot had come when it was last seen."""

    x_m: float
    y_m: float
    radius_m: float
    anchor: tuple[float, float]
    anchor_ns: int
    seen_ns: int
    seen_way_m: float = 0.0
    sightings: int = 1
    seen_whole: bool = False
    moving: bool = False
    expected_since_ns: int | None = None

    def see(self, stamp_ns: int, way_m: float) -> None:
        self.seen_ns, self.seen_way_m, self.expected_since_ns = stamp_ns, way_m, None
        self.sightings += 1

    def become_whole(self, x_m: float, y_m: float, radius_m: float, stamp_ns: int) -> None:
        """The first sighting that shows all of it: what was guessed before does not count."""
        self.x_m, self.y_m, self.radius_m, self.seen_whole = x_m, y_m, radius_m, True
        self.anchor, self.anchor_ns = (x_m, y_m), stamp_ns

    def come_within(self, eye_m: tuple[float, float], near_m: float) -> None:
        """Its near side is no farther than that from the camera."""
        dx, dy = self.x_m - eye_m[0], self.y_m - eye_m[1]
        range_m = math.hypot(dx, dy)
        if range_m - self.radius_m > near_m:
            share = (near_m + self.radius_m) / range_m
            self.x_m, self.y_m = eye_m[0] + share * dx, eye_m[1] + share * dy

    def judge_motion(self, stamp_ns: int, sight_rad: float) -> None:
        """Compare with the anchor across the line of sight, where positions are exact; distances are not."""
        dx, dy = self.x_m - self.anchor[0], self.y_m - self.anchor[1]
        across_m = abs(dy * math.cos(sight_rad) - dx * math.sin(sight_rad))
        elapsed = stamp_ns - self.anchor_ns >= _WINDOW_NS
        if across_m > _MOVED_M:
            self.moving = True
        elif elapsed:
            self.moving = False
        if elapsed:
            self.anchor, self.anchor_ns = (self.x_m, self.y_m), stamp_ns


class ObstacleMemory:
    """Discs in odom, matched by nearness, smoothed, and forgotten: soon where they should be in view and are not."""

    def __init__(self, camera: GroundCamera) -> None:
        self._camera = camera
        self._known: list[Obstacle] = []
        self._way_m = 0.0

    def reset(self) -> None:
        self._known.clear()

    def believed(self) -> list[Obstacle]:
        """The obstacles seen often enough to count."""
        return [one for one in self._known if one.sightings >= _SIGHTINGS_TO_BELIEVE]

    def observe(
        self,
        stamp_ns: int,
        pose: Odometry,
        sightings: Sequence[ObstacleSighting],
        target_xy_m: tuple[float, float] | None,
        way_m: float,
        shows_nothing: bool = False,
    ) -> list[Obstacle | None]:
        """Take what one picture shows, seen from ``pose``; the target may hide what stands behind it. Returns for each
        sighting the obstacle that was known before.

        Memory fades with ``way_m``, the robot's way and turns so far: with what odometry may err by.

        A picture that ``shows_nothing`` at all, not even the target, is no proof that anything has gone: the lens may
        be covered, or the detector blind.
        """
        self._way_m = way_m
        free, known = list(self._known), []
        for sighting in sightings:
            take = self._take_beneath if sighting.low_cut else self._take
            matched = take(stamp_ns, pose, sighting, free)
            known.append(matched)
            if matched is not None:
                free.remove(matched)
        seen = [one for one in self._known if one not in free]
        hiding = [(one.x_m, one.y_m, one.radius_m) for one in seen]
        if target_xy_m is not None:
            hiding.append((*target_xy_m, 0.15))
        for one in free:
            if shows_nothing:
                one.expected_since_ns = None
            else:
                self._mark_missing(one, stamp_ns, pose, hiding)
        self._forget(stamp_ns)
        return known

    def _take(
        self, stamp_ns: int, pose: Odometry, sighting: ObstacleSighting, free: list[Obstacle]
    ) -> Obstacle | None:
        x_m, y_m, radius_m = _in_odom(pose, sighting.disc())
        nearest = min(free, key=lambda one: math.hypot(one.x_m - x_m, one.y_m - y_m), default=None)
        reach_m = _MATCH_M + min(2.0 * sighting.sigma_m, 0.6)
        if nearest is None or math.hypot(nearest.x_m - x_m, nearest.y_m - y_m) > reach_m:
            new = Obstacle(x_m, y_m, radius_m, (x_m, y_m), stamp_ns, stamp_ns, self._way_m)
            new.seen_whole = not sighting.cut
            self._known.append(new)
            return None
        nearest.see(stamp_ns, self._way_m)
        x_m, y_m, radius_m = _in_odom(pose, sighting.disc(nearest.radius_m if nearest.seen_whole else 0.0))
        if not sighting.cut and not nearest.seen_whole:
            nearest.become_whole(x_m, y_m, radius_m, stamp_ns)
            return nearest
        gain = _GAIN / (1.0 + (sighting.sigma_m / 0.1) ** 2)
        nearest.x_m += gain * (x_m - nearest.x_m)
        nearest.y_m += gain * (y_m - nearest.y_m)
        nearest.radius_m += gain * (radius_m - nearest.radius_m)
        if not sighting.cut:  # of one that is half in the picture nobody knows where its middle is
            nearest.judge_motion(stamp_ns, math.atan2(y_m - pose.y_m, x_m - pose.x_m))
        return nearest

    def _take_beneath(
        self, stamp_ns: int, pose: Odometry, sighting: ObstacleSighting, free: list[Obstacle]
    ) -> Obstacle | None:
        """One whose foot is below the picture is the known one in that direction. How near another stands nobody knows:
        that is for the :class:`Floor`."""
        for one in free:
            azimuth_rad, range_m = self._from_camera(pose, one.x_m, one.y_m)
            half = math.asin(min(one.radius_m / max(range_m, one.radius_m), 1.0)) + _EDGE_MARGIN_RAD
            in_line = sighting.right_rad - half < azimuth_rad < sighting.left_rad + half
            if in_line and range_m - one.radius_m < sighting.near_m + _DOUBT_M:
                one.see(stamp_ns, self._way_m)
                one.come_within(self._eye(pose), sighting.near_m)
                return one
        return None

    def _mark_missing(
        self, one: Obstacle, stamp_ns: int, pose: Odometry, hiding: list[tuple[float, float, float]]
    ) -> None:
        if not self._should_be_seen(one, pose, hiding):
            one.expected_since_ns = None
        elif one.expected_since_ns is None:
            one.expected_since_ns = stamp_ns

    def _should_be_seen(
        self, one: Obstacle, pose: Odometry, hiding: list[tuple[float, float, float]]
    ) -> bool:
        azimuth_rad, range_m = self._from_camera(pose, one.x_m, one.y_m)
        inside = abs(azimuth_rad) < self._camera.half_fov_rad - _EDGE_MARGIN_RAD
        if not inside or not _NEAREST_M < range_m < _RELIABLE_RANGE_M:
            return False
        for x_m, y_m, radius_m in hiding:
            other_rad, other_m = self._from_camera(pose, x_m, y_m)
            half = math.asin(min(radius_m / max(other_m, radius_m), 1.0)) + _EDGE_MARGIN_RAD
            if other_m < range_m and abs(wrapped(other_rad - azimuth_rad)) < half:
                return False
        return True

    def _eye(self, pose: Odometry) -> tuple[float, float]:
        ahead_m = self._camera.x_m
        return pose.x_m + ahead_m * math.cos(pose.yaw_rad), pose.y_m + ahead_m * math.sin(pose.yaw_rad)

    def _from_camera(self, pose: Odometry, x_m: float, y_m: float) -> tuple[float, float]:
        camera_x, camera_y = self._eye(pose)
        azimuth = wrapped(math.atan2(y_m - camera_y, x_m - camera_x) - pose.yaw_rad)
        return azimuth, math.hypot(x_m - camera_x, y_m - camera_y)

    def _forget(self, stamp_ns: int) -> None:
        def stays(one: Obstacle) -> bool:
            unseen_s = (stamp_ns - one.seen_ns) / 1e9
            if one.sightings < _SIGHTINGS_TO_BELIEVE:
                return unseen_s <= _KEPT_DOUBTED_S
            if one.moving and unseen_s > _KEPT_MOVING_S:
                return False
            missing_ns = 0 if one.expected_since_ns is None else stamp_ns - one.expected_since_ns
            kept_m = _KEPT_M if one.seen_whole else _KEPT_CUT_M
            return self._way_m - one.seen_way_m <= kept_m and missing_ns <= _MISSING_S * 1e9

        self._known = [one for one in self._known if stays(one)]
        self._known.sort(key=lambda one: one.seen_ns)
        del self._known[:-_MOST]


def _in_odom(pose: Odometry, disc: tuple[float, float, float]) -> tuple[float, float, float]:
    sin, cos = math.sin(pose.yaw_rad), math.cos(pose.yaw_rad)
    x_m, y_m, radius_m = disc
    return pose.x_m + cos * x_m - sin * y_m, pose.y_m + sin * x_m + cos * y_m, radius_m
