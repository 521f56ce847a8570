"""The plant node: Gazebo's joints on one side, the plant stream of the real firmware on the other.

Everything happens when Gazebo tells its joints, once a step: encoder counts go to the board, its newest duty goes back
as force. Parameter ``transport``: ``ros_gz`` (over ros_gz_bridge) or ``gz`` (gz-transport; clock and pictures are then
brought to ROS here).
"""

from __future__ import annotations

import array
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64

import takt.contract
from takt.errors import TaktError, guarded
from takt.gazebo import messages, topics
from takt.gazebo.hardware_edge import JointSample
from takt.gazebo.plant_loop import PlantLoop
from takt.gazebo.transport import GzTransport
from takt.simulation.board_port import BoardPort
from takt.simulation.scenario import Scenario

_NEWEST = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
_TURN_S = 0.1
_FLUSH = Duration(seconds=0, nanoseconds=200_000_000)

Hear = Callable[[JointSample], None]


class BridgedGazebo:
    """Gazebo behind ros_gz_bridge: ROS topics."""

    def __init__(self, node: Node, robot: Hear, target: Hear) -> None:
        self._listen(node, topics.JOINTS, topics.WHEEL_JOINTS, robot)
        self._listen(node, topics.TARGET_STATE, topics.TARGET_JOINTS, target)
        commands = (*topics.WHEEL_FORCES, *topics.TARGET_SPEEDS)
        self._publishers = {
            one.ros_name: node.create_publisher(Float64, one.ros_name, 10) for one in commands
        }

    def send(self, topic: topics.Topic, value: float) -> None:
        self._publishers[topic.ros_name].publish(Float64(data=value))

    def flush(self) -> None:
        """Wait until what was sent has arrived: a writer that is closed at once takes its last messages with it."""
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(_FLUSH)

    def _listen(self, node: Node, topic: topics.Topic, joints: tuple[str, str], hear: Hear) -> None:
        def on_message(told: JointState) -> None:
            stamp = told.header.stamp.sec * 1_000_000_000 + told.header.stamp.nanosec
            sample = messages.from_joint_state(stamp, told.name, told.position, told.velocity, joints)
            if sample is not None:
                hear(sample)

        node.create_subscription(JointState, topic.ros_name, on_message, _NEWEST)


class DirectGazebo:
    """Gazebo by gz-transport; its clock and its pictures become ROS topics here. Callbacks are Gazebo's threads."""

    def __init__(self, node: Node, robot: Hear, target: Hear) -> None:
        self._transport = GzTransport()
        for topic in (*topics.WHEEL_FORCES, *topics.TARGET_SPEEDS):
            self._transport.advertise(topic)
        self.send = self._transport.send
        self._clock = node.create_publisher(Clock, "/clock", 1)
        self._image = node.create_publisher(Image, topics.IMAGE.ros_name, 1)
        self._transport.subscribe(topics.CLOCK, self._on_clock)
        self._transport.subscribe(topics.IMAGE, self._on_image)
        self._listen(topics.JOINTS, topics.WHEEL_JOINTS, robot)
        self._listen(topics.TARGET_STATE, topics.TARGET_JOINTS, target)
        node.get_logger().info(f"gz-transport of {self._transport.release}")

    def _listen(self, topic: topics.Topic, joints: tuple[str, str], hear: Hear) -> None:
        def on_message(model: Any) -> None:
            sample = messages.from_model(model, joints)
            if sample is not None:
                hear(sample)

        self._transport.subscribe(topic, on_message)

    def flush(self) -> None:
        """gz-transport hands over what is published at once."""

    def _on_clock(self, told: Any) -> None:
        message = Clock()
        message.clock.sec, message.clock.nanosec = told.sim.sec, told.sim.nsec
        self._clock.publish(message)

    def _on_image(self, told: Any) -> None:
        picture = messages.picture(told)
        if picture is None:
            return
        message = Image(
            width=picture.width_px, height=picture.height_px, step=picture.step, encoding=picture.encoding
        )
        message.header.frame_id = "camera_optical_frame"
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(picture.stamp_ns, 1_000_000_000)
        message.data = array.array("B", picture.data)  # bytes would be copied element by element
        self._image.publish(message)


_GAZEBOS: dict[str, Callable[[Node, Hear, Hear], BridgedGazebo | DirectGazebo]] = {
    "ros_gz": BridgedGazebo,
    "gz": DirectGazebo,
}


class GazeboPlantNode(Node):  # type: ignore[misc]
    """Parameters: ``plant`` (the firmware's plant stream), ``seed`` (as in the world), ``transport``."""

    def __init__(self, **kwargs: Any) -> None:
        # First: a node that fails below is destroyed all the same.
        self._gazebo: BridgedGazebo | DirectGazebo | None = None
        self._lock = threading.Lock()  # gz-transport calls from threads of its own
        super().__init__("gazebo_plant", **kwargs)
        contract = takt.contract.load()
        port = BoardPort(str(self.declare_parameter("plant", "").value))
        seed = int(self.declare_parameter("seed", 1).value)
        transport = str(self.declare_parameter("transport", "ros_gz").value)
        if seed < 0:
            raise TaktError(f"seed {seed} is below 0", "give the seed that the world was written with")
        if transport not in _GAZEBOS:
            raise TaktError(f"no transport {transport!r}", f"give one of {', '.join(_GAZEBOS)}")
        self._loop = PlantLoop(port, Scenario.from_seed(seed, contract), contract, self._send)
        with self._lock:
            self._gazebo = _GAZEBOS[transport](self, self._on_robot, self._on_target)

    def destroy_node(self) -> None:
        with self._lock:
            gazebo = self._gazebo
            if gazebo is not None:
                self._loop.close()
            self._gazebo = None  # what Gazebo tells from now on is not answered
        if gazebo is not None:
            gazebo.flush()
        super().destroy_node()

    def _on_robot(self, sample: JointSample) -> None:
        with self._lock:
            if self._gazebo is not None:
                self._loop.robot(sample, time.monotonic_ns())

    def _on_target(self, sample: JointSample) -> None:
        with self._lock:
            if self._gazebo is not None:
                self._loop.target(sample)

    def _send(self, topic: topics.Topic, value: float) -> None:
        assert self._gazebo is not None
        self._gazebo.send(topic, value)


def run() -> int:
    """Until SIGINT or SIGTERM. The signals are ours: rclpy's handler would close the topics before the last word."""
    ended = threading.Event()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        node = GazeboPlantNode()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        while not ended.is_set():
            executor.spin_once(timeout_sec=_TURN_S)
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
    return 0


def main() -> None:
    """Console script."""
    sys.exit(guarded(run))


if __name__ == "__main__":
    main()
