"""Publishes each frame's road to the motor as soon as the board has said how it ended."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import TimeReference
from std_msgs.msg import String

import takt.contract
from takt.deadlines.journey import APPLIED
from takt.errors import TaktError
from takt.frames.journal import Journal
from takt.supervision.road import RoadJoin, link_journal, plan_journal

_LOOK_AGAIN_S = 0.5


class JourneyKeeper:
    """``ring``: the robot's ring, whose name the journals carry. Lives on the node's executor."""

    def __init__(self, node: Node, ring: str) -> None:
        contract = takt.contract.load()
        journeys, applied = contract.host_topics["journeys"], contract.topics["applied"]
        newest = QoSProfile(depth=journeys.depth, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._join = RoadJoin()
        self._bound_ns = 0
        self._sources = [
            _Source(plan_journal(ring), self._join.planned),
            _Source(link_journal(ring), self._join.sent),
        ]
        self._publisher = node.create_publisher(String, journeys.ros_name, newest)
        node.create_subscription(TimeReference, applied.ros_name, self._on_applied, newest)

    def learn(self, status: str, values: dict[str, str]) -> None:
        """``base: clock`` says how far off the board's stamps may be."""
        if status == "base: clock" and values.get("bound_us", "").isdigit():
            self._bound_ns = int(values["bound_us"]) * 1000

    def _on_applied(self, message: TimeReference) -> None:
        if self._publisher.get_subscription_count() == 0:
            return
        for source in self._sources:
            source.read()
        observed_ns, applied_ns = _nanoseconds(message.time_ref), _nanoseconds(message.header.stamp)
        applied_ns = applied_ns if message.source == APPLIED else 0
        journey = self._join.applied(observed_ns, applied_ns, message.source, self._bound_ns)
        if journey is not None:
            self._publisher.publish(String(data=journey.to_json()))


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
