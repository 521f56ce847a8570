"""The planner's core: newest observation and odometry in, one velocity command out, fifty times a second."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from takt.contract import Contract
from takt.deadlines import Rung
from takt.planning.avoidance import Avoidance, Goal, in_base
from takt.planning.camera import GroundCamera
from takt.planning.floor import Floor, Thing
from takt.planning.limits import MotionLimits
from takt.planning.obstacles import Obstacle, ObstacleMemory
from takt.planning.odometry import Odometry, PoseHistory, WayMeter, advance, wrapped
from takt.planning.projection import (
    TARGET_RADIUS_M,
    ObstacleSighting,
    Sighting,
    locate_obstacle,
    locate_target,
)
from takt.planning.pursuit import Pursuit
from takt.planning.tracker import TargetTracker, Track

CLASS_TARGET, CLASS_OBSTACLE = 0, 1
_AHEAD_S = (
    0.04  # from this computation until the wheels follow: half a tick, the line, a control cycle, the motors
)
_SEARCH_YAW_RATE_RAD_S = 0.9
_CLOCK_STEP_NS = 1_000_000_000
_AHEAD_OF_CLOCK_NS = 2_000_000  # what a picture's stamp may lie ahead: two processes read one clock
# The longest between a picture's light and its results, camera and detector both slow.
_UNDER_WAY_NS = 700_000_000
_BETWEEN_TICKS_NS = 50_000_000
_LONGEST_DT_S = 0.1


class DetectionBoxes(Protocol):
    """What a picture shows: boxes (n, 4) in px, scores (n,), class ids (n,)."""

    @property
    def boxes_xyxy_px(self) -> NDArray[np.float32]: ...
    @property
    def scores(self) -> NDArray[np.float32]: ...
    @property
    def class_ids(self) -> NDArray[np.int32]: ...


@dataclass(frozen=True)
class Observation:
    """One processed picture; one without a target is an observation too."""

    capture_stamp_ns: int
    detections: DetectionBoxes


@dataclass(frozen=True)
class Command:
    """``stamp_ns`` is the capture time of the newest observation used; 0 before the first: never send that one."""

    stamp_ns: int
    speed_m_s: float
    yaw_rate_rad_s: float
    reason: str


class Follower:
    """Keeps the follow distance to the target. No clock inside; equal inputs give equal outputs.

    ``track`` and ``obstacles`` (odom frame) and ``observed`` are for those who look on.
    """

    def __init__(self, contract: Contract) -> None:
        planning = contract.planning
        self._camera = GroundCamera.from_contract(contract)
        self._limits = MotionLimits.from_contract(contract)
        self._reduced_factor = contract.ladder.reduced_speed_factor
        self._odometry_age_ns = int(contract.topics["joint_states"].max_age_ms * 1e6)
        self._lost_s = planning.lost_timeout_ms / 1e3
        self._distance_m = planning.follow_distance_m
        self._period_s: float = 1.0 / planning.rate_hz
        self._tracker = TargetTracker()
        self._memory = ObstacleMemory(self._camera)
        self._floor = Floor(self._camera, contract.robot.footprint_radius_m)
        self._way = WayMeter()
        self._poses = PoseHistory()
        self._pursuit = Pursuit(self._distance_m, self._limits)
        self._avoidance = Avoidance(
            self._limits, contract.robot.footprint_radius_m, planning.obstacle_clearance_m
        )
        self._stamp_ns = 0
        self._taken_before_ns = self._refused_to_ns = 0
        self._updated_ns: int | None = None
        self._sent = (0.0, 0.0)
        self._search_side = 1.0
        self.track: Track | None = None

    @property
    def obstacles(self) -> list[Obstacle]:
        return self._memory.believed()

    @property
    def lost(self) -> bool:
        return self.track is None or self.track.unseen_s > self._lost_s

    def update(
        self, observation: Observation | None, odometry: Odometry | None, rung: Rung, now_ns: int
    ) -> Command:
        """One tick. Pass the newest observation each time; one that was used already is not used again."""
        if self._updated_ns is not None and now_ns < self._updated_ns:
            self._begin_anew()
            self._refuse_pictures_from_before(observation, self._updated_ns, now_ns)
        dt_s = self._elapsed_s(now_ns)
        if odometry is not None:
            if abs(now_ns - odometry.stamp_ns) > self._odometry_age_ns:
                odometry = None  # silent, or one of the two clocks was set: nobody knows when that was
            else:
                self._poses.add(odometry)
        if observation is not None:
            self._observe(observation, now_ns)
        self.track = self._tracker.at(now_ns)
        self._note_side(odometry)
        wanted, reason, at_once = self._decide(odometry, rung, now_ns, dt_s)
        factor = self._reduced_factor if rung is Rung.REDUCED else 1.0
        bounded = self._limits.within(*wanted, factor)
        self._sent = bounded if at_once else self._limits.eased(self._sent, bounded, dt_s)
        return Command(self._stamp_ns, *self._limits.within(*self._sent, 1.0), reason)

    def _elapsed_s(self, now_ns: int) -> float:
        before, self._updated_ns = self._updated_ns, now_ns
        if before is None or now_ns <= before:
            return self._period_s
        return min((now_ns - before) / 1e9, _LONGEST_DT_S)

    def _begin_anew(self) -> None:
        """The clock was set back: what is known has no time any more."""
        self._tracker.reset()
        self._memory.reset()
        self._poses.clear()
        self._stamp_ns = 0

    def _refuse_pictures_from_before(self, newest: Observation | None, before_ns: int, now_ns: int) -> None:
        """Their stamps make them look younger than they are, by what the clock was set back: no command may rest on
        them.

        That holds for the newest, and for those still under way in camera and detector. If the clock went back by more
        than that takes, they come with stamps from the future; else all are refused until it is where it was.
        """
        self._taken_before_ns = newest.capture_stamp_ns if newest else 0
        is_little = before_ns - now_ns <= _UNDER_WAY_NS
        self._refused_to_ns = before_ns + _BETWEEN_TICKS_NS if is_little else 0

    def _is_from_before(self, stamp_ns: int, now_ns: int) -> bool:
        """Whether the picture was taken by a clock that has been set back since."""
        if stamp_ns > now_ns + _AHEAD_OF_CLOCK_NS:
            self._taken_before_ns = stamp_ns  # also when the clock has come there
        return stamp_ns == self._taken_before_ns or 0 <= self._refused_to_ns - stamp_ns <= _UNDER_WAY_NS

    def _observe(self, observation: Observation, now_ns: int) -> None:
        stamp_ns = observation.capture_stamp_ns
        if self._is_from_before(stamp_ns, now_ns):
            return
        if stamp_ns < self._stamp_ns - _CLOCK_STEP_NS:  # set back while nobody looked
            self._begin_anew()
        if stamp_ns <= self._stamp_ns:
            return
        self._stamp_ns = stamp_ns
        pose = self._poses.at(stamp_ns)
        if pose is None:
            return
        found = observation.detections
        targets: list[Sighting] = []
        front: list[ObstacleSighting] = []
        obstacles: list[ObstacleSighting] = []
        for box, score, kind in zip(found.boxes_xyxy_px, found.scores, found.class_ids, strict=True):
            if kind == CLASS_TARGET and (target := locate_target(self._camera, box, float(score))):
                targets.append(target)
            if thing := locate_obstacle(self._camera, box):
                (front if kind == CLASS_TARGET else obstacles).append(thing)
        self._tracker.observe(stamp_ns, pose, targets)
        track = self._tracker.at(stamp_ns)
        target_xy_m = (track.x_m, track.y_m) if track else None
        way_m, shows_nothing = self._way.add(pose), len(found.scores) == 0
        known = self._memory.observe(stamp_ns, pose, obstacles, target_xy_m, way_m, shows_nothing)
        if not shows_nothing:
            things = [Thing(one, moves=True) for one in front]
            things += [
                Thing(one, moves=it is not None and it.moving, known=it is not None)
                for one, it in zip(obstacles, known, strict=True)
            ]
            self._floor.observe(pose, things, way_m)

    def _decide(
        self, odometry: Odometry | None, rung: Rung, now_ns: int, dt_s: float
    ) -> tuple[tuple[float, float], str, bool]:
        """(speed, yaw rate), why, and whether it holds at once rather than within the accelerations."""
        if rung >= Rung.HOLD:
            self._pursuit.reset()
            if rung >= Rung.SAFE:  # motors off: it may have been pushed, its encoders may have lied
                self._floor.forget(
                    [(one.x_m, one.y_m, one.radius_m) for one in self.obstacles if not one.moving]
                )
            return (0.0, 0.0), rung.name.lower(), True
        if self._stamp_ns == 0:
            return (0.0, 0.0), "no observation", True
        if odometry is None:
            self._pursuit.reset()
            return (0.0, 0.0), "no odometry", False
        pose = self._poses.at(now_ns) or odometry
        ahead = advance(pose, self._sent[0] * _AHEAD_S, self._sent[1] * _AHEAD_S, now_ns)
        if self.track is None or self.lost:
            self._pursuit.reset()
            return (0.0, self._search()), "searching", False
        return self._follow(self.track, ahead, rung, dt_s)

    def _follow(
        self, track: Track, pose: Odometry, rung: Rung, dt_s: float
    ) -> tuple[tuple[float, float], str, bool]:
        factor = self._reduced_factor if rung is Rung.REDUCED else 1.0
        aim = self._pursuit.update(track, pose, dt_s)
        wanted = self._limits.within(aim.speed_m_s, aim.yaw_rate_rad_s, factor)
        here = (pose.x_m, pose.y_m, pose.yaw_rad)
        target_disc = (track.x_m, track.y_m, TARGET_RADIUS_M)
        discs = in_base(here, [(one.x_m, one.y_m, one.radius_m) for one in self.obstacles] + [target_disc])
        goal = _goal(track, here, self._distance_m)
        choice = self._avoidance.choose(wanted, self._sent, discs, goal, self._floor.view_from(pose), factor)
        reason = "looking" if choice.looks else "avoiding" if choice.swerved else ""
        reason = reason or ("coasting" if track.unseen_s > 0.25 else "following")
        return (choice.speed_m_s, choice.yaw_rate_rad_s), reason, False

    def _note_side(self, odometry: Odometry | None) -> None:
        """On which side the target is, or went; also while the robot must stand."""
        if odometry is None or self.track is None or self.lost:
            return
        towards_rad = math.atan2(self.track.y_m - odometry.y_m, self.track.x_m - odometry.x_m)
        self._search_side = 1.0 if wrapped(towards_rad - odometry.yaw_rad) >= 0.0 else -1.0

    def _search(self) -> float:
        """Turn towards the side where the target went."""
        return self._search_side * _SEARCH_YAW_RATE_RAD_S


def _goal(track: Track, here: tuple[float, float, float], distance_m: float) -> Goal:
    sin, cos = math.sin(here[2]), math.cos(here[2])
    dx, dy = track.x_m - here[0], track.y_m - here[1]
    return Goal(
        cos * dx + sin * dy,
        cos * dy - sin * dx,
        cos * track.vx_m_s + sin * track.vy_m_s,
        cos * track.vy_m_s - sin * track.vx_m_s,
        distance_m,
    )


__all__ = ["Command", "DetectionBoxes", "Follower", "Observation"]
