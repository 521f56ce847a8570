"""The firmware's client against the project's own agent core, in virtual time, over good and bad lines."""

from __future__ import annotations

import ctypes
import struct

import pytest
from client_under_test import CONNECTED, Client
from scripted_agent import ARM, CMD_VEL, DIAGNOSTICS, JOINT_STATES, MS, Line, numbered

from takt.link.agent import AgentCore
from takt.link.ros_port import MemoryRos

ROS_START_NS = 1_700_000_000_000_000_000


class Pair:
    """Client and agent core; a step is one millisecond."""

    def __init__(self, library: ctypes.CDLL, **faults: float) -> None:
        self.ros = MemoryRos()
        self.client = Client(library)
        self.core = AgentCore(self.ros)
        self.up, self.down = Line(seed=3, **faults), Line(seed=4, **faults)
        self.now_ns = MS

    def restart_agent(self) -> None:
        self.core.close()
        self.core = AgentCore(self.ros)

    def step(self) -> None:
        self.ros.clock_ns = ROS_START_NS + self.now_ns
        self.client.run(self.now_ns)
        self.core.receive(self.up.carry(self.client.take_sent()), self.now_ns)
        self.core.run(self.now_ns)
        line = self.core.transmit()
        self.now_ns += MS
        self.client.receive(self.down.carry(line), self.now_ns)

    def connect(self, limit_ms: int = 300) -> int:
        for elapsed_ms in range(limit_ms):
            if self.client.complete:
                return elapsed_ms
            self.step()
        raise AssertionError(f"not connected within {limit_ms} ms")

    def run_for(self, milliseconds: int) -> None:
        for _ in range(milliseconds):
            self.step()


def test_all_entities_come_to_be_under_the_board_s_node(library: ctypes.CDLL) -> None:
    pair = Pair(library)
    pair.connect()
    (node,) = pair.ros.nodes
    assert (node.name, node.domain, len(node.ends)) == ("base", 77, 14)
    assert pair.client.stats.create_errors == 0


def test_samples_requests_and_time_both_ways(library: ctypes.CDLL) -> None:
    pair = Pair(library)
    pair.connect()
    pair.run_for(500)
    assert pair.client.publish(JOINT_STATES, b"joints..", pair.now_ns)
    assert pair.client.publish(DIAGNOSTICS, b"health..", pair.now_ns)
    assert pair.ros.deliver("rt/cmd_vel", b"go!!") == 1
    assert pair.ros.request("/base/arm", bytes(range(24)), b"\x01\0\0\0") == 1
    pair.run_for(10)
    assert pair.ros.published("rt/joint_states") == [b"joints.."]
    assert pair.ros.published("rt/diagnostics") == [b"health.."]
    assert pair.client.samples == [(CMD_VEL, b"go!!")]
    assert pair.client.requests == [(ARM, b"\x01\0\0\0")]
    assert [data[:24] for what, _, data in pair.ros.log if what == "reply"] == [bytes(range(24))]
    clock = pair.client.clock
    error_ns = clock.ros_ns(pair.now_ns) - (ROS_START_NS + pair.now_ns)
    assert clock.locked(pair.now_ns) and abs(error_ns) <= clock.bound_ns(pair.now_ns) <= 2 * MS


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_reliable_is_exact_both_ways_on_a_bad_line(library: ctypes.CDLL, rate: float) -> None:
    pair = Pair(library, drop=rate, double=rate, flip=rate)
    pair.connect(limit_ms=5000)
    samples = numbered(400, 100)
    sent = 0
    for step in range(60_000):
        if step % 100 == 0 and step < 8000:
            pair.ros.request("/base/arm", bytes(24), struct.pack("<I", step // 100))
        if sent < 400 and pair.client.publish(DIAGNOSTICS, samples[sent], pair.now_ns):
            sent += 1
        pair.step()
        if (
            step > 8000
            and len(pair.client.requests) == 80
            and len(pair.ros.published("rt/diagnostics")) == 400
        ):
            break
    pair.run_for(1000)
    assert pair.client.stats.reconnects == 0
    assert pair.ros.published("rt/diagnostics") == samples
    assert [request for _, request in pair.client.requests] == [struct.pack("<I", i) for i in range(80)]
    assert len([1 for what, _, _ in pair.ros.log if what == "reply"]) == 80


def test_agent_restart_and_cable_cut_are_healed_and_leave_one_node(library: ctypes.CDLL) -> None:
    pair = Pair(library)
    pair.connect()
    for _ in range(10):
        pair.run_for(300)
        pair.restart_agent()
        pair.run_for(400)
        assert pair.client.state == CONNECTED
        pair.up.cut = pair.down.cut = True
        pair.run_for(777)
        pair.up.cut = pair.down.cut = False
        pair.connect(limit_ms=300)
        pair.client.samples.clear()
        pair.ros.deliver("rt/cmd_vel", b"go!!")
        pair.run_for(5)
        assert pair.client.samples == [(CMD_VEL, b"go!!")]
    assert len(pair.ros.nodes) == 1 and len(pair.ros.nodes[0].ends) == 14


def test_board_reset_with_the_same_and_with_another_key(library: ctypes.CDLL) -> None:
    pair = Pair(library)
    pair.connect()
    for key in (0x11223344, 0x55667788):
        pair.run_for(100)
        pair.client = Client(library, key=key, now_ns=pair.now_ns)
        pair.connect(limit_ms=300)
        assert len(pair.ros.nodes) == 1 and len(pair.ros.nodes[0].ends) == 14
