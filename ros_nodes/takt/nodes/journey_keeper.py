"""Publishes each frame's road to the motor as soon as the board has said how it ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import TimeReference
from std_msgs.msg import String

import takt.contract
from takt.deadlines.journey import APPLIED
from takt.deadlines.miss import Miss
from takt.errors import TaktError
from takt.frames.journal import Journal
from takt.realtime.stage import Late
from takt.supervision.road import RoadJoin, SlowRoads, link_journal, plan_journal

_LOOK_AGAIN_S = 0.5
_JUDGE_S = 0.02
_STAGE = "photon_to_motor"


class JourneyKeeper:
    """``ring``: the robot's ring, whose name the journals carry. ``tell`` gets each frame that was over the budget of
    photon to motor. Lives on the node's executor."""

    def __init__(self, node: Node, ring: str, tell: Callable[[Late], None]) -> None:
        contract = takt.contract.load()
        journeys, applied = contract.host_topics["journeys"], contract.topics["applied"]
        newest = QoSProfile(depth=journeys.depth, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._join = RoadJoin()
        self._bound_ns = 0
        self._budget_ns = round(contract.stages[_STAGE].budget_ms * 1e6)
        self._slow, self._tell = SlowRoads(self._budget_ns), tell
        self._sources = [
            _Source(plan_journal(ring), self._join.planned),
            _Source(link_journal(ring), self._join.sent),
        ]
        self._publisher = node.create_publisher(String, journeys.ros_name, newest)
        node.create_subscription(TimeReference, applied.ros_name, self._on_applied, newest)
        node.create_timer(_JUDGE_S, self._judge)

    def learn(self, status: str, values: dict[str, str]) -> None:
        """``base: clock`` says how far off the board's stamps may be."""
        if status == "base: clock" and values.get("bound_us", "").isdigit():
            self._bound_ns = int(values["bound_us"]) * 1000

    def _on_applied(self, message: TimeReference) -> None:
        for source in self._sources:
            source.read()
        observed_ns, applied_ns = _nanoseconds(message.time_ref), _nanoseconds(message.header.stamp)
        applied_ns = applied_ns if message.source == APPLIED else 0
        journey = self._join.applied(observed_ns, applied_ns, message.source, self._bound_ns)
        if journey is None:
            return
        self._slow.travelled(journey, time.monotonic_ns())
        if self._publisher.get_subscription_count() > 0:
            self._publisher.publish(String(data=journey.to_json()))

    def missed(self, miss: Miss) -> None:
        """A miss of a stage, which may be why a frame was slow."""
        self._slow.missed(miss)

    def _judge(self) -> None:
        now_ns = time.monotonic_ns()
        for journey, cause, evidence in self._slow.due(now_ns):
            late_ns = journey.photon_to_motor_ns - self._budget_ns
            at_ns = journey.observed_ns + self._budget_ns
            self._tell(Late(_STAGE, at_ns, late_ns, now_ns, now_ns, evidence, cause=cause))


class _Source:
    """One journal that may not be there yet, or be replaced."""

    def __init__(self, name: str, give: Any) -> None:
        self._name, self._give = name, give
        self._journal: Journal | None = None
        self._read = 0
        self._looked_s = 0.0

    def read(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s > _LOOK_AGAIN_S:
            self._looked_s = now_s
            self._look()
        if self._journal is not None:
            newest = self._journal.newest
            self._give(self._journal.since(self._read))
            self._read = newest

    def _look(self) -> None:
        if self._journal is not None and self._journal.is_current():
            return
        if self._journal is not None:
            self._journal.close()
        self._journal, self._read = None, 0
        with contextlib.suppress(TaktError):  # its writer does not run yet
            self._journal = Journal.attach(self._name)


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
