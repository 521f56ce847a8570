"""Moves the target along its scenario's way by speed commands to its two rails. No clock, no I/O."""

from __future__ import annotations

from takt.gazebo.hardware_edge import JointSample, Pair
from takt.simulation.scenario import Scenario

PATIENCE_NS = 15_000_000_000  # then the target sets out even if the robot was never armed, as in MuJoCo
_AHEAD_S = 0.01
_PULL_PER_S = 4.0  # how hard a place that is off the way is corrected
_SPEED_LIMIT_M_S = 1.5


class TargetRails:
    """Waits until the robot is first armed, at most 15 s; the scenario's clock begins then."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._start = scenario.target_pose(0.0)
        self._first_ns: int | None = None
        self._began_ns: int | None = None
        self._now_ns = -1

    def speeds_m_s(self, sample: JointSample, robot_armed: bool) -> Pair:
        """Speeds along x and y for where the rails are now. A simulation that was begun anew waits again."""
        if sample.stamp_ns < self._now_ns:
            self._first_ns = self._began_ns = None
        self._now_ns = sample.stamp_ns
        if self._first_ns is None:
            self._first_ns = sample.stamp_ns
        waited_ns = sample.stamp_ns - self._first_ns
        if self._began_ns is None and (robot_armed or waited_ns >= PATIENCE_NS):
            self._began_ns = sample.stamp_ns
        motion_s = -1.0 if self._began_ns is None else (sample.stamp_ns - self._began_ns) * 1e-9
        here, next_ = (self._scenario.target_pose(at_s) for at_s in (motion_s, motion_s + _AHEAD_S))
        x_m, y_m = sample.position
        return (
            _speed(here.x_m - self._start.x_m, next_.x_m - self._start.x_m, x_m),
            _speed(here.y_m - self._start.y_m, next_.y_m - self._start.y_m, y_m),
        )


def _speed(here_m: float, next_m: float, is_m: float) -> float:
    wanted = (next_m - here_m) / _AHEAD_S + _PULL_PER_S * (here_m - is_m)
    return max(-_SPEED_LIMIT_M_S, min(_SPEED_LIMIT_M_S, wanted))
