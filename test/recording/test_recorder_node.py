"""The recorder among real publishers: what they say is in the file, and SAFE and a burst of misses have it written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import TwistStamped
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

import takt.contract
from takt.deadlines import Miss
from takt.nodes.recorder import RecorderNode

LIMIT_S = 200.0
AGAIN_S = 5.0
LATEST = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class Robot:
    """A recorder, and a node that says what supervisor, planner and board say."""

    def __init__(self, folder: Path, **parameters: Any) -> None:
        self.folder = folder
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        given = [
            Parameter(name, value=value) for name, value in {"folder": str(folder), **parameters}.items()
        ]
        self.recorder = RecorderNode(context=self.context, parameter_overrides=given)
        self.node = Node("robot", context=self.context)
        self.ladder = self.node.create_publisher(DiagnosticStatus, "ladder", LATEST)
        self.misses = self.node.create_publisher(String, "takt/misses", 100)
        self.commands = self.node.create_publisher(TwistStamped, "cmd_vel", NEWEST)
        self.diagnostics = self.node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        publishers = (self.ladder, self.misses, self.commands, self.diagnostics)
        self.until(lambda: all(one.get_subscription_count() > 0 for one in publishers))

    def until(self, true: Callable[[], Any], again: Callable[[], Any] = lambda: None) -> None:
        """Take turns until it is true; what may have been lost, or came apart on a busy computer, is said again."""
        end_s = time.monotonic() + LIMIT_S
        again_s = time.monotonic() + AGAIN_S
        while not true():
            assert time.monotonic() < end_s
            if time.monotonic() > again_s:
                again()
                again_s = time.monotonic() + AGAIN_S
            self.recorder.turn(time.monotonic_ns())
            time.sleep(0.01)

    def say(self, publisher: Any, message: Any) -> None:
        """Publish, and wait until something was heard: of a topic that keeps one, the next would take its place."""
        taken = self.recorder.taken
        publisher.publish(message)
        self.until(lambda: self.recorder.taken > taken, lambda: publisher.publish(message))

    def say_rung(self, rung: str, reason: str = "") -> None:
        values = [KeyValue(key="reason", value=reason)]
        self.say(self.ladder, DiagnosticStatus(message=rung, values=values))

    def close(self) -> None:
        self.recorder.destroy_node()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def start(tmp_path, monkeypatch) -> Iterator[Callable[..., Robot]]:
    monkeypatch.setattr("takt.nodes.recorder._END_S", LIMIT_S)  # what a disk may take is not the matter here
    robots: list[Robot] = []

    def make(**parameters: Any) -> Robot:
        robots.append(Robot(tmp_path / "recordings", **parameters))
        return robots[-1]

    yield make
    for robot in robots:
        robot.close()


def read(path: Path) -> tuple[dict[str, list[Any]], dict[str, dict[str, str]]]:
    """Topic -> messages, and the metadata."""
    messages: dict[str, list[Any]] = {}
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        for _, channel, raw, decoded in reader.iter_decoded_messages():
            messages.setdefault(channel.topic, []).append(decoded)
            assert 0 <= raw.log_time - raw.publish_time < LIMIT_S * 1e9
            assert abs(time.time_ns() - raw.log_time) < 10 * LIMIT_S * 1e9
        return messages, {one.name: one.metadata for one in reader.iter_metadata()}


def test_a_step_into_safe_is_written_with_what_led_to_it(start):
    robot = start()
    robot.say_rung("NOMINAL")
    for number in range(20):
        command = TwistStamped()
        command.twist.linear.x = float(number)
        robot.say(robot.commands, command)
    robot.say_rung("SAFE", "link")
    robot.until(lambda: list(robot.folder.glob("box-*-safe.mcap.part")))
    assert robot.recorder.close()
    (path,) = robot.folder.iterdir()
    messages, metadata = read(path)
    rungs = [one.message for one in messages["/ladder"]]
    assert list(dict.fromkeys(rungs)) == ["NOMINAL", "SAFE"] and rungs[-1] == "SAFE"
    speeds = [one.twist.linear.x for one in messages["/cmd_vel"]]
    assert len(speeds) >= 10 and speeds == sorted(speeds)  # best effort: some may be lost, none is reordered
    assert metadata["takt"]["cause"] == "host SAFE: link"
    assert metadata["takt_end"]["ended"] == "the recorder ended"


def test_the_board_on_safe_and_a_burst_of_misses_are_causes_too(start, rules):
    robot = start()

    def board(rung: str) -> None:
        values = [KeyValue(key="rung", value=rung), KeyValue(key="reason", value="k_misses")]
        one = DiagnosticStatus(name="base: safety", hardware_id="base", values=values)
        robot.diagnostics.publish(DiagnosticArray(status=[one]))

    def burst() -> None:
        for number in range(rules.burst_misses):
            miss = Miss("planner", time.monotonic_ns(), number + 1, "plan", 1, 0, 1, "gc_pause")
            robot.misses.publish(String(data=miss.to_json()))
        robot.misses.publish(String(data="no JSON"))

    board("NOMINAL")
    burst()
    robot.until(lambda: list(robot.folder.glob("box-*-misses.mcap.part")), again=burst)
    before = robot.recorder.causes_told
    board("SAFE")
    robot.until(lambda: robot.recorder.causes_told > before)
    assert robot.recorder.close()
    (path,) = robot.folder.iterdir()
    messages, metadata = read(path)
    assert len(messages["/takt/misses"]) >= rules.burst_misses + 1
    causes = json.loads(metadata["takt_end"]["causes"])
    assert causes[0].startswith("5 misses in 1000 ms: planner") and causes[-1] == "board SAFE: k_misses"


def test_a_whole_run_is_recorded_from_the_first_message(start):
    robot = start(whole_run=True, black_box=False)
    robot.say_rung("NOMINAL")
    robot.say_rung("SAFE", "stop")
    robot.until(lambda: robot.recorder.taken >= 2)
    assert robot.recorder.close()
    (path,) = robot.folder.iterdir()
    messages, metadata = read(path)
    assert path.name.startswith("run-") and metadata["takt"]["kind"] == "run"
    assert [one.message for one in messages["/ladder"]][-1] == "SAFE"
    with path.open("rb") as file:
        (contract,) = make_reader(file).iter_attachments()
    assert b"schema_version: 1" in contract.data


def test_it_takes_fewer_turns_while_the_supervisor_asks_for_relief(start):
    """Said before the recorder came, too: the topic is latched."""
    robot = start()
    work = takt.contract.load().soft_work["recording"]
    relief = robot.node.create_publisher(String, "takt/relief", LATEST)
    assert robot.recorder.turns_hz == work.rate_hz
    relief.publish(String(data=json.dumps({"slowed": ["recording", "image"]})))
    robot.until(lambda: robot.recorder.turns_hz == work.slowed_hz)
    relief.publish(String(data="rubbish"))
    relief.publish(String(data=json.dumps({"slowed": []})))
    robot.until(lambda: robot.recorder.turns_hz == work.rate_hz)
