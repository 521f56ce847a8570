"""Samples of a robot that talks, as CDR that the real message packages made."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String

import takt.contract
from takt.contract import Recording
from takt.recording.channels import Channel, channels_of
from takt.recording.sample import Sample

SECOND_NS = 1_000_000_000
START_NS = 1_780_000_000 * SECOND_NS


@pytest.fixture(scope="session")
def rules() -> Recording:
    return takt.contract.load().recording


@pytest.fixture(scope="session")
def small(rules) -> Recording:
    """Bounds that a test reaches."""
    return dataclasses.replace(rules, keep_s=10, after_s=2, memory_mib=1, file_mib=1, files=3)


@pytest.fixture(scope="session")
def channels() -> dict[str, Channel]:
    return {channel.topic: channel for channel in channels_of(takt.contract.load())}


def joints(number: int) -> JointState:
    message = JointState(name=["left_wheel_joint", "right_wheel_joint"])
    now_ns = START_NS + number * 10_000_000
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(now_ns, SECOND_NS)
    message.position = [0.1 * number, -0.1 * number]
    message.velocity = [1.0, -1.0]
    return message


def loop_status(number: int) -> DiagnosticArray:
    values = [KeyValue(key="cycles", value=str(number))]
    status = DiagnosticStatus(name="base: loop", hardware_id="base", message="", values=values)
    return DiagnosticArray(status=[status])


def sample(topic: str, message: object, number: int) -> Sample:
    log_ns = START_NS + number * 10_000_000
    return Sample(topic, log_ns, log_ns - 150_000, serialize_message(message))


@pytest.fixture(scope="session")
def talk() -> Callable[[int, int], list[Sample]]:
    """``talk(first, count)``: so many cycles of 10 ms with joints each, a status and a miss every tenth."""

    def made(first: int, count: int) -> list[Sample]:
        samples = []
        for number in range(first, first + count):
            samples.append(sample("joint_states", joints(number), number))
            if number % 10 == 0:
                samples.append(sample("/diagnostics", loop_status(number), number))
                text = json.dumps({"source": "planner", "sequence": number // 10 + 1})
                samples.append(sample("takt/misses", String(data=text), number))
        return samples

    return made
