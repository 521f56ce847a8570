"""The dashboard node: listens to the robot's topics, serves the page, and carries out its STOP."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, Quaternion
from nav_msgs.msg import Odometry
from rclpy.client import Client
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import TimeReference
from std_srvs.srv import SetBool, Trigger
from visualization_msgs.msg import Marker, MarkerArray

import takt.contract
from takt.dashboard import DashboardServer, PictureTaker, RobotState, listen
from takt.errors import TaktError
from takt.nodes.shell import main_of

_TICK_S = 0.05
_ASK_AGAIN_S = 0.5
_LEVELS = {DiagnosticStatus.OK: "OK", DiagnosticStatus.WARN: "WARN"}
_NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_LATEST = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class StopRequest:
    """Asks one service until it says yes. ``answer`` is empty until there is one."""

    def __init__(self, client: Client, request: Any) -> None:
        self._client = client
        self._request = request
        self._call: Future | None = None
        self._asked_s = -math.inf
        self.answer = ""
        self.done = True

    def begin(self) -> None:
        """A person pressed STOP."""
        self.done, self.answer, self._call, self._asked_s = False, "", None, -math.inf

    def step(self, now_s: float) -> None:
        """Look for an answer, ask again when it stays away."""
        if self.done:
            return
        if self._call is not None and self._call.done():
            response = self._call.result()
            self.done = bool(response.success)
            self.answer = response.message or ("done" if response.success else "refused")
            self._call = None
        elif now_s - self._asked_s >= _ASK_AGAIN_S and self._client.service_is_ready():
            if self._call is not None:
                self._client.remove_pending_request(self._call)
            self._call, self._asked_s = self._client.call_async(self._request), now_s


class DashboardNode(Node):  # type: ignore[misc]
    """Parameters: ``port`` (0 takes any free one), ``ring``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("dashboard", **kwargs)
        contract = takt.contract.load()
        port: int = self.declare_parameter("port", 8080).value
        ring: str = self.declare_parameter("ring", "takt_camera").value
        self._state = RobotState(contract)
        self._stop_pressed = threading.Event()
        self._stopping = False
        supervisor = self.create_client(Trigger, "supervisor/stop")
        board = self.create_client(SetBool, contract.services["arm"].ros_name)
        self._stop_supervisor = StopRequest(supervisor, Trigger.Request())
        self._stop_board = StopRequest(board, SetBool.Request(data=False))
        self._listen_to_the_robot(contract)
        try:
            listener = listen(port)
        except TaktError:
            super().destroy_node()
            raise
        self._server = DashboardServer(self._state, PictureTaker(ring), listener, self._stop_pressed.set)
        self._server.start()
        self.create_timer(_TICK_S, self._step_stop)
        print(f"dashboard: {self._server.url}", flush=True)

    @property
    def url(self) -> str:
        return self._server.url

    def destroy_node(self) -> None:
        self._server.stop()
        super().destroy_node()

    def _listen_to_the_robot(self, contract: takt.contract.Contract) -> None:
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        self.create_subscription(DiagnosticStatus, "ladder", self._on_ladder, _LATEST)
        self.create_subscription(Odometry, "odom", self._on_odometry, _NEWEST)
        self.create_subscription(PoseStamped, "target", self._on_target, _NEWEST)
        self.create_subscription(MarkerArray, "obstacles", self._on_obstacles, _NEWEST)
        self.create_subscription(
            TimeReference, contract.topics["applied"].ros_name, self._on_applied, _NEWEST
        )

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        now_ns = time.time_ns()
        for one in message.status:
            values = {pair.key: pair.value for pair in one.values}
            self._state.set_status(one.name, _LEVELS.get(one.level, "ERROR"), one.message, values, now_ns)

    def _on_ladder(self, message: DiagnosticStatus) -> None:
        values = {pair.key: pair.value for pair in message.values}
        prefix = "seconds_"
        seconds = {k[len(prefix) :]: float(v) for k, v in values.items() if k.startswith(prefix)}
        reason, waiting = values.get("reason", ""), values.get("waiting_for", "")
        self._state.set_rung(message.message, reason, waiting, seconds, time.time_ns())

    def _on_odometry(self, message: Odometry) -> None:
        pose, twist = message.pose.pose, message.twist.twist
        yaw_rad = _yaw_rad(pose.orientation)
        self._state.set_pose(
            pose.position.x, pose.position.y, yaw_rad, twist.linear.x, twist.angular.z, time.time_ns()
        )

    def _on_target(self, message: PoseStamped) -> None:
        position = message.pose.position
        self._state.set_target(position.x, position.y, _yaw_rad(message.pose.orientation), time.time_ns())

    def _on_obstacles(self, message: MarkerArray) -> None:
        discs = [
            (one.pose.position.x, one.pose.position.y, one.scale.x / 2.0, one.color.a < 0.5)
            for one in message.markers
            if one.action == Marker.ADD
        ]
        self._state.set_obstacles(discs, time.time_ns())

    def _on_applied(self, message: TimeReference) -> None:
        if message.source == "applied":
            self._state.set_applied(_nanoseconds(message.time_ref), _nanoseconds(message.header.stamp))

    def _step_stop(self) -> None:
        if self._stop_pressed.is_set():
            self._stop_pressed.clear()
            self.get_logger().warning("STOP pressed on the dashboard")
            self._stop_supervisor.begin()
            self._stop_board.begin()
            self._stopping = True
        now_s = time.monotonic()
        for request in (self._stop_supervisor, self._stop_board):
            request.step(now_s)
        if self._stopping:
            self._state.set_stop(True, self._stop_supervisor.answer, self._stop_board.answer)


def _yaw_rad(turn: Quaternion) -> float:
    return 2.0 * math.atan2(turn.z, turn.w)


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


main = main_of(DashboardNode)

if __name__ == "__main__":
    main()
