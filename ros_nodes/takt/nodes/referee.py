"""Watches a demo run from outside: what the nodes and the board say, and what became of every frame."""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import TimeReference

from takt.demo.frame_log import FrameLog
from takt.errors import TaktError
from takt.frames import FrameRing
from takt.supervision.board_view import BoardView

_POLL_S = 0.02


def _nanoseconds(stamp: object) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)  # type: ignore[attr-defined]


class Referee(Node):  # type: ignore[misc]
    """Collects; decides nothing. ``photon_to_motor_ms`` maps observation stamp (ROS ns) to the board's measurement."""

    def __init__(self, ring_name: str) -> None:
        super().__init__("referee", enable_rosout=False, start_parameter_services=False)
        self._ring_name = ring_name
        self.board = BoardView()
        self.diagnostics: dict[str, dict[str, str]] = {}
        self.contract_refusal: tuple[str, str] | None = None
        self.rung = "SAFE"
        self.reason = "starting"
        self.waiting_for = ""
        self.seconds_in: dict[str, float] = {}
        self.rungs: list[tuple[int, str, str]] = []  # ROS time when it was heard, the host's rung, its reason
        self.photon_to_motor_ms: dict[int, float] = {}
        self.refusals: dict[str, int] = {}
        self.frames: FrameLog | None = None
        latest = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        many = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        self.create_subscription(DiagnosticStatus, "ladder", self._on_ladder, latest)
        self.create_subscription(TimeReference, "base/applied", self._on_applied, many)
        self.create_timer(_POLL_S, self._poll_frames)

    def begin_count(self) -> None:
        """The mission starts now: what was counted while the robot came up is not part of it."""
        self.photon_to_motor_ms.clear()
        if self.frames is not None:
            self.frames.records.clear()
            self.frames.unseen = 0

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for one in message.status:
            values = {pair.key: pair.value for pair in one.values}
            self.diagnostics[one.name] = values
            if one.hardware_id == "base":
                self.board.hear(time.time_ns())
                self.board.learn(one.name, values)
            if one.name == "agent: contract" and one.level == DiagnosticStatus.ERROR:
                self.contract_refusal = (
                    one.message,
                    values.get("fix", "build the firmware from this contract"),
                )

    def _on_ladder(self, message: DiagnosticStatus) -> None:
        values = {pair.key: pair.value for pair in message.values}
        self.rung, self.reason = message.message, values.get("reason", "")
        self.waiting_for = values.get("waiting_for", "")
        if not self.rungs or self.rungs[-1][1:] != (self.rung, self.reason):
            self.rungs.append((time.time_ns(), self.rung, self.reason))
        prefix = "seconds_"
        self.seconds_in = {k[len(prefix) :]: float(v) for k, v in values.items() if k.startswith(prefix)}

    def _on_applied(self, message: TimeReference) -> None:
        observed_ns = _nanoseconds(message.time_ref)
        if message.source != "applied":
            self.refusals[message.source] = self.refusals.get(message.source, 0) + 1
        elif observed_ns not in self.photon_to_motor_ms:
            self.photon_to_motor_ms[observed_ns] = (_nanoseconds(message.header.stamp) - observed_ns) / 1e6

    def _poll_frames(self) -> None:
        if self.frames is None:
            try:
                self.frames = FrameLog(FrameRing.attach(self._ring_name, role="reader"))
            except TaktError:
                return  # the camera has not made its ring yet
        self.frames.poll()
