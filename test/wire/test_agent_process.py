"""The real agent process on a real pty: a scripted board on one side, rclpy on the other."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_client import ScriptedClient, object_id

from takt.link import messages as xrce
from takt.link.representations import READER, REPLIER
from takt.link.transports.pty_line import PtyEnd

rclpy = pytest.importorskip("rclpy", reason="ROS 2 is not available to Python")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from geometry_msgs.msg import TwistStamped  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data  # noqa: E402
from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from std_msgs.msg import Int32, String  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120.0  # for what takes a second or two
ASK_AGAIN_S = 2.0
SET_BOOL = ("std_srvs::srv::dds_::SetBool_Request_", "std_srvs::srv::dds_::SetBool_Response_")


def agent_command(*arguments: str) -> list[str]:
    return [
        sys.executable,
        "-c",
        "import sys; from takt.cli import main; sys.exit(main())",
        "agent",
        *arguments,
    ]


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "ros_nodes"), os.environ.get("PYTHONPATH", "")]),
    }


class Bench:
    """Agent process, board and ROS peer; :meth:`until` keeps all three moving."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.link = folder / "board"
        self.line = PtyEnd(self.link)
        self.agent = subprocess.Popen(
            agent_command("--dev", str(self.link), *arguments),
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        self.board = ScriptedClient()
        self.context = Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("peer", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.diagnostics: dict[str, DiagnosticStatus] = {}
        self.told = 0  # reports of the agent
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.ladder = self.node.create_publisher(DiagnosticStatus, "/ladder", latched)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.diagnostics.update({status.name: status for status in message.status})
        self.told += any(status.name == "agent: link" for status in message.status)

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not happen in {DEADLINE_S} s"
            assert self.agent.poll() is None, "the agent ended"
            self.step()

    def step(self) -> None:
        self.board.tick(time.monotonic_ns())
        self.line.write(self.board.take())
        if select.select([self.line.fileno()], [], [], 0.005)[0]:
            self.board.give(self.line.read(), time.monotonic_ns())
        self.line.write(self.board.take())
        self.executor.spin_once(timeout_sec=0.0)

    def connect(self, properties: dict[str, str] | None = None) -> None:
        """Greet once a second until the agent answers, as a real client does; then wait for it."""
        self.board.heard.clear()
        greeted_s = 0.0

        def answered() -> bool:
            nonlocal greeted_s
            if time.monotonic() - greeted_s > 1.0:
                greeted_s = time.monotonic()
                self.board.hello(properties)
            return any(part.kind == xrce.STATUS_AGENT for part in self.board.heard)

        self.until(answered, "the agent's answer")

    def build(self) -> None:
        """Node `base` with a writer on /said, readers on /heard and /cmd_vel, and the service /base/arm."""
        board = self.board
        board.statuses.clear()
        board.samples.clear()
        board.participant("base")
        board.topic(0, "rt/said", "std_msgs::msg::dds_::String_")
        board.writer(0, reliable=True)
        board.topic(1, "rt/heard", "std_msgs::msg::dds_::Int32_")
        board.reader(1)
        board.topic(2, "rt/cmd_vel", "geometry_msgs::msg::dds_::TwistStamped_")
        board.reader(2, depth=1)
        board.replier(0, "/base/arm", *SET_BOOL)
        self.until(lambda: len(board.statuses) >= 11, "the creation of all objects")
        assert set(board.statuses.values()) <= {xrce.OK, xrce.OK_MATCHED}

    def heard(self, number: int) -> list[bytes]:
        return [payload for reader, payload in self.board.samples if reader == object_id(number, READER)]

    def close(self) -> None:
        self.agent.kill()
        self.agent.wait()
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()
        self.line.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("line"))
    try:
        made.connect()
        made.build()
        yield made
    finally:
        made.close()


def test_the_board_is_an_ordinary_node(bench):
    bench.until(lambda: ("base", "/") in bench.node.get_node_names_and_namespaces(), "the node /base")
    bench.until(
        lambda: dict(bench.node.get_topic_names_and_types()).get("/said") == ["std_msgs/msg/String"],
        "its topic",
    )

    def services() -> list[tuple[str, list[str]]]:
        return bench.node.get_service_names_and_types_by_node("base", "/")

    bench.until(services, "its service")
    assert services() == [("/base/arm", ["std_srvs/srv/SetBool"])], "and none of its own making"


def test_samples_both_ways(bench):
    said: list[str] = []
    subscription = bench.node.create_subscription(
        String, "/said", lambda message: said.append(message.data), 10
    )
    publisher = bench.node.create_publisher(Int32, "/heard", qos_profile_sensor_data)
    bench.until(
        lambda: bench.node.count_publishers("/said") and publisher.get_subscription_count(), "discovery"
    )
    sample = serialize_message(String(data="from the board"))[4:]

    def arrived() -> bool:
        bench.board.write(0, sample, reliable=True)
        publisher.publish(Int32(data=42))
        return bool(said and bench.heard(1))

    bench.until(arrived, "a sample each way")
    assert said[0] == "from the board"
    assert bench.heard(1)[0] == (42).to_bytes(4, "little")
    bench.node.destroy_subscription(subscription)
    bench.node.destroy_publisher(publisher)


def test_a_service_on_the_board(bench):
    client = bench.node.create_client(SetBool, "/base/arm")
    bench.until(client.service_is_ready, "the service")
    answer = serialize_message(SetBool.Response(success=True, message="armed"))[4:]
    heard: list[bytes] = []
    futures = []
    called_s = 0.0

    def answered() -> list[object]:
        """Ready is who can be asked; the way back may not be known to the other side yet: then ask again."""
        nonlocal called_s
        if time.monotonic() - called_s > ASK_AGAIN_S:
            called_s = time.monotonic()
            futures.append(client.call_async(SetBool.Request(data=True)))
        asked = [payload for who, payload in bench.board.samples if who == object_id(0, REPLIER)]
        for payload in asked[len(heard) :]:
            heard.append(payload)
            bench.board.write(0, payload[:24] + answer, reliable=True, kind=REPLIER)
        return [future for future in futures if future.done()]

    bench.until(answered, "the response")
    assert all(request[24] == 1 for request in heard)
    response = answered()[0].result()
    assert (response.success, response.message) == (True, "armed")


def test_stop_keeps_commands_from_the_line(bench):
    publisher = bench.node.create_publisher(TwistStamped, "/cmd_vel", qos_profile_sensor_data)
    bench.until(publisher.get_subscription_count, "discovery")

    def command(speed: float) -> None:
        message = TwistStamped()
        message.twist.linear.x = speed
        publisher.publish(message)

    def speeds() -> list[float]:
        return [
            deserialize_message(b"\0\x01\0\0" + raw, TwistStamped).twist.linear.x for raw in bench.heard(2)
        ]

    bench.until(lambda: command(0.5) or speeds(), "a command")

    def stop_drops() -> int:
        said = bench.diagnostics.get("agent: link", DiagnosticStatus())
        return int({pair.key: pair.value for pair in said.values}.get("drops_stop", 0))

    def settled() -> bool:
        """Nothing more was dropped from one report to the next: no command is under way."""
        nonlocal seen
        if bench.told == seen[0]:
            return False
        before, seen = seen, (bench.told, stop_drops())
        return seen[1] == before[1]

    bench.ladder.publish(DiagnosticStatus(message="SAFE"))
    bench.until(lambda: command(0.6) or stop_drops(), "the stop")
    bench.board.samples.clear()
    told = stop_drops()
    bench.until(lambda: command(0.7) or stop_drops() > told, "more kept back")
    seen = (bench.told, -1)
    bench.until(settled, "the last of them kept back")
    assert 0.7 not in speeds()
    bench.ladder.publish(DiagnosticStatus(message="NOMINAL"))
    bench.until(lambda: command(0.8) or 0.8 in speeds(), "commands again")
    assert 0.7 not in speeds()


def test_health_is_told(bench):
    bench.until(lambda: "agent: link" in bench.diagnostics, "the agent's health")
    values = {pair.key: pair.value for pair in bench.diagnostics["agent: link"].values}
    assert {
        "rx",
        "tx",
        "bytes_rx",
        "bytes_tx",
        "crc_errors",
        "retransmits",
        "queue_depth",
        "sessions",
    } <= set(values)
    assert {"p50", "p99", "count", "budget"} <= set(values)


def test_a_line_that_comes_back_elsewhere_under_its_name(bench):
    """The cable goes in mid-run and the same name leads to another device; the board greets with its old key."""
    publisher = bench.node.create_publisher(Int32, "/heard", qos_profile_sensor_data)
    bench.line.hang_up()
    bench.line = PtyEnd(bench.link)
    bench.connect()
    bench.build()
    assert set(bench.board.statuses.values()) == {xrce.OK_MATCHED}, "its objects were kept"
    bench.until(lambda: publisher.publish(Int32(data=7)) or bench.heard(1), "a sample after the return")
    bench.node.destroy_publisher(publisher)


def test_a_name_that_is_turned_to_another_device_while_the_old_one_lives(bench):
    old = bench.line
    bench.line = PtyEnd(bench.link)
    bench.connect()
    old.hang_up()
    bench.build()


def test_a_board_of_another_contract_is_named(bench):
    bench.connect({"takt_contract": "0" * 8})
    bench.until(
        lambda: (
            (status := bench.diagnostics.get("agent: contract")) and status.level == DiagnosticStatus.ERROR
        ),
        "the diagnostic",
    )
    status = bench.diagnostics["agent: contract"]
    values = {pair.key: pair.value for pair in status.values}
    assert "takt.contract.mismatch" in status.message and "topics" in values["sections"] and values["fix"]


def test_ctrl_c_ends_it_in_order(bench):
    bench.agent.send_signal(signal.SIGINT)
    assert bench.agent.wait(timeout=DEADLINE_S) == 0


def test_boards_are_set_by_simulated_time_where_ros_runs_on_it(tmp_path):
    bench = Bench(tmp_path, "--ros-args", "-p", "use_sim_time:=true")
    try:
        bench.connect()
        publisher = bench.node.create_publisher(Clock, "/clock", qos_profile_sensor_data)
        now = Clock()
        now.clock.sec = 1234

        def seconds_told() -> int:
            bench.board.heard.clear()
            publisher.publish(now)
            bench.board.send(xrce.build_submessage(xrce.TIMESTAMP, bytes(8)))
            bench.step()
            replies = [part.payload for part in bench.board.heard if part.kind == xrce.TIMESTAMP_REPLY]
            return int.from_bytes(replies[-1][:4], "little") if replies else 0

        bench.until(lambda: seconds_told() == 1234, "simulated time on the line")
    finally:
        bench.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dev", "/dev/no-such-port"], ["/dev/no-such-port does not exist", "--wait"]),
        (["--dev", "/dev/null"], ["/dev/null", "serial port"]),
        (["--dev", "/dev/null", "--baud", "-1"], ["--baud -1"]),
        (["--dev", "/dev/null", "--refs", "/no/such.xml"], ["/no/such.xml"]),
    ],
)
def test_bad_input_is_one_line_with_the_fix(arguments, words):
    done = subprocess.run(
        agent_command(*arguments), env=environment(), capture_output=True, text=True, timeout=300, check=False
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and len(errors) == 1, done.stderr
    assert all(word in errors[0] for word in [*words, "Fix: "])
    assert "Traceback" not in done.stderr
