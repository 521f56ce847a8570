"""The reliable streams over lines that drop, double and flip."""

from __future__ import annotations

import ctypes
import struct

import pytest
from client_under_test import (
    Client,
)
from scripted_agent import (
    ARM,
    DIAGNOSTICS,
    IDENTITY,
    RELIABLE,
    Line,
    World,
    data,
    numbered,
)
from serial_frames import Unframer, frame, split


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "faults", [{"drop": 0.1}, {"double": 0.2}, {"flip": 0.1}, {"drop": 0.1, "double": 0.1, "flip": 0.1}]
)
def test_reliable_samples_arrive_once_and_in_order(
    library: ctypes.CDLL, faults: dict[str, float], seed: int
) -> None:
    world = World(Client(library), up=Line(seed=seed, **faults), down=Line(seed=seed + 100, **faults))
    world.client.service = lambda service, request, capacity: request[::-1]
    world.complete(limit_ms=5000)
    session = world.client.stats.reconnects
    requests = numbered(60)
    samples = numbered(200, 100)
    for request in requests:
        world.agent.send_reliable(data(ARM, 8, IDENTITY + request))
    sent = 0
    for _ in range(20000):
        if sent < len(samples) and world.client.publish(DIAGNOSTICS, samples[sent], world.now_ns):
            sent += 1
        world.step()
        if sent == len(samples) and not world.agent.unconfirmed and len(world.agent.writes) == 260:
            break
    assert world.client.stats.reconnects == session
    assert [request for _, request in world.client.requests] == requests
    of_topic = [sample for _, target, sample in world.agent.writes if target == DIAGNOSTICS << 4 | 5]
    replies = [sample for _, target, sample in world.agent.writes if target == ARM << 4 | 8]
    assert of_topic == samples
    assert replies == [IDENTITY + request[::-1] for request in requests]


def test_only_what_is_marked_missing_is_sent_again(world: World) -> None:
    world.complete()
    before = world.client.stats.retransmits
    samples = numbered(3)
    world.client.publish(DIAGNOSTICS, samples[0], world.now_ns)
    world.client.take_sent()  # the line swallows the first
    world.client.publish(DIAGNOSTICS, samples[1], world.now_ns)
    world.client.publish(DIAGNOSTICS, samples[2], world.now_ns)
    world.run_for(1)
    resent = [m for m in Unframer().take(bytes(world.client.sent)) if m[1] == RELIABLE]
    assert all(samples[0] in m for m in resent) and resent
    world.run_for(5)
    assert [sample for _, _, sample in world.agent.writes] == samples
    assert world.client.stats.retransmits - before == len(resent)


def test_the_last_message_of_all_is_recovered_by_the_heartbeat(world: World) -> None:
    """With nothing behind it no gap shows; only the timer can tell the agent."""
    world.complete()
    world.client.publish(DIAGNOSTICS, b"last", world.now_ns)
    world.client.take_sent()
    took_ms = world.run_until(lambda: bool(world.agent.writes), limit_ms=100)
    assert 45 <= took_ms <= 60


def test_sequence_numbers_wrap_on_a_bad_line(library: ctypes.CDLL) -> None:
    """Both directions over 65535 -> 0; the agent's heartbeats take the client close to it."""
    world = World(Client(library))
    world.complete()
    world.run_for(5)
    for first in (20000, 40000, 60000, 65530):
        world.agent.send_control(11, struct.pack("<HHB", first, first - 1, RELIABLE))
    world.run_for(3)
    world.agent.next_sequence = 65530
    world.client.set_sequence(65530)
    world.agent.expected = 65530
    world.up.drop = world.down.drop = world.up.double = world.down.double = 0.2
    for i in range(20):
        world.agent.send_reliable(data(ARM, 8, IDENTITY + bytes([i])))
    world.run_until(lambda: len(world.agent.writes) == 20, limit_ms=20000)
    assert [request[0] for _, request in world.client.requests] == list(range(20))
    assert [reply[-1] for _, _, reply in world.agent.writes] == list(range(20))


def test_heartbeat_skips_what_the_agent_no_longer_has(world: World) -> None:
    world.complete()
    world.run_for(5)
    agent = world.agent
    for i in range(3):
        agent.send_reliable(data(ARM, 8, IDENTITY + bytes([i])))
    agent.out = bytearray()
    agent.unconfirmed.pop(next(iter(agent.unconfirmed)))
    world.run_for(250)
    assert [request for _, request in world.client.requests] == [bytes([1]), bytes([2])]


def test_a_gap_before_a_burst_is_asked_for_once(world: World) -> None:
    """What comes early is dropped and asked for again, but not anew with every message of the burst."""
    world.complete()
    world.run_for(5)
    for i in range(16):
        world.agent.send_reliable(data(ARM, 8, IDENTITY + bytes([i])))
    world.agent.out = bytearray(b"".join(split(bytes(world.agent.out))[1:]))
    before = world.client.stats.rx
    world.run_until(lambda: len(world.client.requests) == 16, limit_ms=20)
    assert [request[0] for _, request in world.client.requests] == list(range(16))
    confirmations = 16
    assert world.client.stats.rx - before <= 15 + 16 + confirmations


class ReliableLost(Line):
    """Carries everything but the reliable messages."""

    def carry(self, line: bytes) -> bytes:
        return b"".join(frame(payload, 1, 0) for payload in Unframer().take(line) if payload[1] != RELIABLE)


def test_agent_that_keeps_asking_is_not_given_up(world: World) -> None:
    """Three seconds in which heartbeats and their answers get through and the data does not."""
    world.complete()
    world.run_for(5)
    line, world.up = world.up, ReliableLost()
    assert world.client.publish(DIAGNOSTICS, b"sure", world.now_ns)
    world.run_for(3000)
    assert world.agent.writes == []
    world.up = line
    world.run_for(60)
    assert [sample for _, _, sample in world.agent.writes] == [b"sure"]
    assert world.client.stats.reconnects == 0
