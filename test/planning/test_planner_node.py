"""The planner node between a real ring and real topics, in one process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="needs the ROS wheels")

from diagnostic_msgs.msg import DiagnosticStatus  # noqa: E402
from geometry_msgs.msg import TwistStamped  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402

import takt.contract  # noqa: E402
from takt.frames import Detections, FrameRing  # noqa: E402
from takt.nodes.planner import PlannerNode  # noqa: E402
from takt.nodes.planner_messages import nanoseconds, time_of  # noqa: E402

RING = f"takt_test_planner_{os.getpid()}"
LIMIT_S = 120.0
ROBOT = takt.contract.load().robot
# A target at 2 m, straight ahead: feet at 137, head at 79 in the picture of the contract's camera.
TARGET_2_M = Detections(
    np.array([[145, 79, 175, 137]], np.float32), np.array([0.9], np.float32), np.zeros(1, np.int32)
)


class Bench:
    """The node, its neighbours' topics, and a camera and detector that are this class."""

    def __init__(self) -> None:
        self.node = PlannerNode(parameter_overrides=[rclpy.parameter.Parameter("ring", value=RING)])
        self.other = rclpy.create_node("bench")
        self.commands: list[TwistStamped] = []
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        latest = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.other.create_subscription(TwistStamped, "cmd_vel", self.commands.append, newest)
        self.joints = self.other.create_publisher(JointState, "joint_states", newest)
        self.ladder = self.other.create_publisher(DiagnosticStatus, "ladder", latest)
        self.executor = SingleThreadedExecutor()
        for node in (self.node, self.other):
            self.executor.add_node(node)
        self.ring: FrameRing | None = None
        self.camera_on = self.board_on = True
        self.yaw_rad = 0.0

    def make_ring(self) -> None:
        self.ring, self.annotator = FrameRing.create(RING, 320, 240), FrameRing.attach(RING, "annotator")

    def say_rung(self, name: str) -> None:
        self.ladder.publish(DiagnosticStatus(message=name))

    def step(self) -> None:
        """Ten milliseconds of a robot that turns as it is told (it looks round before it drives), but does not drive,
        and sees the target straight ahead wherever it looks."""
        if self.board_on:
            if self.commands:
                self.yaw_rad += 0.01 * self.newest().twist.angular.z
            rim_rad = self.yaw_rad * ROBOT.wheel_separation_m / 2.0 / ROBOT.wheel_radius_m
            message = JointState(name=["left_wheel_joint", "right_wheel_joint"], position=[-rim_rad, rim_rad])
            message.header.stamp = time_of(time.time_ns())
            self.joints.publish(message)
        if self.ring is not None and self.camera_on:
            stamp_ns = time.time_ns()
            sequence = self.ring.publish(self.ring.begin(), stamp_ns, stamp_ns, stamp_ns)
            self.annotator.attach_detections(sequence, TARGET_2_M, stamp_ns, time.time_ns())
        self.executor.spin_once(timeout_sec=0.0)
        end = time.monotonic() + 0.01
        while (left := end - time.monotonic()) > 0.0:
            self.executor.spin_once(timeout_sec=left)

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end, f"not within {LIMIT_S} s; newest command {self.commands[-1:]}"
            self.step()

    def newest(self) -> TwistStamped:
        return self.commands[-1]

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()
        if self.ring is not None:
            self.annotator.close()
            self.ring.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    FrameRing.remove(RING)
    rclpy.init()
    made = Bench()
    yield made
    made.close()
    rclpy.shutdown()
    FrameRing.remove(RING)


def drives(bench: Bench) -> bool:
    return bool(bench.commands) and bench.newest().twist.linear.x > 0.1


def test_it_commands_once_it_sees_and_may_and_keeps_the_observation_stamp(bench: Bench) -> None:
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    for _ in range(20):
        bench.step()
    assert bench.commands == []  # no ring, no observation: nothing to rest a command on
    bench.make_ring()
    bench.until(lambda: len(bench.commands) > 5)
    assert all(command.twist.linear.x == 0.0 for command in bench.commands)  # no rung was told yet
    bench.say_rung("NOMINAL")
    bench.until(lambda: drives(bench))
    bench.camera_on = False
    for _ in range(10):
        bench.step()
    ring = bench.ring
    assert ring is not None
    frozen_ns = ring.newest_attached().capture_stamp_ns  # type: ignore[union-attr]
    already = len(bench.commands)
    bench.until(lambda: len(bench.commands) > already + 3)  # repeated, but the stamp is not made younger
    assert {nanoseconds(command.header.stamp) for command in bench.commands[already:]} == {frozen_ns}


def test_it_stops_without_wheel_angles_and_goes_on_with_them(bench: Bench) -> None:
    bench.make_ring()
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    bench.say_rung("NOMINAL")
    bench.until(lambda: drives(bench))
    bench.board_on = False
    bench.until(lambda: bench.newest().twist.linear.x == 0.0)
    bench.board_on = True
    bench.say_rung("NOMINAL")
    bench.until(lambda: drives(bench))


def test_it_holds_at_once_when_told(bench: Bench) -> None:
    bench.make_ring()
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    bench.say_rung("NOMINAL")
    bench.until(lambda: drives(bench))
    bench.say_rung("HOLD")
    bench.until(lambda: bench.newest().twist.linear.x == 0.0)
    assert (
        time.time_ns() - nanoseconds(bench.newest().header.stamp) < 5_000_000_000
    )  # zero, with a fresh stamp


def test_it_finds_a_ring_that_was_made_anew(bench: Bench) -> None:
    bench.make_ring()
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    bench.until(lambda: len(bench.commands) > 3)
    assert bench.ring is not None
    bench.annotator.close()
    bench.ring.close()
    FrameRing.remove(RING)
    bench.make_ring()
    made_ns = time.time_ns()
    bench.until(lambda: nanoseconds(bench.newest().header.stamp) > made_ns)


def test_deactivated_it_is_silent(bench: Bench) -> None:
    bench.make_ring()
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    bench.until(lambda: len(bench.commands) > 3)
    bench.node.trigger_deactivate()
    for _ in range(5):
        bench.step()  # what was on its way
    already = len(bench.commands)
    for _ in range(20):
        bench.step()
    assert len(bench.commands) == already
