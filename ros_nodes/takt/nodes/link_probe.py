"""The ROS side of a link under proof: raw samples with the time of their arrival, and stamped commands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from takt.contract.generated.messages import Header, Time, Twist, TwistStamped, Vector3
from takt.link.ros_port import ENCAPSULATION
from takt.nodes.wait_loop import WaitLoop

_TURN_NS = 100_000_000


class LinkProbe:
    """A node in ROS domain ``domain`` with a thread that listens.

    ``on_joints``: raw /joint_states (encapsulation cut off) and the monotonic ns at which it was taken.
    """

    def __init__(self, domain: int, on_joints: Callable[[bytes, int], None]) -> None:
        from geometry_msgs.msg import TwistStamped as RosTwist

        self._on_joints = on_joints
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self._node = Node(
            "link_probe", context=self._context, enable_rosout=False, start_parameter_services=False
        )
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._commands = self._node.create_publisher(RosTwist, "/cmd_vel", newest)
        deep = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
        joints = self._node.create_subscription(JointState, "/joint_states", _ignore, deep, raw=True)
        self._loop = WaitLoop(self._context)
        self._loop.watch("subscription", joints, self._take)
        self._thread = threading.Thread(target=self._run, name=f"probe {domain}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self._loop.turn(_TURN_NS):
            pass

    def _take(self, handle: Any) -> bool:
        taken = handle.take_message(JointState, True)
        if taken is None:
            return False
        self._on_joints(taken[0][len(ENCAPSULATION) :], time.monotonic_ns())
        return True

    def send_command(self, stamp_ns: int) -> None:
        """Publish a command for standing still, stamped ``stamp_ns``."""
        sec, nanosec = divmod(stamp_ns, 1_000_000_000)
        zero = Vector3(0.0, 0.0, 0.0)
        command = TwistStamped(Header(Time(sec, nanosec), "base_link"), Twist(zero, zero))
        self._commands.publish(ENCAPSULATION + command.to_cdr())

    def board_nodes(self) -> int:
        """How many nodes named ``base`` the graph holds."""
        return sum(name == "base" for name, _ in self._node.get_node_names_and_namespaces())

    def close(self) -> None:
        self._context.try_shutdown()
        self._thread.join(timeout=2.0)
        self._loop.close()


def _ignore(_: object) -> None:
    """rclpy wants a callback; the wait loop takes the messages itself."""
