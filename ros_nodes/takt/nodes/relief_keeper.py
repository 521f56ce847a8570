"""Tells everybody which soft work is slowed; recorder, camera (for its image topics) and dashboard obey."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

import takt.contract
from takt.realtime.machine import cpu_pressure_ns
from takt.supervision.relief import ReliefPolicy

_CRITICAL = ("capture", "detect", "plan", "link")
_EARLY = 0.25  # a caller's timer of the same rate jitters
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class ReliefKeeper:
    """The supervisor's end. ``say`` gets a line for each change."""

    def __init__(self, node: Node, say: Callable[[str], object]) -> None:
        contract = takt.contract.load()
        self._policy = ReliefPolicy(contract.relief, list(contract.soft_work))
        self._say = say
        self._publisher = node.create_publisher(String, contract.host_topics["relief"].ros_name, _LATCHED)
        self._tell()
        node.create_timer(1.0, self._step)

    def learn(self, status: str, values: dict[str, str]) -> None:
        """A status of anybody; those of critical stages count."""
        if status.partition(": ")[2] in _CRITICAL:
            self._policy.learn(status, values)

    def _step(self) -> None:
        if self._policy.step(time.monotonic_ns(), cpu_pressure_ns()):
            slowed = ", ".join(self._policy.slowed) or "nothing"
            self._say(f"soft work slowed: {slowed} ({self._policy.reason or 'calm again'})")
            self._tell()

    def _tell(self) -> None:
        told = {"slowed": list(self._policy.slowed), "reason": self._policy.reason}
        self._publisher.publish(String(data=json.dumps(told)))


class SlowedWork:
    """The other end, for a node that does one ``kind`` of soft work: ``due`` says whether to do it now."""

    def __init__(self, node: Node, kind: str) -> None:
        contract = takt.contract.load()
        self._work, self._kind = contract.soft_work[kind], kind
        self.rate_hz = float(self._work.rate_hz)
        self._next_s = 0.0
        node.create_subscription(String, contract.host_topics["relief"].ros_name, self._hear, _LATCHED)

    def due(self, now_s: float) -> bool:
        """``rate_hz`` times a second, a quarter of a period early at most; a slowed rate of 0 is never."""
        if self.rate_hz <= 0.0 or now_s < self._next_s - _EARLY / self.rate_hz:
            return False
        self._next_s = max(self._next_s + 1.0 / self.rate_hz, now_s)
        return True

    def _hear(self, message: String) -> None:
        try:
            slowed = self._kind in json.loads(message.data)["slowed"]
        except (ValueError, KeyError, TypeError):
            return  # anybody may publish
        self.rate_hz = self._work.slowed_hz if slowed else float(self._work.rate_hz)
