"""The node behind the page: topics become the page's state, and what a person orders reaches the robot."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs the ROS wheels")

from nav_msgs.msg import Odometry  # noqa: E402
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor, SetParametersResult  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from std_srvs.srv import SetBool, Trigger  # noqa: E402

from takt.dashboard import listen  # noqa: E402
from takt.deadlines.journey import Journey  # noqa: E402
from takt.deadlines.miss import Miss  # noqa: E402
from takt.errors import TaktError  # noqa: E402
from takt.nodes.dashboard import DashboardNode  # noqa: E402

LIMIT_S = 120.0
KP = "control.kp_per_rad_s"


class Bench:
    """The node and a robot of which the board answers only the third time it is asked to disarm."""

    def __init__(self) -> None:
        self.node = DashboardNode(parameter_overrides=[Parameter("port", value=0)])
        self.robot = rclpy.create_node("robot")
        self.board = rclpy.create_node("base")
        self.asked: list[str] = []
        self.refusals = 2
        self.robot.create_service(Trigger, "supervisor/stop", self._answer("stop", "stopped"))
        self.robot.create_service(Trigger, "supervisor/resume", self._answer("resume", ""))
        self.robot.create_service(SetBool, "base/arm", self._arm)
        self._declare_parameters()
        self.executor = SingleThreadedExecutor()
        for node in (self.node, self.robot, self.board):
            self.executor.add_node(node)
        self._hands, self._others = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    def _declare_parameters(self) -> None:
        limits = FloatingPointRange(from_value=0.0, to_value=0.5)
        described = ParameterDescriptor(description="gain", floating_point_range=[limits])
        self.board.declare_parameter(KP, 0.05, described)
        self.board.declare_parameter("topics.joint_states.rate_hz", 100)
        self.board.add_on_set_parameters_callback(
            lambda given: SetParametersResult(
                successful=all(p.value < 0.4 for p in given if p.name == KP), reason="not while driving"
            )
        )

    def _answer(self, name: str, words: str) -> Callable[[Any, Any], Any]:
        def serve(_request: Any, response: Any) -> Any:
            self.asked.append(name)
            response.success, response.message = True, words
            return response

        return serve

    def _arm(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self.asked.append("arm" if request.data else "disarm")
        response.success = request.data or self.asked.count("disarm") > self.refusals
        response.message = ("armed" if request.data else "disarmed") if response.success else "busy"
        return response

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def until(self, holds: Callable[[], bool], each: Callable[[], None] = lambda: None) -> None:
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end, f"not within {LIMIT_S} s"
            each()
            self.executor.spin_once(timeout_sec=0.02)

    def get(self, path: str = "api/state") -> dict[str, Any]:
        """What the server knows by itself."""
        with urllib.request.urlopen(self.node.url + path, timeout=LIMIT_S) as answer:
            return dict(json.load(answer))

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What needs the robot: the executor spins until the page has its answer."""
        told = self._hands.submit(self._send, path, body)
        self.until(told.done)
        return told.result()

    def _send(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        headers = {"Origin": self.node.url.rstrip("/")}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.node.url + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return dict(json.load(answer))

    def press_stop(self) -> None:
        assert self._send("api/stop", {}) == {"accepted": True}

    def order(self, name: str) -> dict[str, Any]:
        """Of a service that there is: asked again while the node has not discovered it yet."""
        answers: list[dict[str, Any]] = []

        def told() -> bool:
            number = self.get()["stop"]["number"]
            answers.append(self.ask("api/order", {"order": name, "stop_number": number}))
            return "nothing was sent" not in answers[-1]["words"]

        self.until(told)
        return answers[-1]

    def close(self) -> None:
        self.executor.shutdown()
        for node in (self.node, self.robot, self.board):
            node.destroy_node()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("takt.nodes.dashboard_orders._PATIENCE_S", LIMIT_S)  # a busy computer's executor
    monkeypatch.setattr("takt.nodes.board_parameters._PATIENCE_S", LIMIT_S)
    monkeypatch.setattr("takt.dashboard.api._ANSWER_LIMIT_S", LIMIT_S)
    rclpy.init()
    made = Bench()
    yield made
    made.close()
    rclpy.shutdown()


def stopped(number: int = 1) -> dict[str, Any]:
    return {"number": number, "requested": True, "supervisor": "stopped", "board": "disarmed"}


def test_stop_is_asked_until_the_board_says_yes_and_then_no_more(bench: Bench) -> None:
    bench.press_stop()
    bench.until(lambda: bench.get()["stop"] == stopped())
    assert bench.asked.count("stop") >= 1 and bench.asked.count("disarm") >= 3
    bench.spin(0.6)  # on a busy computer one more may have been under way
    asked = list(bench.asked)
    bench.spin(1.2)  # more than two of its asking intervals
    assert bench.asked == asked and "arm" not in asked


def test_the_way_back_is_a_fresh_order_and_ends_the_asking(bench: Bench) -> None:
    bench.refusals = 1000
    bench.press_stop()
    bench.until(lambda: bench.asked.count("disarm") >= 1)
    with pytest.raises(urllib.error.HTTPError) as refused:
        bench.ask("api/order", {"order": "arm", "stop_number": 0})  # a page that has not seen the STOP
    assert refused.value.code == 409
    assert bench.order("resume") == {"done": True, "words": "done"}
    assert bench.get()["stop"]["requested"] is False
    bench.spin(0.6)  # on a busy computer one more may have been under way
    asked = bench.asked.count("disarm")
    assert bench.order("arm") == {"done": True, "words": "armed"}
    bench.spin(1.2)
    assert bench.asked.count("disarm") == asked and bench.asked.count("arm") == 1


def test_an_order_that_nobody_takes_is_dropped_not_kept(bench: Bench) -> None:
    told = bench.ask(
        "api/order", {"order": "clear_fault", "stop_number": 0}
    )  # this robot has no such service
    assert told["done"] is False and "nothing was sent" in told["words"]


def test_stop_voids_an_order_under_way(bench: Bench) -> None:
    bench.executor.remove_node(bench.robot)  # the robot does not get to answer
    while bench.node.orders.waiting == 0:  # until the service is known at all, nothing is sent
        told: Future[dict[str, Any]] = bench._hands.submit(bench._send, "api/order", _arm_order(bench))
        bench.until(lambda told=told: told.done() or bench.node.orders.waiting == 1)
    bench._others.submit(bench.press_stop)
    bench.until(told.done)
    assert told.result() == {"done": False, "words": "STOP was pressed meanwhile"}
    assert bench.node.orders.waiting == 0


def _arm_order(bench: Bench) -> dict[str, Any]:
    return {"order": "arm", "stop_number": bench.get()["stop"]["number"]}


def test_topics_become_the_state_of_the_page(bench: Bench) -> None:
    odometry = bench.robot.create_publisher(Odometry, "odom", 10)
    message = Odometry()
    turn = message.pose.pose.orientation
    message.pose.pose.position.x, turn.z, turn.w = 1.25, 1.0, 0.0
    bench.until(lambda: bench.get()["pose"] is not None, lambda: odometry.publish(message))
    pose = bench.get()["pose"]
    assert pose["x_m"] == 1.25 and abs(pose["yaw_rad"]) == pytest.approx(3.14159, abs=1e-4)


def test_misses_and_journeys_come_to_the_page_once_each(bench: Bench) -> None:
    misses = bench.robot.create_publisher(String, "takt/misses", 100)
    journeys = bench.robot.create_publisher(String, "takt/journeys", 10)
    lines = [
        Miss("planner", 3, number, "plan", 10**18, 0, 5_000_000, "gc_pause").to_json() for number in (1, 2)
    ]
    journey = Journey(10**18, (("capture", 10**18, 10**18 + 5_000_000),), 10**18 + 30_000_000, 1000)

    def tell() -> None:
        for line in (*lines, "no miss", '{"source": 1}'):
            misses.publish(String(data=line))
        journeys.publish(String(data=journey.to_json()))

    bench.until(lambda: len(bench.get("api/misses")["rows"]) == 2, tell)
    bench.spin(0.2)
    rows = bench.get("api/misses")["rows"]
    assert [row["sequence"] for row in rows] == [1, 2] and rows[0]["cause"] == "gc_pause"
    bench.until(lambda: "journey" in bench.node.state.parts(), tell)
    assert bench.node.state.parts()["journey"][1]["total_ms"] == pytest.approx(30.0)


def test_a_dashboard_started_again_shows_the_misses_of_before_and_none_twice(
    bench: Bench, tmp_path: Path
) -> None:
    misses = [Miss("planner", 3, number, "plan", 10**18, 0, 5_000_000, "gc_pause") for number in (1, 2, 3)]
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text("".join(miss.to_json() + "\n" for miss in misses[:2]))
    overrides = [Parameter("port", value=0), Parameter("ledger_file", value=str(ledger))]
    again = DashboardNode(parameter_overrides=overrides)
    bench.executor.add_node(again)
    teller = bench.robot.create_publisher(String, "takt/misses", 100)

    def tell() -> None:
        for miss in misses[1:]:  # its node had no word yet that the second is on disk
            teller.publish(String(data=miss.to_json()))

    def shown() -> list[int]:
        return [row["sequence"] for row in again.state.misses.newest(10)["rows"]]

    assert shown() == [1, 2]
    bench.until(lambda: 3 in shown(), tell)
    assert shown() == [1, 2, 3]
    again.destroy_node()


def test_parameters_are_listed_with_ranges_set_and_refused_by_the_board(bench: Bench) -> None:
    def listed() -> bool:
        try:
            rows = bench.ask("api/parameters")["parameters"]
        except urllib.error.HTTPError as error:
            assert error.code == 503
            return False
        bench.rows = {row["name"]: row for row in rows}
        return True

    bench.until(listed)
    row = bench.rows[KP]
    assert (row["value"], row["low"], row["high"], row["whole"]) == (0.05, 0.0, 0.5, False)
    assert bench.rows["topics.joint_states.rate_hz"]["whole"] is True
    assert bench.ask("api/parameters", {"name": KP, "value": 0.1}) == {"done": True, "words": "set"}
    assert bench.board.get_parameter(KP).value == 0.1
    refusal = bench.ask("api/parameters", {"name": KP, "value": 0.45})
    assert refusal == {"done": False, "words": "not while driving"}
    rate = bench.ask("api/parameters", {"name": "topics.joint_states.rate_hz", "value": 50})
    assert rate["done"] and bench.board.get_parameter("topics.joint_states.rate_hz").value == 50
    half = bench.ask("api/parameters", {"name": "topics.joint_states.rate_hz", "value": 50.5})
    assert half["done"] is False and "integer" in half["words"]


def test_a_taken_port_is_the_nodes_error_too(bench: Bench) -> None:
    held = listen(0)
    override = Parameter("port", value=held.getsockname()[1])
    with pytest.raises(TaktError, match="taken by another program"):
        DashboardNode(parameter_overrides=[override])
    held.close()


def test_beyond_loopback_the_node_needs_a_token_that_nobody_else_can_read(bench: Bench, tmp_path) -> None:
    file = tmp_path / "token"
    values = {"port": 0, "address": "0.0.0.0", "token_file": str(file)}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    open_node = DashboardNode(parameter_overrides=overrides)
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(open_node.url + "api/state", timeout=LIMIT_S)
    assert refused.value.code == 401
    headers = {"Authorization": f"Bearer {file.read_text().strip()}"}
    with urllib.request.urlopen(
        urllib.request.Request(open_node.url + "api/state", headers=headers), timeout=10
    ) as answer:
        assert answer.status == 200
    open_node.destroy_node()
    file.chmod(0o644)
    with pytest.raises(TaktError, match="others on this computer can read"):
        DashboardNode(parameter_overrides=overrides)
