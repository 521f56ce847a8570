"""The DDS profile does what its comments say: pictures arrive, and a killed process is soon forgotten."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time

import pytest

rclpy = pytest.importorskip("rclpy")
from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
WIDTH, HEIGHT = 1280, 720
CAMERA = textwrap.dedent(
    f"""
    import array, rclpy
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image
    rclpy.init()
    node = rclpy.create_node("profile_camera")
    quality = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    topic = node.create_publisher(Image, "profile_pictures", quality)
    picture = Image(width={WIDTH}, height={HEIGHT}, step={WIDTH * 3}, encoding="rgb8")
    picture.data = array.array("B", bytes({WIDTH * HEIGHT * 3}))
    node.create_timer(0.05, lambda: topic.publish(picture))
    rclpy.spin(node)
    """
)


@pytest.fixture
def node():
    context = rclpy.Context()
    context.init()
    node = rclpy.create_node("profile_watcher", context=context)
    node.executor_here = rclpy.executors.SingleThreadedExecutor(context=context)
    node.executor_here.add_node(node)
    yield node
    node.executor_here.shutdown()
    node.destroy_node()
    context.try_shutdown()


@pytest.fixture
def camera():
    process = subprocess.Popen([sys.executable, "-c", CAMERA])
    yield process
    process.kill()
    process.wait()


def until(condition, node, within_s: float) -> bool:
    """Spin until the condition holds; whether it did in time."""
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        node.executor_here.spin_once(timeout_sec=0.05)
    return True


def test_large_best_effort_pictures_arrive_and_a_killed_process_is_forgotten(node, camera):
    pictures = []
    node.create_subscription(Image, "profile_pictures", pictures.append, BEST_EFFORT)
    assert until(
        lambda: len(pictures) >= 5, node, within_s=200.0
    )  # with the default segment none ever arrives
    assert len(pictures[0].data) == WIDTH * HEIGHT * 3
    assert "profile_camera" in node.get_node_names()

    camera.kill()
    # The default lease would keep it for 20 s.
    assert until(lambda: "profile_camera" not in node.get_node_names(), node, within_s=18.0)
