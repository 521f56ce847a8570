"""The agent as a ROS process: one serial line, the boards on it as ROS nodes, and the line's health."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions

import takt.contract
from takt.deadlines import StageClock
from takt.errors import TaktError, guarded
from takt.link import handshake
from takt.link.agent import AgentCore
from takt.link.refs import Profiles
from takt.link.transports import LineLost
from takt.link.transports.driver import LineDriver
from takt.link.transports.serial_line import SerialLine
from takt.nodes.agent_ros import RclpyRos
from takt.nodes.shell import status
from takt.nodes.wait_loop import WaitLoop
from takt.realtime import Granted, apply_policy

_DIAGNOSTICS_NS = 1_000_000_000
_TURN_NS = 100_000_000
STOP_RUNG = "SAFE"


class AgentNode:
    """The node, its line and its loop. ``spin`` runs on the calling thread until the context ends.

    ROS parameters: ``device`` (path), ``baud`` (0: the contract's), ``wait_for_device`` (else a port that is not
    there raises TaktError), ``refs`` (XML profiles, empty for none).
    """

    def __init__(
        self, granted: Granted, overrides: Mapping[str, Any], context: Context | None = None
    ) -> None:
        contract = takt.contract.load()
        self._granted = granted
        given = [Parameter(name, value=value) for name, value in overrides.items()]
        self.node = Node("agent", context=context, parameter_overrides=given)
        options = self._declare()
        self.stage = StageClock("link", contract.stages["link"].budget_ms)
        self._cmd_vel = handshake.absolute(contract.topics["cmd_vel"].ros_name)
        self.loop = WaitLoop(self.node.context)
        self.ros = RclpyRos(self.node, self.loop, _remaps(sys.argv), self._drop)
        self.core = AgentCore(
            self.ros,
            profiles=Profiles.load(Path(options["refs"])) if options["refs"] else None,
            handshake=handshake.of_contract(contract),
            watched_topic=self._cmd_vel,
        )
        line = _line(options, contract.link.baud)
        self.driver = LineDriver(self.core, line, on_state=self._on_line)
        self.loop.serve_with(self.driver.lock, self._after_ros)
        self.ros.make_loop = self._loop_for
        self._publisher = self.node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._host_ends()
        self._sessions_told = 0
        self._next_told_ns = 0

    def _declare(self) -> dict[str, Any]:
        defaults = {"device": "", "baud": 0, "wait_for_device": False, "refs": ""}
        return {name: self.node.declare_parameter(name, value).value for name, value in defaults.items()}

    def _loop_for(self, context: Context) -> WaitLoop:
        loop = WaitLoop(context)
        loop.serve_with(self.driver.lock, self._after_ros)
        return loop

    def _host_ends(self) -> None:
        """Serve the agent's own ends: the rung, simulated time where it is used, and its parameters."""
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(DiagnosticStatus, "ladder", self._on_ladder, latched)
        for end in self.node.subscriptions:
            self.loop.watch("subscription", end, partial(_take_typed, end))
        for service in self.node.services:
            self.loop.watch("service", service, partial(_take_service, service))

    # ------------------------------------------------------------------- ROS

    def _on_ladder(self, message: DiagnosticStatus) -> None:
        """STOP acts here too: without commands the board stops by itself, even if every call to it is lost."""
        if message.message == STOP_RUNG:
            self.core.block(self._cmd_vel, "stop")
        else:
            self.core.unblock(self._cmd_vel)

    def _after_ros(self) -> None:
        """Send what ROS brought, on the thread that brought it, and see how long that took."""
        written = self.driver.push()
        now_ns = time.time_ns()
        if written:
            for stamp_ns in self.core.sent_stamps:
                self.stage.record(stamp_ns, now_ns)
        else:
            for _ in self.core.sent_stamps:
                self.stage.skip("line_busy")
        self.core.sent_stamps.clear()

    def _drop(self, reason: str) -> None:
        self.core.stats.drop(reason)

    def _on_line(self, is_open: bool, text: str) -> None:
        logger = self.node.get_logger()
        logger.info(text) if is_open else logger.warning(text)

    # ---------------------------------------------------------------- health

    def publish_health(self) -> None:
        """`agent: link` with the counters and the stage's figures, `agent: contract` with the handshake's result."""
        with self.driver.lock:
            array = DiagnosticArray(status=[self._link_status(), self._contract_status()])
        array.header.stamp = self.node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _link_status(self) -> DiagnosticStatus:
        stats, sessions = self.core.stats, self.core.sessions
        level, message = "OK", ""
        if not self.driver.is_open:
            level, message = "WARN", f"waiting for {self.driver.line.name}"
        elif not sessions:
            level, message = "WARN", f"no board has connected over {self.driver.line.name} yet"
        values: dict[str, object] = {
            **self.stage.summary(),
            "device": self.driver.line.name,
            "open": self.driver.is_open,
            "sessions": len(sessions),
            "sessions_opened": stats.sessions_opened,
            "sessions_closed": stats.sessions_closed,
            "reopened": max(self.driver.reopened, 0),
            "rx": stats.rx,
            "tx": stats.tx,
            "bytes_rx": stats.bytes_rx,
            "bytes_tx": stats.bytes_tx,
            "samples_to_ros": stats.samples_to_ros,
            "samples_to_board": stats.samples_to_client,
            "crc_errors": self.core.crc_errors,
            "framing_errors": self.core.framing_errors,
            "retransmits": stats.retransmits,
            "queue_depth": sum(session.queue_depth() for session in sessions),
            "drops": sum(stats.drops.values()),
            **{f"drops_{reason}": count for reason, count in sorted(stats.drops.items())},
            "fifo_asked": self._granted.fifo_priority_asked,
            "fifo_granted": self._granted.fifo_priority,
        }
        refusals = [session.entities.last_refusal for session in sessions if session.entities.last_refusal]
        if refusals:
            values["last_refusal"] = refusals[-1]
        return status("agent: link", values, level, message)

    def _contract_status(self) -> DiagnosticStatus:
        for session in self.core.sessions:
            if session.mismatches:
                values = {"sections": ", ".join(session.mismatches), "fix": handshake.FIX}
                return status(
                    "agent: contract", values, "ERROR", handshake.mismatch_message(session.mismatches)
                )
        ours = sum(session.is_takt for session in self.core.sessions)
        return status("agent: contract", {"boards_checked": ours})

    # ------------------------------------------------------------------- run

    def spin(self) -> None:
        """Serve until the context is shut down. Raises what ended the line's thread, if something did."""
        self.driver.start()
        while self.loop.turn(_TURN_NS):
            if self.driver.failure is not None:
                raise self.driver.failure
            now_ns = time.monotonic_ns()
            opened = self.core.stats.sessions_opened
            if now_ns >= self._next_told_ns or opened != self._sessions_told:
                self._next_told_ns, self._sessions_told = now_ns + _DIAGNOSTICS_NS, opened
                self.publish_health()

    def close(self) -> None:
        """End the line and every board's node."""
        self.driver.stop()
        with self.driver.lock:
            self.core.close()
        self.ros.close()
        self.loop.close()
        self.node.destroy_node()


def _line(options: Mapping[str, Any], contract_baud: int) -> SerialLine:
    """The line that the parameters name; unless it may be waited for, it must be there now."""
    device = options["device"]
    if not device:
        raise TaktError(
            "no serial port was named", "takt agent --dev /dev/ttyACM0 (or the parameter `device`)"
        )
    line = SerialLine(device, options["baud"] or contract_baud)
    if not options["wait_for_device"]:
        try:
            line.open()
        except LineLost:
            there = " ".join(sorted(_ports())) or "none"
            raise TaktError(
                f"{device} does not exist",
                f"plug the board in and name its port (now there: {there}), or add --wait",
            ) from None
        line.close()
    return line


def _ports() -> list[str]:
    return [f"/dev/{name}" for name in os.listdir("/dev") if name.startswith(("ttyACM", "ttyUSB"))]


def _take_typed(end: Any, handle: Any) -> bool:
    taken = handle.take_message(end.msg_type, end.raw)
    if taken is None:
        return False
    end.callback(taken[0])
    return True


def _take_service(end: Any, handle: Any) -> bool:
    request, header = handle.service_take_request(end.srv_type.Request)
    if header is None:
        return False
    end.send_response(end.callback(request, end.srv_type.Response()), header)
    return True


def _remaps(arguments: list[str]) -> list[str]:
    """The remap rules of the command line that name topics and services: the boards' nodes obey them too."""
    pairs = zip(arguments, arguments[1:], strict=False)
    return [rule for flag, rule in pairs if flag in ("-r", "--remap") and not rule.startswith("__")]


def serve(ros_arguments: list[str] | None = None, overrides: Mapping[str, Any] | None = None) -> int:
    """Run the agent until SIGINT or SIGTERM; returns the exit status."""
    rclpy.init(args=ros_arguments, signal_handler_options=SignalHandlerOptions.ALL)
    agent: AgentNode | None = None
    try:
        granted = apply_policy(takt.contract.load().scheduling.agent)
        agent = AgentNode(granted, overrides or {})
        agent.node.get_logger().info(granted.describe())
        for warning in granted.warnings:
            agent.node.get_logger().warning(warning)
        agent.spin()
    except KeyboardInterrupt:
        pass
    finally:
        if agent is not None:
            agent.close()
        rclpy.try_shutdown()
    return 0


def main() -> None:
    sys.exit(guarded(serve))


if __name__ == "__main__":
    main()
