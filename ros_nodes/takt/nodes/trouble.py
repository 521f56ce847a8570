"""Faults in a running demo: what goes over ROS, and the one object that the demo calls while it watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from geometry_msgs.msg import TwistStamped
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.client import Client
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

import takt.contract
from takt.nodes.referee import Referee
from takt.trouble.checks import Evidence
from takt.trouble.day import Day
from takt.trouble.expectations import unmet
from takt.trouble.hands import Hands
from takt.trouble.injector import LiveInjector, Operator
from takt.twin.invariants import Violation

_INTRUDER_PERIOD_S = 0.02
_INTRUDING = ("absurd_commands", "old_commands")
_READY_S = 1.0
_PATIENCE_S = 40.0  # of a run in which faults follow one another, in all
_ASK_AGAIN_NS = 500_000_000


class RosHands:
    """The part of :class:`takt.trouble.hands.Robot` that needs a node. What has no answer yet is asked again."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._stop = node.create_client(Trigger, "supervisor/stop")
        self._resume = node.create_client(Trigger, "supervisor/resume")
        self._clear = node.create_client(Trigger, "base/clear_fault")
        self._arm = node.create_client(SetBool, "base/arm")
        self._parameters = {"detector": node.create_client(SetParameters, "detector/set_parameters")}
        self._parameters["camera"] = node.create_client(SetParameters, "camera/set_parameters")
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        topic = takt.contract.load().topics["cmd_vel"].ros_name
        self._commands = node.create_publisher(TwistStamped, topic, newest)
        self._command: TwistStamped | None = None
        self._owed: dict[str, tuple[Client, object, int]] = {}  # what was asked, until it is answered
        self.stopped = False
        node.create_timer(_INTRUDER_PERIOD_S, self._intrude)

    def set_fault(self, node: str, fault: str) -> None:
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=fault)
        request = SetParameters.Request(parameters=[Parameter(name="fault", value=value)])
        self._ask(f"fault of {node}", self._parameters[node], request)

    def press_stop(self) -> None:
        self.stopped = True
        self._ask("STOP", self._stop, Trigger.Request())

    def take_stop_back(self) -> None:
        self.stopped = False
        self._ask("STOP", self._resume, Trigger.Request())

    def clear_fault(self) -> None:
        self._ask("clear_fault", self._clear, Trigger.Request())

    def arm(self) -> None:
        self._ask("arm", self._arm, SetBool.Request(data=True))

    def intrude(self, command: tuple[float, float, int] | None) -> None:
        self._command = None
        if command is not None:
            speed_m_s, yaw_rate_rad_s, stamp_ns = command
            message = TwistStamped()
            message.header.frame_id = "base_link"
            if stamp_ns:
                sec, nanosec = divmod(time.time_ns() + stamp_ns, 1_000_000_000)
                message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
            message.twist.linear.x, message.twist.angular.z = speed_m_s, yaw_rate_rad_s
            self._command = message

    def step(self, now_ns: int) -> None:
        """Ask again what has waited for half a second: its node may be just starting."""
        for name, (client, request, asked_ns) in list(self._owed.items()):
            if now_ns - asked_ns > _ASK_AGAIN_NS:
                self._ask(name, client, request)

    def _ask(self, name: str, client: Client, request: object) -> None:
        self._owed[name] = (client, request, time.monotonic_ns())
        if client.service_is_ready():
            client.call_async(request).add_done_callback(lambda done: self._answered(name, request, done))

    def _answered(self, name: str, request: object, _done: Future) -> None:
        if name in self._owed and self._owed[name][1] is request:
            del self._owed[name]

    def _intrude(self) -> None:
        if self._command is not None:
            self._commands.publish(self._command)


class Trouble:
    """``step`` is called between two spins of the referee; time counts from the first arming."""

    def __init__(
        self,
        day: Day,
        run_dir: Path,
        referee: Referee,
        pids: Callable[[], Mapping[str, int]],
        power: Callable[[float], None],
        tell: Callable[[str], object],
    ) -> None:
        self._day, self._referee = day, referee
        self._ros = RosHands(referee)
        hands = Hands(run_dir, pids, self._ros, power, day.episode.line)
        patience_s = _PATIENCE_S if day.helps_between else 0.0
        self.injector = LiveInjector(day.episode.faults, hands, run_dir, tell, patience_s)
        self._ready_since_s: float | None = None
        self.commands: list[tuple[int, float, float]] = []  # when heard (ROS ns), m/s, rad/s
        if not any(plan.kind in _INTRUDING for plan in day.episode.faults):
            self._listen(referee)
        self.operator = Operator(hands) if day.episode.operator else None
        for line in day.left_out:
            tell(f"left out: {line}")

    def step(self, since_armed_s: float) -> None:
        ros_ns, board = time.time_ns(), self._referee.board
        self.injector.step(since_armed_s, ros_ns, self._ready(since_armed_s))
        self._ros.step(time.monotonic_ns())
        if self.operator is not None:
            stopped = self._ros.stopped
            quiet = self.injector.idle if self._day.helps_between else self.injector.quiet
            self.operator.step(quiet, board.armed, board.fault, stopped, since_armed_s, ros_ns)

    def _ready(self, since_armed_s: float) -> bool:
        """Both computers are NOMINAL, for a second already."""
        nominal = self._referee.rung == self._referee.board.rung.name == "NOMINAL"
        if not nominal or self._ready_since_s is None:
            self._ready_since_s = since_armed_s if nominal else None
        return self._ready_since_s is not None and since_armed_s - self._ready_since_s >= _READY_S

    def _listen(self, node: Node) -> None:
        many = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
        topic = takt.contract.load().topics["cmd_vel"].ros_name
        node.create_subscription(TwistStamped, topic, self._on_command, many)

    def _on_command(self, message: TwistStamped) -> None:
        self.commands.append((time.time_ns(), message.twist.linear.x, message.twist.angular.z))

    def close(self) -> None:
        self.injector.close()

    def _not_done(self) -> list[str]:
        """A fault that a person asked for by name and did not get is a failure; chaos may meet a dead process."""
        return [f"not brought in: {line}" for line in self.injector.failed] if self._day.helps_between else []

    def _first_frame_ns(self, at_ns: int) -> int:
        """Capture stamp of the first frame behind a moment: the first that a fault can have spoiled."""
        frames = self._referee.frames.records if self._referee.frames is not None else []
        return next((one.capture_stamp_ns for one in frames if one.capture_stamp_ns >= at_ns), at_ns)

    def told(self, violations: list[Violation], evidence: Evidence, report: dict[str, Any]) -> dict[str, Any]:
        """For the report: what was done, what was left out, what did not hold and what was not come to."""
        expect = self._day.expect
        return {
            "name": self._day.episode.name,
            "injected": [
                {**asdict(one), "first_frame_ns": self._first_frame_ns(one.at_ns)}
                for one in self.injector.done
            ],
            "left_out": list(self._day.left_out),
            "not_done": self.injector.failed,
            "host_rungs": [[at_ns, rung, reason] for at_ns, rung, reason in self._referee.rungs],
            "violations": [str(one) for one in violations],
            "unmet": unmet(expect, evidence, report) if expect is not None else self._not_done(),
        }
