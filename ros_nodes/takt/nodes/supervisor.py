"""Brings the robot up in order, keeps it up, stands on one rung of the ladder, and asks the board to arm."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.client import Client
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

import takt.contract
from takt.deadlines import Rung
from takt.errors import TaktError
from takt.frames import FrameRing
from takt.graph import load as load_graph
from takt.nodes.journey_keeper import JourneyKeeper
from takt.nodes.ledger_keeper import LEDGER_FILE, LedgerKeeper
from takt.nodes.lifecycle_driver import LifecycleDriver
from takt.nodes.miss_teller import MissTeller
from takt.nodes.relief_keeper import ReliefKeeper
from takt.nodes.shell import enter_realtime, main_of, ros_time, status
from takt.realtime import held_awake
from takt.replay.backlog import Backlog
from takt.supervision.processes import ProcessKeeper
from takt.supervision.stop_file import StopFile
from takt.supervision.watch import Watch
from takt.supervision.watch_tick import WatchTick

_TICK_S = 0.05
_BACKLOG_TICKS = 1200  # a minute, until the recorder listens
_LEVEL_OF = {Rung.NOMINAL: "OK", Rung.REDUCED: "WARN", Rung.HOLD: "WARN", Rung.SAFE: "ERROR"}


class SupervisorNode(Node):  # type: ignore[misc]
    """Parameters: ``graph_file`` and ``log_dir`` (runs the processes itself when set), ``lifecycle_nodes`` (names,
    comma between), ``ring``, ``rearm`` (automatic or operator), ``ledger_file`` (where misses are kept),
    ``board_on_host`` (the board is a process of this computer), ``wake_latency_us`` (processors may sleep no deeper
    than this while the robot runs; -1: as the system likes)."""

    def __init__(self) -> None:
        super().__init__("supervisor")
        self._contract = takt.contract.load()
        self._held = ExitStack()
        self._read_parameters()
        self._watch = Watch(self._contract, self._rearm, time.monotonic_ns())
        self._backlog = Backlog[WatchTick](_BACKLOG_TICKS)
        self._stop_file = StopFile(self._ledger_file.with_name("stopped"))
        if self._stop_file.is_set:
            self._watch.arming.stop()
            self._tell(f"STOP holds since before this start ({self._stop_file}); ~/resume takes it back")
        self._told: tuple[Rung, str] | None = None
        self._told_ns = 0
        self._ring: FrameRing | None = None
        self._lifecycle = LifecycleDriver(self, self._driven_names)
        self._make_endpoints()
        self._ros_ns = ros_time(self)
        board_is_here = self.declare_parameter("board_on_host", False).value
        self._misses = MissTeller(self, self._ring_name)
        self._journeys = JourneyKeeper(self, self._ring_name, self._misses.tell)
        heard = self._journeys.missed
        self._ledger = LedgerKeeper(
            self, self._ledger_file, self._ring_name, board_is_here, self._ros_ns, heard
        )
        self._relief = ReliefKeeper(self, self._tell)
        if self._keeper is not None:
            self._keeper.start()
        enter_realtime(self)
        self._stay_awake()
        self.create_timer(_TICK_S, self._tick)

    def destroy_node(self) -> None:
        """End the processes first: nothing outlives its supervisor."""
        if self._keeper is not None:
            self._keeper.stop()
        self._misses.close()
        self._ledger.close()
        self._held.close()
        super().destroy_node()

    def _stay_awake(self) -> None:
        held = self._held.enter_context(held_awake(self._wake_latency_us))
        self._tell(held.describe())
        if held.warning:
            self.get_logger().warning(held.warning)

    def _read_parameters(self) -> None:
        graph_file = self.declare_parameter("graph_file", "").value
        log_dir = self.declare_parameter("log_dir", "log").value
        self._wake_latency_us = self.declare_parameter("wake_latency_us", 0).value
        self._rearm = self.declare_parameter("rearm", "operator").value
        names = self.declare_parameter("lifecycle_nodes", "camera,detector,planner").value
        self._ring_name = self.declare_parameter("ring", "takt_camera").value
        self._ledger_file = Path(self.declare_parameter("ledger_file", "").value or LEDGER_FILE)
        self._state_file = Path(log_dir).parent / "processes.json" if graph_file else None
        self._driven_names = [name for name in names.split(",") if name]
        self._keeper = (
            ProcessKeeper(load_graph(Path(graph_file)), Path(log_dir), self._tell) if graph_file else None
        )

    def _make_endpoints(self) -> None:
        latest = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._ladder_publisher = self.create_publisher(DiagnosticStatus, "ladder", latest)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        watch = self._contract.host_topics["watch"]
        self._watched = self.create_publisher(String, watch.ros_name, watch.depth)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        self.create_subscription(JointState, "joint_states", self._on_joint_states, newest, raw=True)
        self._arm_client: Client = self.create_client(SetBool, "base/arm")
        self.create_service(Trigger, "~/stop", self._on_stop)
        self.create_service(Trigger, "~/resume", self._on_resume)

    def _on_joint_states(self, _message: bytes) -> None:
        self._watch.hear_joints(time.monotonic_ns())

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for one in message.status:
            values = {pair.key: pair.value for pair in one.values}
            is_error = one.level == DiagnosticStatus.ERROR
            self._ledger.learn(one.name, values)
            self._journeys.learn(one.name, values)
            self._relief.learn(one.name, values)
            self._watch.learn(one.hardware_id, one.name, is_error, one.message, values, time.monotonic_ns())

    def _tick(self) -> None:
        """Time that steps is for stamps only: everything that is waited for is waited for on the steady clock."""
        steady_ns = time.monotonic_ns()
        self._watch_processes()
        self._lifecycle.step(steady_ns)
        wish = self._watch.tick(
            steady_ns, self._perception_age_ms(self._ros_ns()), self._lifecycle.all_active()
        )
        self._tell_rung(steady_ns)
        if self._watch.last is not None:
            self._backlog.add(self._watch.last)
        for tick in self._backlog.due(self._watched.get_subscription_count() > 0):
            self._watched.publish(String(data=tick.to_json()))
        if wish is not None:
            self._ask_to_arm(wish)

    def _watch_processes(self) -> None:
        if self._keeper is None:
            return
        for name in self._keeper.poll(time.monotonic()):
            self._lifecycle.lost(name)
            if name in ("firmware", "agent"):
                self._watch.board.forget()
        assert self._state_file is not None
        text = json.dumps(self._keeper.pids())
        if text != getattr(self, "_pids_told", ""):
            self._pids_told = text
            whole = self._state_file.with_suffix(".new")
            whole.write_text(text)
            whole.replace(self._state_file)  # who reads it never sees a half

    def _perception_age_ms(self, now_ns: int) -> float:
        try:
            if self._ring is None:
                self._ring = FrameRing.attach(self._ring_name, role="reader")
        except TaktError:
            return float("inf")  # the camera has not made its ring yet
        if not self._ring.annotator_is_well():
            return float("inf")  # dead, or its model fails: no need to wait until the newest result is old
        newest = self._ring.newest_attached()
        return float("inf") if newest is None else (now_ns - newest.capture_stamp_ns) / 1e6

    def _ask_to_arm(self, arm: bool) -> None:
        if not self._arm_client.service_is_ready() or not self._watch.may_call(time.monotonic_ns()):
            return
        call = self._arm_client.call_async(SetBool.Request(data=arm))
        call.add_done_callback(lambda done: self._on_arm_answer(arm, done))

    def _on_arm_answer(self, arm: bool, future: Future) -> None:
        answer = future.result()
        verb = "armed" if arm else "disarmed"
        self._watch.answered(arm, answer.success, time.monotonic_ns())
        self._tell(f"board {verb}" if answer.success else f"board not {verb}: {answer.message}")

    def _on_stop(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._watch.arming.stop()
        self._ask_to_arm(False)
        self._stop_file.set()
        response.success, response.message = True, "stopped until a person takes it back"
        return response

    def _on_resume(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._stop_file.clear()
        self._watch.arming.resume()
        response.success = True
        return response

    def _tell_rung(self, steady_ns: int) -> None:
        rung, reason = self._watch.ladder.rung, self._watch.ladder.reason
        changed = self._told != (rung, reason)
        if not changed and steady_ns - self._told_ns < 1_000_000_000:
            return
        seconds = {f"seconds_{name}": s for name, s in self._watch.ladder.seconds_in(steady_ns).items()}
        stop = {"stopped": self._watch.arming.stopped, "rearm": self._rearm}
        values = {"reason": reason, "waiting_for": ",".join(self._lifecycle.inactive()), **stop, **seconds}
        message = status("ladder", values, _LEVEL_OF[rung], rung.name)
        self._ladder_publisher.publish(message)
        array = DiagnosticArray(status=[message])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)
        if changed:
            self._tell(f"{rung.name}{': ' + reason if reason else ''}")
        self._told, self._told_ns = (rung, reason), steady_ns

    def _tell(self, line: str) -> None:
        self.get_logger().info(line)


main = main_of(SupervisorNode)
