"""The node behind the page: topics become the page's state, and STOP is asked for until it is answered."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs the ROS wheels")

import json  # noqa: E402

from nav_msgs.msg import Odometry  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from std_srvs.srv import SetBool, Trigger  # noqa: E402

from takt.dashboard import listen  # noqa: E402
from takt.errors import TaktError  # noqa: E402
from takt.nodes.dashboard import DashboardNode  # noqa: E402

LIMIT_S = 20.0


class Bench:
    """The node and a robot of which the board answers only the third time it is asked."""

    def __init__(self) -> None:
        self.node = DashboardNode(parameter_overrides=[rclpy.parameter.Parameter("port", value=0)])
        self.robot = rclpy.create_node("robot")
        self.armed_asked: list[bool] = []
        self.stops = 0
        self.robot.create_service(Trigger, "supervisor/stop", self._stop)
        self.robot.create_service(SetBool, "base/arm", self._arm)
        self.odometry = self.robot.create_publisher(Odometry, "odom", 10)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.robot)

    def _stop(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.stops += 1
        response.success, response.message = True, "stopped"
        return response

    def _arm(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self.armed_asked.append(request.data)
        response.success = len(self.armed_asked) >= 3
        response.message = "disarmed" if response.success else "busy"
        return response

    def until(self, holds: Callable[[], bool], each: Callable[[], None] = lambda: None) -> None:
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end, f"not within {LIMIT_S} s"
            each()
            self.executor.spin_once(timeout_sec=0.02)

    def state(self) -> dict[str, object]:
        with urllib.request.urlopen(self.node.url + "api/state", timeout=10) as answer:
            return dict(json.load(answer))

    def press_stop(self) -> None:
        headers = {"Origin": self.node.url.rstrip("/")}
        request = urllib.request.Request(self.node.url + "api/stop", method="POST", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202


@pytest.fixture
def bench() -> Iterator[Bench]:
    rclpy.init()
    made = Bench()
    yield made
    made.executor.shutdown()
    made.node.destroy_node()
    made.robot.destroy_node()
    rclpy.shutdown()


def test_stop_is_asked_until_the_board_says_yes_and_then_no_more(bench: Bench) -> None:
    bench.press_stop()
    bench.until(
        lambda: bench.state()["stop"] == {"requested": True, "supervisor": "stopped", "board": "disarmed"}
    )
    assert bench.stops == 1 and bench.armed_asked == [False, False, False]
    end = time.monotonic() + 1.2  # more than two of its asking intervals
    while time.monotonic() < end:
        bench.executor.spin_once(timeout_sec=0.02)
    assert len(bench.armed_asked) == 3


def test_topics_become_the_state_of_the_page(bench: Bench) -> None:
    message = Odometry()
    turn = message.pose.pose.orientation
    message.pose.pose.position.x, turn.z, turn.w = 1.25, 1.0, 0.0
    bench.until(lambda: bench.state()["pose"] is not None, lambda: bench.odometry.publish(message))
    pose = bench.state()["pose"]
    assert (
        isinstance(pose, dict)
        and pose["x_m"] == 1.25
        and abs(pose["yaw_rad"]) == pytest.approx(3.14159, abs=1e-4)
    )


def test_a_taken_port_is_the_nodes_error_too(bench: Bench) -> None:
    held = listen(0)
    override = rclpy.parameter.Parameter("port", value=held.getsockname()[1])
    with pytest.raises(TaktError, match="taken by another program"):
        DashboardNode(parameter_overrides=[override])
    held.close()
