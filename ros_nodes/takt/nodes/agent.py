"""The agent as a ROS process: its lines, the boards on them as ROS nodes, and the lines' health."""

from __future__ import annotations

import gc
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

from takt.errors import TaktError, guarded
from takt.link.agent import AgentCore
from takt.link.refs import Profiles
from takt.link.transports.driver import LineDriver
from takt.link.transports.reactor import Reactor
from takt.link.transports.serial_line import SerialLine, must_exist
from takt.link.transports.udp_line import UdpDriver
from takt.nodes.agent_deadlines import AgentDeadlines
from takt.nodes.agent_health import LineHealth, contract_status
from takt.nodes.agent_ros import RclpyRos
from takt.nodes.agent_settings import Settings, settings
from takt.nodes.ros_events import RosEvents
from takt.nodes.shell import ros_time
from takt.realtime import Granted, apply_policy

_DIAGNOSTICS_NS = 1_000_000_000
_TURN_NS = 250_000_000  # between two looks whether a signal has ended the context
STOP_RUNG = "SAFE"
_DEFAULTS: dict[str, Any] = {
    "device": "",
    "baud": 0,
    "wait_for_device": False,
    "refs": "",
    "udp_port": 0,
    "ring": "",
}


class AgentNode:
    """The node, its lines and its loop. ``spin`` runs on the calling thread until the context ends.

    ROS parameters: ``device`` (path; several separated by commas), ``baud`` (0: the contract's), ``wait_for_device``
    (else a port that is not there raises TaktError), ``refs`` (XML profiles), ``udp_port`` (0: none), ``ring`` (the
    robot's ring, whose name its journals carry; empty: commands are timed, and their misses have no causes).
    """

    def __init__(
        self,
        granted: Granted,
        overrides: Mapping[str, Any],
        context: Context | None = None,
        given: Settings | None = None,
    ) -> None:
        self._settings = given or settings()
        parameters = [Parameter(name, value=value) for name, value in overrides.items()]
        self.node = Node("agent", context=context, parameter_overrides=parameters)
        options = {name: self.node.declare_parameter(name, value).value for name, value in _DEFAULTS.items()}
        self._ros_ns = ros_time(self.node)
        self._profiles = Profiles.load(Path(options["refs"])) if options["refs"] else None
        self.deadlines = AgentDeadlines(self.node, options["ring"], self._settings, self._ros_ns)
        self.stage = self.deadlines.stage
        self.reactor = Reactor()
        self.events = RosEvents(self.reactor)
        self.ros = RclpyRos(self.node, self.events, _remaps(sys.argv), self._drop)
        self.ros.listeners = self.deadlines.listeners()
        self.drivers: list[LineDriver | UdpDriver] = []
        self._open_lines(options)
        self.deadlines.watch([driver.core for driver in self.drivers], lambda: self.reactor.rested_ns)
        self._publisher = self.node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._health = [
            LineHealth(driver, "agent: link" if not number else f"agent: link {driver.name}", granted)
            for number, driver in enumerate(self.drivers)
        ]
        self._host_ends()
        self._has_news = False
        self._next_told_ns = 0
        self._complaint = ""

    def _open_lines(self, options: Mapping[str, Any]) -> None:
        devices = [path for path in str(options["device"]).split(",") if path]
        if not devices and not options["udp_port"]:
            raise TaktError(
                "no line was named",
                "takt agent --dev /dev/ttyACM0, or --udp 8888 (or the parameters `device`, `udp_port`)",
            )
        baud = options["baud"] or self._settings.baud
        for path in devices:
            line = SerialLine(path, baud)
            if not options["wait_for_device"]:
                must_exist(line)
            self.drivers.append(self._driver(line))
        if options["udp_port"]:
            driver = UdpDriver(self._core(), options["udp_port"], self.reactor)
            self.drivers.append(driver)
            self._on_line(True, f"{driver.name} is open")

    def _driver(self, line: SerialLine) -> LineDriver:
        return LineDriver(self._core(), line, self.reactor, on_state=self._on_line, on_sent=self._on_sent)

    def _core(self) -> AgentCore:
        core = AgentCore(
            self.ros,
            profiles=self._profiles,
            handshake=self._settings.handshake,
            watched_topic=self._settings.cmd_vel,
        )
        core.on_opened = self._on_opened
        core.siblings = [driver.core for driver in self.drivers]
        for sibling in core.siblings:
            sibling.siblings = [*sibling.siblings, core]
        return core

    def _host_ends(self) -> None:
        """Serve the agent's own ends: the rung, simulated time where it is used, and its parameters."""
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(DiagnosticStatus, "ladder", self._on_ladder, latched)
        for end in self.node.subscriptions:
            self.events.watch("subscription", end, partial(_take_typed, end), self.node.context)
        for service in self.node.services:
            self.events.watch("service", service, partial(_take_service, service), self.node.context)

    # ------------------------------------------------------------------- ROS

    def _on_ladder(self, message: DiagnosticStatus) -> None:
        """STOP acts here too: without commands the board stops by itself, even if every call to it is lost."""
        for driver in self.drivers:
            if message.message == STOP_RUNG:
                driver.core.block(self._settings.cmd_vel, "stop")
            else:
                driver.core.unblock(self._settings.cmd_vel)

    def _on_sent(self, core: AgentCore, written: bool) -> None:
        """See how long commands took from their publication to the line; they were taken when this turn began."""
        now_ns = self._ros_ns()
        taken_ns = now_ns - (time.monotonic_ns() - self.reactor.woken_ns)
        self.deadlines.sent(core, taken_ns, now_ns, written)

    def _drop(self, reason: str) -> None:
        self.drivers[0].core.stats.drop(reason)

    def _on_line(self, is_open: bool, text: str) -> None:
        logger = self.node.get_logger()
        logger.info(text) if is_open else logger.warning(text)

    # ---------------------------------------------------------------- health

    def publish_health(self) -> None:
        """A status for each line, and `agent: contract` with the handshake's result."""
        now_ns = time.monotonic_ns()
        rows = [
            health.status(now_ns, self.stage if not number else None)
            for number, health in enumerate(self._health)
        ]
        sessions = [session for driver in self.drivers for session in driver.core.sessions]
        array = DiagnosticArray(status=[*rows, contract_status(sessions)])
        self._complain(rows)
        array.header.stamp = self.node.get_clock().now().to_msg()
        self._publisher.publish(array)

    # ------------------------------------------------------------------- run

    def spin(self) -> None:
        """Serve until the context is shut down."""
        while self.node.context.ok():
            self._serve_until(min(self._next_told_ns, time.monotonic_ns() + _TURN_NS))
            now_ns, news = time.monotonic_ns(), self._has_news
            if news:
                self._has_news = False
                self.node.get_logger().info(f"a board has connected ({self._count()} now)")
            if now_ns >= self._next_told_ns or news:
                self._next_told_ns = now_ns + _DIAGNOSTICS_NS
                with self.reactor.lock:
                    self.publish_health()

    def _serve_until(self, end_ns: int) -> None:
        """The inner loop; a board that connects ends it early, so that its news is told at once."""
        watches = self.deadlines.watches
        while (now_ns := time.monotonic_ns()) < end_ns and not self._has_news:
            if watches:
                self.deadlines.begin()
            self.reactor.turn(end_ns - now_ns)
            if watches:
                self.deadlines.tend()

    def _on_opened(self) -> None:
        self._has_news = True

    def _count(self) -> int:
        return sum(len(driver.core.sessions) for driver in self.drivers)

    def _complain(self, statuses: list[DiagnosticStatus]) -> None:
        """Say on the console, once each, what a person must see to: a wrong rate, something refused."""
        refused = [pair.value for status in statuses for pair in status.values if pair.key == "last_refusal"]
        texts = [
            status.message for status in statuses if "?" in status.message or "reset it" in status.message
        ]
        complaint = "; ".join([*texts, *(f"refused: {text}" for text in refused)])
        if complaint and complaint != self._complaint:
            self.node.get_logger().warning(complaint)
        self._complaint = complaint

    def close(self) -> None:
        """End the lines and every board's node."""
        with self.reactor.lock:
            for driver in list(self.drivers):
                driver.close()
                driver.core.close()
            self.events.close()
            self.ros.close()
            self.deadlines.close()
            self.reactor.close()
            self.node.destroy_node()


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


def serve(
    ros_arguments: list[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    domain: int | None = None,
) -> int:
    """Run the agent until SIGINT or SIGTERM; returns the exit status. ``domain``: instead of ROS_DOMAIN_ID."""
    rclpy.init(args=ros_arguments, domain_id=domain, signal_handler_options=SignalHandlerOptions.ALL)
    agent: AgentNode | None = None
    try:
        given = settings()
        granted = apply_policy(given.fifo_priority)
        agent = AgentNode(granted, overrides or {}, given=given)
        for text in (*given.warnings, *granted.warnings):
            agent.node.get_logger().warning(text)
        agent.node.get_logger().info(granted.describe())
        gc.collect()
        gc.freeze()
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
