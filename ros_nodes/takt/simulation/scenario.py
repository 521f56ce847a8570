"""One seed's run: the target's way, where the obstacles stand, and when a panel passes before the target.

The layout is drawn for a follower at the contract's distance: idealised ones (`follower_model`) drive the run first,
and obstacles stand only where they leave those a way and do not hide the target for long. Occlusions come from a
panel that is placed against the live line of sight, so that they happen however the robot drives.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

import takt.contract
from takt.simulation.follower_model import follow
from takt.simulation.scene_spec import (
    PANEL_WIDTH_M,
    TARGET_RADIUS_M,
    Look,
    Pose,
    SceneSpec,
    Solid,
    draw_look,
    draw_obstacle,
    draw_posters,
)
from takt.simulation.target_path import TargetPath

PANEL_SPEED_M_S = 0.5
PANEL_BEFORE_TARGET_M = 0.35
_PANEL_SWEEP_M = (
    0.85  # starts and ends this far beside the line of sight: out of the picture at the usual distance
)
_PASS_S = _PANEL_SWEEP_M / PANEL_SPEED_M_S + 0.1  # half a crossing, rounded up
_PANEL_ROBOT_GAP_M = 0.45  # from the robot's middle to the panel's plane, at least
_PANEL_TARGET_GAP_M = 0.20
_LAYOUT_S = 95.0  # about two laps
_FOLLOWER_GAINS_PER_S = (2.0, 4.0)
_ERROR_LIMIT_M = 0.22  # p95 of an idealised follower; a run is given 0.35
_OBSTACLES = 8
_NEAR_OBSTACLES = 3  # of these, so near that a planner has to mind them
_WALL_MARGIN_M = 0.75


@dataclass(frozen=True)
class PanelPass:
    """One crossing: the panel's middle meets the line of sight at ``middle_s`` (motion time), moving to ``side``."""

    middle_s: float
    side: float  # +1: from the robot's right to its left
    before_target_m: float = PANEL_BEFORE_TARGET_M

    def aside_m(self, motion_s: float) -> float:
        """Where its middle is beside the line of sight, to the robot's left positive."""
        return self.side * PANEL_SPEED_M_S * (motion_s - self.middle_s)


@dataclass(frozen=True)
class Scenario:
    """Plain data; every question is answered by a pure function of time and poses."""

    seed: int
    path: TargetPath
    passes: tuple[PanelPass, ...]
    obstacles: tuple[Solid, ...]
    posters: tuple[Solid, ...]
    look: Look
    half_x_m: float
    half_y_m: float
    robot_start: Pose

    @staticmethod
    def from_seed(seed: int, contract: takt.contract.Contract | None = None) -> Scenario:
        """The run of this seed. Equal seeds give equal runs."""
        contract = contract or takt.contract.load()
        rng = np.random.default_rng([seed, 0x7A6B7])
        footprint_m = contract.robot.footprint_radius_m
        distance_m = contract.planning.follow_distance_m
        while True:
            path = TargetPath.draw(rng)
            start = _behind(path.pose(0.0), distance_m)
            roads = [
                follow(path.pose, start, distance_m, _LAYOUT_S, 0.05, gain) for gain in _FOLLOWER_GAINS_PER_S
            ]
            layout = _Layout(roads, path, start, footprint_m)
            if max(layout.distance_error_p95_m(distance_m)) > _ERROR_LIMIT_M:
                continue
            obstacles = layout.place_obstacles(rng)
            if obstacles is not None:
                break
        return Scenario(
            seed=seed,
            path=path,
            passes=_draw_passes(rng),
            obstacles=obstacles,
            posters=draw_posters(rng, layout.half_x_m, layout.half_y_m),
            look=draw_look(rng),
            half_x_m=layout.half_x_m,
            half_y_m=layout.half_y_m,
            robot_start=start,
        )

    @cached_property
    def _middles_s(self) -> list[float]:
        return [crossing.middle_s for crossing in self.passes]

    def target_pose(self, motion_s: float) -> Pose:
        """``motion_s``: seconds since the target began to move; negative before."""
        return self.path.pose(motion_s)

    def panel_pose(self, motion_s: float, robot: Pose, target: Pose) -> Pose | None:
        """Where the panel stands, across the line from target to robot; None while it is out of sight.

        Its plane keeps 0.45 m from the robot's middle whatever the robot does, so that it never touches it; where
        there is no room for that before the target, it stays away.
        """
        crossing = self.pass_at(motion_s)
        if crossing is None:
            return None
        aside_m = crossing.aside_m(motion_s)
        away_x_m, away_y_m = robot.x_m - target.x_m, robot.y_m - target.y_m
        distance_m = math.hypot(away_x_m, away_y_m)
        before_m = min(crossing.before_target_m, distance_m - _PANEL_ROBOT_GAP_M)
        if before_m < _PANEL_TARGET_GAP_M:
            return None
        ux, uy = away_x_m / distance_m, away_y_m / distance_m
        # The robot looks along -u, so that its left is (uy, -ux).
        return Pose(
            target.x_m + before_m * ux + aside_m * uy,
            target.y_m + before_m * uy - aside_m * ux,
            math.atan2(uy, ux),
        )

    def pass_at(self, motion_s: float) -> PanelPass | None:
        """The crossing that is under way at that time; for most of it there is none."""
        near = bisect_left(self._middles_s, motion_s)
        if motion_s < 0.0:
            return None
        for crossing in self.passes[
            max(near - 1, 0) : near + 1
        ]:  # they are far apart: one of the neighbours, or none
            if abs(crossing.aside_m(motion_s)) <= _PANEL_SWEEP_M:
                return crossing
        return None

    def next_pass_s(self, motion_s: float) -> float:
        """Until then (motion time) no crossing is under way; infinite after the last."""
        last = bisect_left(self._middles_s, motion_s - _PASS_S)
        return self._middles_s[last] - _PASS_S if last < len(self._middles_s) else math.inf

    def scene_spec(self) -> SceneSpec:
        """The arena at the start of the run."""
        return SceneSpec(
            half_x_m=self.half_x_m,
            half_y_m=self.half_y_m,
            look=self.look,
            robot=self.robot_start,
            target=self.target_pose(0.0),
            obstacles=self.obstacles,
            posters=self.posters,
            seed=self.seed,
        )


class _Layout:
    """Where an obstacle may stand: clear of the target's way, of the followers' ways and of their lines of sight."""

    def __init__(
        self, roads: list[NDArray[np.float64]], path: TargetPath, start: Pose, footprint_m: float
    ) -> None:
        self._robots_m = np.vstack([road[::2, 0:2] for road in roads])
        self._targets_m = np.vstack([road[::2, 3:5] for road in roads])
        self._way_m = path.points_m[::8]
        self._start = start
        self._footprint_m = footprint_m
        self._roads = roads
        everything = np.vstack((self._robots_m, self._way_m))
        self.half_x_m = float(np.abs(everything[:, 0]).max()) + _WALL_MARGIN_M
        self.half_y_m = float(np.abs(everything[:, 1]).max()) + _WALL_MARGIN_M

    def distance_error_p95_m(self, distance_m: float) -> list[float]:
        """Of each follower, from 5 to 40 s."""
        errors = [
            np.abs(np.hypot(*(road[100:800, 3:5] - road[100:800, 0:2]).T) - distance_m)
            for road in self._roads
        ]
        return [float(np.percentile(error, 95)) for error in errors]

    def place_obstacles(self, rng: np.random.Generator) -> tuple[Solid, ...] | None:
        """Near ones first; None when they do not all find a place."""
        placed: list[Solid] = []
        for _ in range(1500):
            near = len(placed) < _NEAR_OBSTACLES
            x_m = float(rng.uniform(-self.half_x_m + 0.25, self.half_x_m - 0.25))
            y_m = float(rng.uniform(-self.half_y_m + 0.25, self.half_y_m - 0.25))
            solid = draw_obstacle(rng, Pose(x_m, y_m, float(rng.uniform(-math.pi, math.pi))))
            if self._fits(solid, near, placed):
                placed.append(solid)
            if len(placed) == _OBSTACLES:
                return tuple(placed)
        return None

    def _fits(self, solid: Solid, near: bool, placed: list[Solid]) -> bool:
        at = np.array((solid.pose.x_m, solid.pose.y_m))
        reach_m = solid.reach_m
        if any(math.hypot(*(at - (o.pose.x_m, o.pose.y_m))) < reach_m + o.reach_m + 0.3 for o in placed):
            return False
        if math.hypot(at[0] - self._start.x_m, at[1] - self._start.y_m) < reach_m + 0.8:
            return False
        to_robot_m = float(np.hypot(*(self._robots_m - at).T).min()) - reach_m - self._footprint_m
        to_target_m = float(np.hypot(*(self._way_m - at).T).min()) - reach_m - TARGET_RADIUS_M
        low_m, high_m = (0.14, 0.26) if near else (0.26, 1.2)
        if not low_m <= to_robot_m <= high_m or to_target_m < 0.15:
            return False
        return self._line_of_sight_gap_m(at) >= reach_m + TARGET_RADIUS_M + 0.05

    def _line_of_sight_gap_m(self, at: NDArray[np.float64]) -> float:
        """Distance of a point from the nearest robot-target segment."""
        along = self._targets_m - self._robots_m
        share = ((at - self._robots_m) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-9)
        nearest = self._robots_m + np.clip(share, 0.0, 1.0)[:, None] * along
        return float(np.hypot(*(nearest - at).T).min())


def _behind(target: Pose, distance_m: float) -> Pose:
    """The robot's start: at the follow distance behind the target, facing it."""
    return replace(
        target,
        x_m=target.x_m - distance_m * math.cos(target.yaw_rad),
        y_m=target.y_m - distance_m * math.sin(target.yaw_rad),
    )


def _draw_passes(rng: np.random.Generator) -> tuple[PanelPass, ...]:
    """Two within the first 25 s of motion, from then on one about every 24 s."""
    middles_s = [float(rng.uniform(8.5, 11.0)), float(rng.uniform(20.0, 23.0))]
    while middles_s[-1] < 3600.0:
        middles_s.append(middles_s[-1] + float(rng.uniform(22.0, 26.0)))
    return tuple(PanelPass(middle_s, float(rng.choice((-1.0, 1.0)))) for middle_s in middles_s)


assert PANEL_WIDTH_M / 2 < _PANEL_SWEEP_M
