"""What the recorder listens to, and which of it is a cause to write."""

from __future__ import annotations

import importlib
import json
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from std_msgs.msg import String

from takt.contract import Contract
from takt.deadlines import Miss
from takt.deadlines.miss import BOARD, BOARD_CAUSES
from takt.nodes.detection_topic import vision_messages
from takt.recording.channels import LADDER_TOPIC, PICTURE_TOPIC, Channel, channels_of
from takt.recording.sample import Sample
from takt.recording.trigger import Trigger

_KIND = "recording"  # of soft work, in the contract and in what the supervisor says of relief
_BOARD_SAFETY = b"base: safety"
_MOST_A_TURN = 5000  # from one topic, so that a flood cannot hold a turn for ever


class Ears:
    """Raw subscriptions that nobody dispatches. ``channels`` holds those that could be made."""

    def __init__(self, node: Node, contract: Contract) -> None:
        self._work = contract.soft_work[_KIND]
        self._relief_topic = contract.host_topics["relief"].ros_name
        self.turns_hz = float(self._work.rate_hz)
        self.channels: dict[str, Channel] = {}
        self._ends: list[tuple[str, Any, Any]] = []
        for channel in channels_of(contract):
            known = _with_installed_type(channel)
            if known is None:
                node.get_logger().warning(f"{channel.topic} is not recorded: {channel.type} is not installed")
                continue
            self.channels[known.topic] = known
            if known.topic == PICTURE_TOPIC:
                continue  # read off the ring; a listener would have the camera make thirty a second
            end = node.create_subscription(
                message_class(known.type), known.topic, _ignore, _qos(known), raw=True
            )
            self._ends.append((known.topic, end, message_class(known.type)))

    def take_all(self) -> list[Sample]:
        """Everything that waits, topic by topic in order of arrival, sorted by the time of arrival."""
        samples: list[Sample] = []
        for topic, end, kind in self._ends:
            with end.handle:
                for _ in range(_MOST_A_TURN):
                    taken = end.handle.take_message(kind, True)
                    if taken is None:
                        break
                    data, info = taken
                    samples.append(
                        Sample(topic, info["received_timestamp"], info["source_timestamp"], bytes(data))
                    )
        samples.sort(key=lambda sample: sample.log_ns)
        for sample in samples:
            if sample.topic == self._relief_topic:
                self._hear_relief(sample.data)
        return samples

    def _hear_relief(self, data: bytes) -> None:
        """The supervisor slows soft work when critical stages run late; fewer turns are cheaper ones."""
        try:
            slowed = json.loads(deserialize_message(data, String).data).get("slowed", [])
        except (ValueError, AttributeError):
            return
        work = self._work
        self.turns_hz = max(work.slowed_hz, 0.5) if _KIND in slowed else float(work.rate_hz)


class Causes:
    """Finds in what was taken the reasons to write, by the contract's rule."""

    def __init__(self, contract: Contract) -> None:
        self._trigger = Trigger(contract.recording)
        self._misses_topic = contract.host_topics["misses"].ros_name
        self._board_topic = contract.topics["deadline_misses"].ros_name

    def of(self, sample: Sample, steady_ns: int) -> list[str]:
        """Each is a text for people."""
        if sample.topic == LADDER_TOPIC:
            ladder = deserialize_message(sample.data, DiagnosticStatus)
            return self._rung("host", ladder.message, _values(ladder))
        if sample.topic == self._misses_topic:
            return self._miss(sample.data, steady_ns)
        if sample.topic == self._board_topic:
            return self._board_misses(sample.data, steady_ns)
        if sample.topic == "/diagnostics" and _BOARD_SAFETY in sample.data:
            statuses = deserialize_message(sample.data, DiagnosticArray).status
            told = [_values(one) for one in statuses if one.name.encode() == _BOARD_SAFETY]
            return [cause for values in told for cause in self._rung("board", values.get("rung", ""), values)]
        return []

    def _rung(self, computer: str, rung: str, values: dict[str, str]) -> list[str]:
        cause = self._trigger.hear_rung(computer, rung, values.get("reason", ""))
        return [cause] if cause else []

    def _miss(self, data: bytes, steady_ns: int) -> list[str]:
        try:
            miss = Miss.from_json(deserialize_message(data, String).data)
        except ValueError:
            return []  # anybody may publish; what is no miss is none
        count = int(miss.evidence.get("misses", 1))
        cause = self._trigger.hear_miss(miss.identity, steady_ns, count)
        return [cause] if cause else []

    def _board_misses(self, data: bytes, steady_ns: int) -> list[str]:
        causes = []
        for one in deserialize_message(data, DiagnosticArray).status:
            record = _values(one)
            try:
                identity = (BOARD, int(record["boot"]), int(record["sequence"]))
                count = sum(int(record.get(cause, 0)) for cause in BOARD_CAUSES) or 1
            except (ValueError, KeyError):
                continue
            causes.append(self._trigger.hear_miss(identity, steady_ns, count))
        return [cause for cause in causes if cause]


def message_class(ros_type: str) -> Any:
    """The class of ``std_msgs/msg/String``. Raises ImportError or AttributeError where it is not installed."""
    package, kind, name = ros_type.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), name)


def _with_installed_type(channel: Channel) -> Channel | None:
    if channel.topic == "detections" and vision_messages() is not None:
        channel = Channel(channel.topic, "vision_msgs/msg/Detection2DArray", channel.reliable, channel.depth)
    try:
        message_class(channel.type)
    except (ImportError, AttributeError):
        return None
    return channel


def _qos(channel: Channel) -> QoSProfile:
    return QoSProfile(
        depth=channel.depth,
        reliability=ReliabilityPolicy.RELIABLE if channel.reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if channel.latched else DurabilityPolicy.VOLATILE,
    )


def _values(status: DiagnosticStatus) -> dict[str, str]:
    return {pair.key: pair.value for pair in status.values}


def _ignore(_message: bytes) -> None:
    raise AssertionError("nobody dispatches the recorder's subscriptions")
