"""The dashboard node: listens to the robot's topics, serves the page, and carries out its orders."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import time
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, Quaternion
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String
from visualization_msgs.msg import Marker, MarkerArray

import takt.contract
from takt.dashboard import Access, DashboardServer, PictureTaker, RobotState, listen, token_file
from takt.dashboard.access import is_loopback
from takt.dashboard.ledger_reader import misses_since, run_began_ns
from takt.dashboard.listener import LOOPBACK
from takt.deadlines.journey import Journey
from takt.deadlines.miss import Miss
from takt.errors import TaktError
from takt.nodes.dashboard_orders import NodeOrders
from takt.nodes.ears import Ears
from takt.nodes.ledger_keeper import LEDGER_FILE
from takt.nodes.shell import main_of, ros_time

_LEVELS = {DiagnosticStatus.OK: "OK", DiagnosticStatus.WARN: "WARN"}
_NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_LATEST = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_KIND = "dashboard"  # of soft work, in the contract and in what the supervisor says of relief
_TOKEN_FILE = Path.home() / ".ros/takt/dashboard_token"


class DashboardNode(Node):  # type: ignore[misc]
    """Parameters: ``port`` (0 takes any free one), ``ring``; ``address`` to serve on, by default loopback; for another
    one ``token_file`` and ``names`` (comma between) by which browsers call this computer; ``ledger_file`` of the run,
    by default the robot's, of which the misses since the beginning of this run are shown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("dashboard", **kwargs)
        contract = takt.contract.load()
        ring: str = self.declare_parameter("ring", "takt_camera").value
        self.state = RobotState(contract)
        try:
            listener, access = self._read_place()
        except TaktError:
            super().destroy_node()
            raise
        self._recall_misses()
        self.orders = NodeOrders(self, contract, self.state)
        self._work = contract.soft_work[_KIND]
        pictures = PictureTaker(ring)
        self._server = DashboardServer(
            self.state, pictures, listener, self.orders, access, self._work.rate_hz, ros_time(self)
        )
        self._server.start()
        self._listen_to_the_robot(contract)
        print(f"dashboard: {self._server.url}", flush=True)

    def _read_place(self) -> tuple[socket.socket, Access]:
        port: int = self.declare_parameter("port", 8080).value
        address: str = self.declare_parameter("address", LOOPBACK).value
        file = Path(self.declare_parameter("token_file", "").value or _TOKEN_FILE)
        names: str = self.declare_parameter("names", "").value
        listener = listen(port, address)
        if is_loopback(address):
            return listener, Access()
        try:
            token = token_file.read_or_make(file)
        except TaktError:
            listener.close()
            raise
        self.get_logger().warning(f"the page is open to the network; its token is in {file}")
        known = frozenset(name.strip().lower() for name in names.split(",") if name.strip())
        return listener, Access.for_address(address, token, known)

    def _recall_misses(self) -> None:
        """Those of this run that were told before this start; whatever is told again later is known then."""
        file: str = self.declare_parameter("ledger_file", "").value
        since_ns = 0 if file else run_began_ns()
        for miss in misses_since(Path(file) if file else LEDGER_FILE, since_ns):
            self.state.misses.add(miss, miss.at_ns)

    @property
    def url(self) -> str:
        return self._server.url

    def destroy_node(self) -> None:
        self._ears.close()
        self._server.stop()
        super().destroy_node()

    def _listen_to_the_robot(self, contract: takt.contract.Contract) -> None:
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        self.create_subscription(DiagnosticStatus, "ladder", self._on_ladder, _LATEST)
        self.create_subscription(Odometry, "odom", self._on_odometry, _NEWEST)
        self.create_subscription(PoseStamped, "target", self._on_target, _NEWEST)
        self.create_subscription(MarkerArray, "obstacles", self._on_obstacles, _NEWEST)
        misses = contract.host_topics["misses"]
        self._ears = Ears(self, "dashboard-misses")  # they never wait behind poses and pictures
        for reliability in (
            ReliabilityPolicy.BEST_EFFORT,
            ReliabilityPolicy.RELIABLE,
        ):  # at once; and what was lost
            qos = QoSProfile(depth=misses.depth, reliability=reliability)
            self._ears.listen(String, misses.ros_name, qos, self._on_miss)
        self._ears.start()
        relief, journeys = (contract.host_topics[name].ros_name for name in ("relief", "journeys"))
        self.create_subscription(String, relief, self._on_relief, _LATEST)
        self.create_subscription(String, journeys, self._on_journey, _NEWEST)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        now_ns = time.time_ns()
        for one in message.status:
            values = {pair.key: pair.value for pair in one.values}
            self.state.set_status(one.name, _LEVELS.get(one.level, "ERROR"), one.message, values, now_ns)

    def _on_ladder(self, message: DiagnosticStatus) -> None:
        values = {pair.key: pair.value for pair in message.values}
        prefix = "seconds_"
        seconds = {k[len(prefix) :]: float(v) for k, v in values.items() if k.startswith(prefix)}
        self.state.set_rung(
            message.message,
            values.get("reason", ""),
            values.get("waiting_for", ""),
            seconds,
            time.time_ns(),
            stopped=values.get("stopped") == "True",
            rearm=values.get("rearm", ""),
        )

    def _on_odometry(self, message: Odometry) -> None:
        pose, twist = message.pose.pose, message.twist.twist
        yaw_rad = _yaw_rad(pose.orientation)
        self.state.set_pose(
            pose.position.x, pose.position.y, yaw_rad, twist.linear.x, twist.angular.z, time.time_ns()
        )

    def _on_target(self, message: PoseStamped) -> None:
        position = message.pose.position
        self.state.set_target(position.x, position.y, _yaw_rad(message.pose.orientation), time.time_ns())

    def _on_obstacles(self, message: MarkerArray) -> None:
        discs = [
            (one.pose.position.x, one.pose.position.y, one.scale.x / 2.0, one.color.a < 0.5)
            for one in message.markers
            if one.action == Marker.ADD
        ]
        self.state.set_obstacles(discs, time.time_ns())

    def _on_miss(self, message: String) -> None:
        try:
            miss = Miss.from_json(message.data)
        except ValueError as error:
            self.get_logger().warning(f"not shown: {error}", throttle_duration_sec=10.0)
            return
        self.state.misses.add(miss, time.time_ns())

    def _on_relief(self, message: String) -> None:
        """The supervisor slows soft work when critical stages run late."""
        try:
            slowed = _KIND in json.loads(message.data)["slowed"]
        except (ValueError, KeyError, TypeError):
            return
        self._server.set_rate(max(self._work.slowed_hz, 0.5) if slowed else float(self._work.rate_hz))

    def _on_journey(self, message: String) -> None:
        try:
            self.state.set_journey(Journey.from_json(message.data))
        except ValueError as error:
            self.get_logger().warning(f"not shown: {error}", throttle_duration_sec=10.0)


def _yaw_rad(turn: Quaternion) -> float:
    return 2.0 * math.atan2(turn.z, turn.w)


def _soft_node() -> DashboardNode:
    """The node as a process of its own, which stands back from other normal work."""
    with contextlib.suppress(OSError):  # already nicer: somebody meant it so
        os.nice(max(0, takt.contract.load().soft_work[_KIND].nice - os.nice(0)))
    return DashboardNode()


main = main_of(_soft_node)

if __name__ == "__main__":
    main()
