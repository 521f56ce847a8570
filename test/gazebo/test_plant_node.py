"""The plant node as ROS sees it: over the bridge's topics, over (stood-in) gz-transport, and with wrong parameters."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

rclpy = pytest.importorskip("rclpy")

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import Image, JointState  # noqa: E402
from std_msgs.msg import Float64  # noqa: E402

from takt.errors import TaktError  # noqa: E402
from takt.gazebo import topics  # noqa: E402
from takt.nodes import gazebo_plant  # noqa: E402
from takt.nodes.shell import ros_time  # noqa: E402

LIMIT_S = 120.0


@pytest.fixture
def context():
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


def plant_node(context, **parameters) -> gazebo_plant.GazeboPlantNode:
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    return gazebo_plant.GazeboPlantNode(context=context, parameter_overrides=overrides)


def spin_until(context, nodes, true, each=lambda: None) -> None:
    executor = SingleThreadedExecutor(context=context)
    for node in nodes:
        executor.add_node(node)
    end_s = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < end_s, "waited for messages that do not come"
        each()
        executor.spin_once(timeout_sec=0.02)
    executor.shutdown()


def test_joint_states_of_the_bridge_are_answered_with_commands(context) -> None:
    plant, bridge = plant_node(context, plant="/nowhere"), Node("bridge", context=context)
    heard: dict[str, float] = {}
    for topic in (*topics.WHEEL_FORCES, *topics.TARGET_SPEEDS):
        name = topic.ros_name
        bridge.create_subscription(Float64, name, lambda told, name=name: heard.update({name: told.data}), 10)
    publishers = [
        (bridge.create_publisher(JointState, topic.ros_name, 10), joints)
        for topic, joints in (
            (topics.JOINTS, topics.WHEEL_JOINTS),
            (topics.TARGET_STATE, topics.TARGET_JOINTS),
        )
    ]
    step = 0

    def tell() -> None:
        nonlocal step
        step += 1
        for publisher, joints in publishers:
            told = JointState(name=["fixed", *joints], position=[0.0, 1.0, 1.0], velocity=[0.0, 0.0, 0.0])
            told.header.stamp.nanosec = step * 2_000_000
            publisher.publish(told)

    spin_until(context, (plant, bridge), lambda: len(heard) == 4, tell)
    assert [heard[topic.ros_name] for topic in topics.WHEEL_FORCES] == [0.0, 0.0]  # no board, no force
    assert all(
        heard[topic.ros_name] < 0.0 for topic in topics.TARGET_SPEEDS
    )  # a metre off: back to the start
    heard.clear()
    plant.destroy_node()
    spin_until(context, (bridge,), lambda: len(heard) == 4)
    assert set(heard.values()) == {0.0}
    bridge.destroy_node()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_its_last_word_to_gazebo_is_nought(context, number) -> None:
    """rclpy's own signal handler closes the topics before the last word: it was never said."""
    bridge, heard = Node("bridge", context=context), []
    bridge.create_subscription(
        Float64, topics.WHEEL_FORCES[0].ros_name, lambda told: heard.append(told.data), 10
    )
    joints = bridge.create_publisher(JointState, topics.JOINTS.ros_name, 10)
    told = JointState(name=topics.WHEEL_JOINTS, position=[0.0, 0.0], velocity=[0.0, 0.0])

    def tell() -> None:
        told.header.stamp.nanosec += 2_000_000
        joints.publish(told)

    command = [sys.executable, "-m", "takt.nodes.gazebo_plant", "--ros-args", "-p", "plant:=/nowhere"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        spin_until(context, (bridge,), lambda: heard, tell)  # both directions are connected
        time.sleep(0.2)  # its answers to what was told before
        spin_until(context, (bridge,), lambda: not heard, heard.clear)
        process.send_signal(number)
        spin_until(context, (bridge,), lambda: heard)
        _, words = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    assert (process.returncode, words, heard[-1]) == (0, "", 0.0)
    bridge.destroy_node()


class StandIn:
    """GzTransport without Gazebo."""

    release = "none"

    def __init__(self) -> None:
        self.listeners, self.advertised = {}, []

    def subscribe(self, topic, callback) -> None:
        self.listeners[topic] = callback

    def advertise(self, topic) -> None:
        self.advertised.append(topic)

    def send(self, topic, value) -> None:
        assert topic in self.advertised


def test_without_a_bridge_clock_and_pictures_come_to_ros_here(context, monkeypatch) -> None:
    gazebo = StandIn()
    monkeypatch.setattr(gazebo_plant, "GzTransport", lambda: gazebo)
    plant, listener = plant_node(context, transport="gz"), Node("listener", context=context)
    heard = {}
    listener.create_subscription(Clock, "/clock", lambda told: heard.update(clock=told), 1)
    listener.create_subscription(Image, topics.IMAGE.ros_name, lambda told: heard.update(image=told), 1)
    time_3s = SimpleNamespace(sec=3, nsec=5)
    shot = SimpleNamespace(
        width=2,
        height=1,
        step=6,
        pixel_format_type=3,
        data=b"\1\2\3\4\5\6",
        header=SimpleNamespace(stamp=time_3s),
    )

    def tell() -> None:
        gazebo.listeners[topics.CLOCK](SimpleNamespace(sim=time_3s))
        gazebo.listeners[topics.IMAGE](shot)

    spin_until(context, (plant, listener), lambda: len(heard) == 2, tell)
    assert (heard["clock"].clock.sec, heard["clock"].clock.nanosec) == (3, 5)
    assert (heard["image"].encoding, bytes(heard["image"].data)) == ("rgb8", b"\1\2\3\4\5\6")
    assert heard["image"].header.stamp == heard["clock"].clock
    plant.destroy_node()
    listener.destroy_node()


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [({"transport": "pigeon"}, "no transport 'pigeon'"), ({"seed": -1}, "below 0"),
     ({"transport": "gz"}, "bindings cannot be imported")],
)  # fmt: skip
def test_what_a_person_can_mend_is_said(context, monkeypatch, wrong, cause) -> None:
    def none(*_: object) -> None:
        raise TaktError("Gazebo's Python bindings cannot be imported", "apt install python3-gz-transport13")

    monkeypatch.setattr(gazebo_plant, "GzTransport", none)
    with pytest.raises(TaktError, match=cause):
        plant_node(context, **wrong)


def test_ros_time_is_the_simulations_where_that_is_used_and_cheap_where_not(context) -> None:
    simulated = Node(
        "simulated", context=context, parameter_overrides=[Parameter("use_sim_time", value=True)]
    )
    real = Node("real", context=context)
    clock = real.create_publisher(Clock, "/clock", 1)
    assert ros_time(real) is time.time_ns
    now_ns = ros_time(simulated)
    told = Clock()
    told.clock.sec, told.clock.nanosec = 7, 9
    spin_until(context, (simulated, real), lambda: now_ns() == 7_000_000_009, lambda: clock.publish(told))
    simulated.destroy_node()
    real.destroy_node()
