"""The planner node: the ring's newest results and the wheels' angles in, velocity commands out."""

from __future__ import annotations

import math
import time
import traceback
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from nav_msgs.msg import Odometry as OdometryMessage
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

import takt.contract
from takt.deadlines import Histogram, Rung
from takt.frames import Attached
from takt.frames.journal import Journal
from takt.nodes import planner_messages as messages
from takt.nodes.miss_teller import MissTeller
from takt.nodes.planner_loop import PlannerLoop, TakenByLoop, take_all
from takt.nodes.rehearsal import Rehearsal
from takt.nodes.shell import enter_realtime, main_of, publish_stage, ros_time
from takt.planning import Command, Follower, Observation, WheelOdometry
from takt.planning.plan_tick import PlanNotes, PlanTick
from takt.realtime.stage import WatchedStage
from takt.replay.backlog import Backlog
from takt.supervision.road import PLAN_ROWS, PLAN_WIDTH, plan_journal

try:
    from tf2_msgs.msg import TFMessage
except ImportError:  # tf2_msgs comes with a ROS installation, not with the wheels
    TFMessage = None

_LADDER_SILENCE_NS = 3_000_000_000  # the supervisor tells its rung every second
_OBSTACLES_EVERY = 10  # ticks
_BACKLOG_TICKS = 1500  # until the recorder listens, which starts last
_NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_LATEST = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class PlannerNode(LifecycleNode):  # type: ignore[misc]
    """Parameter: ``ring``, the name of the camera's FrameRing. Everything else is in the contract."""

    def __init__(self, **kwargs: Any) -> None:
        self._misses: MissTeller | None = None  # first: a node that fails below is destroyed all the same
        super().__init__("planner", **kwargs)
        self._contract = takt.contract.load()
        self._ring_name: str = self.declare_parameter("ring", "takt_camera").value
        self._ros_ns = ros_time(self)
        self._misses = MissTeller(self, self._ring_name)
        budget_ms = self._contract.stages["plan"].budget_ms
        self._stage = WatchedStage("plan", budget_ms, self._misses.tell, self._ros_ns)
        self._road = Journal.create(plan_journal(self._ring_name), PLAN_WIDTH, PLAN_ROWS)
        self._rehearsal = Rehearsal(self, self._count_anew)
        self._compute = Histogram()
        self._wheels = WheelOdometry(self._contract)
        self._follower = Follower(self._contract)
        self._notes, self._backlog = PlanNotes(), Backlog[PlanTick](_BACKLOG_TICKS)
        self._rung, self._rung_ns = Rung.HOLD, 0
        self._loop: PlannerLoop | None = None
        self._last: Command | None = None
        self._ticks = 0
        self._make_endpoints()
        publish_stage(self, self._stage, self._figures)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to command, with nothing remembered from before."""
        self._follower = Follower(self._contract)
        self._notes.restart()
        period_ns = round(1e9 / self._contract.planning.rate_hz)
        begin, name = (lambda: enter_realtime(self)), self._ring_name
        self._loop = PlannerLoop(
            name, period_ns, self._plan, begin, self._listen, self._on_loop_failed, self._stage
        )
        self._loop.start()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Fall silent: the board stops the wheels by itself."""
        self._end_loop()
        return super().on_deactivate(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._end_loop()
        return super().on_shutdown(state)

    def destroy_node(self) -> None:
        self._end_loop()
        if self._misses is not None:
            self._misses.close()
            self._stage.close()
        super().destroy_node()

    def _on_loop_failed(self, error: BaseException) -> None:
        """A planner without its loop is of no use: end, so that the supervisor starts another.

        While ROS shuts down, publishing fails as a matter of course.
        """
        if self.context.ok():
            self.get_logger().error("planner loop failed: " + "".join(traceback.format_exception(error)))
            self.context.try_shutdown()

    def _end_loop(self) -> None:
        if self._loop is not None:
            self._loop.stop()
        self._loop = None

    def _make_endpoints(self) -> None:
        topics = self._contract.topics
        self._commands = self.create_publisher(TwistStamped, topics["cmd_vel"].ros_name, _NEWEST)
        self._odometry = self.create_publisher(OdometryMessage, "odom", 10)
        self._target = self.create_publisher(PoseStamped, "target", 10)
        plans = self._contract.host_topics["plans"]
        self._plans = self.create_publisher(String, plans.ros_name, plans.depth)
        self._obstacles = self.create_publisher(MarkerArray, "obstacles", 1)
        self._transforms = self.create_publisher(TFMessage, "/tf", 100) if TFMessage else None
        joints, group = topics["joint_states"].ros_name, TakenByLoop()
        self._taken = [
            self.create_subscription(
                JointState, joints, self._on_joint_states, _NEWEST, callback_group=group
            ),
            self.create_subscription(
                DiagnosticStatus, "ladder", self._on_ladder, _LATEST, callback_group=group
            ),
        ]

    def _listen(self) -> None:
        """Runs in the loop's thread: an executor in the normal class would hand over angles late on a busy machine."""
        self._rehearsal.act()
        if self.context.ok():
            for subscription in self._taken:
                take_all(subscription)

    def _count_anew(self) -> None:
        if self._loop is not None:
            self._loop.count_anew()

    def _on_joint_states(self, message: JointState) -> None:
        """Wheel angles, left then right, as the board sends them; anything else is not for us."""
        angles = message.position
        if len(angles) == 2 and all(math.isfinite(angle) for angle in angles):
            reading = (angles[0], angles[1], messages.nanoseconds(message.header.stamp))
            self._wheels.update(*reading)
            self._notes.joints.append(reading)

    def _on_ladder(self, message: DiagnosticStatus) -> None:
        name = message.message
        self._rung = Rung[name] if name in Rung.__members__ else Rung.HOLD
        self._rung_ns = time.monotonic_ns()

    def _plan(self, attached: Attached | None, is_new: bool) -> None:
        """One command; runs in the loop's thread."""
        if not self.context.ok():
            return
        now_ns, begun_ns = self._ros_ns(), time.monotonic_ns()
        silent = begun_ns - self._rung_ns > _LADDER_SILENCE_NS
        odometry = self._wheels.odometry
        observation = Observation(attached.capture_stamp_ns, attached.detections) if attached else None
        rung = max(self._rung, Rung.HOLD) if silent else self._rung
        command = self._follower.update(observation, odometry, rung, now_ns)
        if command.stamp_ns > 0:  # a command rests on an observation, or it is none
            self._commands.publish(messages.twist_of(command))
            if is_new and attached is not None:
                self._passed(attached, now_ns, self._ros_ns())
        self._compute.add((time.monotonic_ns() - begun_ns) / 1e3)
        self._last = command
        self._backlog.add(self._notes.tick(observation, rung, now_ns, command))
        for tick in self._backlog.due(self._plans.get_subscription_count() > 0):
            self._plans.publish(String(data=tick.to_json()))
        self._tell(now_ns)

    def _passed(self, seen: Attached, looked_ns: int, published_ns: int) -> None:
        """The first command that rests on an observation: the stage's pass, and the frame's road so far."""
        self._stage.record(seen.detect_exit_ns, published_ns)
        stamps = (seen.capture_exit_ns, seen.detect_enter_ns, seen.detect_exit_ns, looked_ns, published_ns)
        self._road.append(seen.capture_stamp_ns, *stamps)

    def _tell(self, now_ns: int) -> None:
        """For those who look on: pose, target and obstacles."""
        self._ticks += 1
        odometry, track = self._wheels.odometry, self._follower.track
        if odometry is not None:
            self._odometry.publish(messages.odometry_of(odometry))
            if self._transforms is not None:
                self._transforms.publish(TFMessage(transforms=[messages.transform_of(odometry)]))
        if track is not None and not self._follower.lost:
            self._target.publish(messages.target_of(track, now_ns))
        if self._ticks % _OBSTACLES_EVERY == 0 and self._obstacles.get_subscription_count() > 0:
            self._obstacles.publish(messages.obstacles_of(self._follower.obstacles, now_ns))

    def _figures(self) -> dict[str, object]:
        loop, last = self._loop, self._last
        figures: dict[str, object] = {
            "rung": self._rung.name,
            "reason": last.reason if last else "inactive",
            "compute_p99_ms": _rounded_ms(self._compute),
            "odometry_restarts": self._wheels.restarts,
        }
        if loop is not None:
            late = {"wake_late_p99_ms": _rounded_ms(loop.late), "wakes": loop.late.count}
            figures |= {**late, "wakes_skipped": loop.skipped}
        if last is not None:
            figures |= {
                "speed_m_s": round(last.speed_m_s, 3),
                "yaw_rate_rad_s": round(last.yaw_rate_rad_s, 3),
            }
        return figures


def _rounded_ms(histogram: Histogram) -> float:
    return round(histogram.percentile_us(99) / 1e3, 3) if histogram.count else 0.0


main = main_of(PlannerNode)

if __name__ == "__main__":
    main()
