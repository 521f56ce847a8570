"""Samples and services over a bad line, and the way back after every kind of loss."""

from __future__ import annotations

import ctypes
import json
import struct
from pathlib import Path

import pytest

from client_under_test import (
    CONNECTED,
    CREATING,
    DISCONNECTED,
    LOSS_RESTARTED,
    LOSS_SILENCE,
    LOSS_STEP,
    LOSS_TIMEOUT,
    LOSS_UNCONFIRMED,
    Client,
)
from scripted_agent import MS, RELIABLE, Line, ScriptedAgent, World, message, submessage
from serial_frames import Unframer, frame

CMD_VEL, JOINT_STATES, APPLIED, DIAGNOSTICS, MISSES, LEDGER_ACK = range(6)
ARM, CLEAR_FAULT = range(2)
IDENTITY = bytes(range(24))


def data(object_number: int, kind: int, sample: bytes) -> bytes:
    return submessage(9, struct.pack(">HH", 20, object_number << 4 | kind) + sample)


def numbered(count: int, size: int = 40) -> list[bytes]:
    return [struct.pack("<I", i) * (size // 4) for i in range(count)]


# ---- samples ----------------------------------------------------------------------------------------------------


def test_samples_go_out_on_the_streams_of_the_contract(world: World) -> None:
    world.connect()
    assert world.client.publish(JOINT_STATES, b"fast", world.now_ns)
    assert world.client.publish(DIAGNOSTICS, b"sure", world.now_ns)
    world.run_for(3)
    assert world.agent.writes == [(1, JOINT_STATES << 4 | 5, b"fast"), (RELIABLE, DIAGNOSTICS << 4 | 5, b"sure")]


def test_what_cannot_be_published_is_refused_and_counted(world: World) -> None:
    client = world.client
    assert not client.publish(JOINT_STATES, b"early", world.now_ns)
    world.connect()
    assert not client.publish(CMD_VEL, b"not ours", world.now_ns)
    assert not client.publish(99, b"no topic", world.now_ns)
    assert not client.publish(DIAGNOSTICS, bytes(497), world.now_ns)
    assert client.publish(DIAGNOSTICS, bytes(496), world.now_ns)
    assert client.stats.refused == 4


def test_samples_come_in_with_their_trailing_bytes(world: World) -> None:
    world.connect()
    world.agent.send_best_effort(data(CMD_VEL, 6, b"go"))
    world.agent.send_best_effort(data(LEDGER_ACK, 6, bytes(8)) + data(CMD_VEL, 6, b"more\0\0\0"))
    world.run_for(2)
    assert world.client.samples == [(CMD_VEL, b"go"), (LEDGER_ACK, bytes(8)), (CMD_VEL, b"more\0\0\0")]


def test_late_and_doubled_best_effort_samples_are_dropped(world: World) -> None:
    world.connect()
    for sequence in (5, 5, 4, 6, 65000):
        world.agent.out += frame(message(1, sequence, data(CMD_VEL, 6, bytes([sequence & 255]))))
    world.run_for(2)
    assert [sample[0] for _, sample in world.client.samples] == [5, 6]
    assert world.client.stats.duplicates == 3


def test_a_best_effort_stream_that_counts_anew_is_believed_after_a_few(world: World) -> None:
    """One wrong number that got past the CRC must not silence the commands for thousands of messages."""
    world.connect()
    for sequence in (0, 30000, 1, 2, 3, 4, 5):
        world.agent.out += frame(message(1, sequence, data(CMD_VEL, 6, bytes([sequence & 255]))))
    world.run_for(2)
    assert [sample[0] for _, sample in world.client.samples] == [0, 30000 & 255, 4, 5]


def test_late_sample_on_stream_none_after_a_cancel_is_taken(world: World) -> None:
    world.connect()
    world.agent.out += frame(message(0, 0, data(CMD_VEL, 6, b"last")))
    world.run_for(2)
    assert world.client.samples == [(CMD_VEL, b"last")]


def test_a_full_line_drops_best_effort_samples_whole_and_counts_them(world: World) -> None:
    """The line takes 10 bytes a time: every frame that comes out is whole, and none is torn by a later one."""
    world.connect()
    client = world.client
    client.line_room = 10
    taken = [client.publish(JOINT_STATES, bytes([i]) * 150, world.now_ns) for i in range(20)]
    assert 1 <= sum(taken) <= 4
    assert client.stats.dropped == 20 - sum(taken)
    for _ in range(200):
        client.line_room = 7
        world.step()
    client.line_room = None
    world.run_for(5)
    assert [sample for _, _, sample in world.agent.writes] == [bytes([i]) * 150 for i in range(20) if taken[i]]
    assert world.agent.unframer.bad == 0


def test_reliable_history_refuses_what_it_cannot_hold(world: World) -> None:
    world.connect()
    world.up.cut = True
    taken = [world.client.publish(DIAGNOSTICS, sample, world.now_ns) for sample in numbered(6, 480)]
    assert taken == [True] * 4 + [False] * 2
    assert not world.client.has_room(480)
    world.up.cut = False
    world.run_until(lambda: world.client.has_room(480), limit_ms=120)
    assert [sample for _, _, sample in world.agent.writes] == numbered(4, 480)


# ---- loss, doubling, flips ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("faults", [{"drop": 0.1}, {"double": 0.2}, {"flip": 0.1}, {"drop": 0.1, "double": 0.1, "flip": 0.1}])
def test_reliable_samples_arrive_once_and_in_order(
    library: ctypes.CDLL, faults: dict[str, float], seed: int
) -> None:
    world = World(Client(library), up=Line(seed=seed, **faults), down=Line(seed=seed + 100, **faults))
    world.client.service = lambda service, request, capacity: request[::-1]
    world.connect(limit_ms=5000)
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
    world.connect()
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
    world.connect()
    world.client.publish(DIAGNOSTICS, b"last", world.now_ns)
    world.client.take_sent()
    took_ms = world.run_until(lambda: bool(world.agent.writes), limit_ms=100)
    assert 45 <= took_ms <= 60


def test_sequence_numbers_wrap_on_a_bad_line(library: ctypes.CDLL) -> None:
    """Both directions over 65535 -> 0; the agent's heartbeats take the client close to it."""
    world = World(Client(library))
    world.connect()
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
    world.connect()
    world.run_for(5)
    agent = world.agent
    for i in range(3):
        agent.send_reliable(data(ARM, 8, IDENTITY + bytes([i])))
    agent.out = bytearray()
    agent.unconfirmed.pop(next(iter(agent.unconfirmed)))
    world.run_for(250)
    assert [request for _, request in world.client.requests] == [bytes([1]), bytes([2])]


# ---- services and fragments --------------------------------------------------------------------------------------


def fragments(body: bytes, piece: int = 500) -> list[bytes]:
    pieces = [body[i : i + piece] for i in range(0, len(body), piece)]
    last = len(pieces) - 1
    return [submessage(13, content, 3 if i == last else 1) for i, content in enumerate(pieces)]


def test_a_fragmented_request_is_served_with_other_traffic_between(world: World) -> None:
    world.connect()
    world.client.service = lambda service, request, capacity: b"ok"
    request = bytes(range(256)) * 3
    first, last = fragments(data(ARM, 8, IDENTITY + request) + b"pad")
    world.agent.send_reliable(first)
    world.agent.send_best_effort(data(CMD_VEL, 6, bytes(480)))
    world.agent.send_reliable(last)
    world.run_for(5)
    assert world.client.requests == [(ARM, request)]
    assert world.client.samples == [(CMD_VEL, bytes(480))]


def test_too_large_a_fragmented_request_is_dropped_counted_and_the_stream_goes_on(world: World) -> None:
    world.connect()
    for part in fragments(data(ARM, 8, IDENTITY + bytes(4000))):
        world.agent.send_reliable(part)
    world.agent.send_reliable(data(CLEAR_FAULT, 8, IDENTITY + b"next"))
    world.run_for(20)
    assert world.client.requests == [(CLEAR_FAULT, b"next")]
    assert world.client.stats.oversized_samples == 1


def test_requests_wait_while_replies_cannot_be_held(world: World) -> None:
    """Nothing is lost when the history is full: the request is not confirmed and comes again."""
    world.connect()
    world.up.cut = True
    for sample in numbered(4, 480):
        world.client.publish(DIAGNOSTICS, sample, world.now_ns)
    world.agent.send_reliable(data(ARM, 8, IDENTITY + b"wait"))
    world.run_for(100)
    assert world.client.requests == []
    world.up.cut = False
    world.run_until(lambda: bool(world.client.requests), limit_ms=600)
    world.run_for(5)
    assert (RELIABLE, ARM << 4 | 8, IDENTITY + b"wait") in world.agent.writes


def test_a_service_that_gives_no_reply_or_too_large_a_one_sends_nothing(world: World) -> None:
    world.connect()
    world.client.service = lambda service, request, capacity: b""
    world.agent.send_reliable(data(ARM, 8, IDENTITY))
    world.run_for(5)
    assert world.agent.writes == [] and world.client.stats.refused == 1


def test_publishing_from_within_a_service_is_refused_when_reliable(world: World) -> None:
    world.connect()
    tried: list[bool] = []

    def serve(service: int, request: bytes, capacity: int) -> bytes:
        tried.append(world.client.publish(DIAGNOSTICS, b"x" * 40, world.now_ns))
        return b"reply"

    world.client.service = serve
    world.agent.send_reliable(data(ARM, 8, IDENTITY))
    world.run_for(5)
    assert tried == [False]
    assert [sample for _, _, sample in world.agent.writes] == [IDENTITY + b"reply"]


# ---- losing and finding the agent --------------------------------------------------------------------------------


def run_traffic(world: World, milliseconds: int) -> None:
    for _ in range(milliseconds):
        if world.now_ns // MS % 10 == 0:
            world.client.publish(JOINT_STATES, bytes(100), world.now_ns)
        world.step()


def test_restarted_agent_is_noticed_and_served_again(world: World) -> None:
    world.connect()
    run_traffic(world, 500)
    world.agent.forget()
    world.run_until(lambda: world.client.state != CONNECTED, limit_ms=560)
    assert world.client.stats.loss == LOSS_RESTARTED
    world.connect(limit_ms=100)
    assert world.client.stats.reconnects == 1


def test_restarted_agent_that_answers_no_ping_of_a_stranger_is_noticed(library: ctypes.CDLL) -> None:
    world = World(Client(library), ScriptedAgent(answers_pings=False))
    world.connect()
    world.run_for(500)
    world.agent.forget()
    world.run_until(lambda: world.client.stats.reconnects == 1, limit_ms=720)
    assert world.client.stats.loss == LOSS_SILENCE


@pytest.mark.parametrize("cut_ms", [50, 240, 400, 600, 1100, 5003])
def test_cable_cut_and_whole_again(world: World, cut_ms: int) -> None:
    world.connect()
    run_traffic(world, 300)
    world.up.cut = world.down.cut = True
    run_traffic(world, cut_ms)
    world.up.cut = world.down.cut = False
    seen = len(world.agent.writes)
    agent = world.agent
    run_until = world.run_until(
        lambda: world.client.state == CONNECTED
        and (world.client.publish(JOINT_STATES, b"back", world.now_ns) or True)
        and len(agent.writes) > seen,
        limit_ms=300,
    )
    assert run_until <= 300
    assert (world.client.stats.reconnects > 0) == (cut_ms >= 500)


@pytest.mark.parametrize("cut_ms", range(1, 12))
def test_agent_dies_and_returns_at_any_moment_of_the_creation(library: ctypes.CDLL, cut_ms: int) -> None:
    world = World(Client(library))
    world.run_for(cut_ms)
    world.agent.forget()
    world.run_for(3)
    world.agent.forget()
    world.connect(limit_ms=900)
    creates = [c for c in world.agent.creates if c[4] == 1]
    assert len({c[10:12] for c in creates}) == 1 + 6 * 3 + 2


def test_ten_seconds_of_noise(world: World) -> None:
    import random

    rng = random.Random(7)
    world.connect()
    for _ in range(10_000):
        world.client.run(world.now_ns)
        world.client.take_sent()
        world.now_ns += MS
        world.client.receive(rng.randbytes(92), world.now_ns)
    world.connect(limit_ms=300)


def test_messages_of_an_older_session_do_no_harm(world: World) -> None:
    """They arrive while the client logs in, and behind the answer."""
    world.connect()
    world.run_for(50)
    old = [
        frame(message(RELIABLE, 3, data(ARM, 8, IDENTITY + b"old"))),
        frame(message(RELIABLE, 0, submessage(5, b"\x00\x55\x00\x01\x80\x00"))),
        frame(message(1, 900, data(CMD_VEL, 6, b"old"))),
        frame(message(0, 0, submessage(10, b"\x40\x00\xff\xff\x80"))),
        frame(message(0, 0, submessage(4, b"\x00\x00XRCE\x01\x00\x01\x0f\x00"))),
    ]
    for line in old:
        world.agent.forget()
        world.client.receive(line, world.now_ns)
        world.run_until(lambda: world.client.state != CONNECTED, limit_ms=600)
        world.client.receive(b"".join(old), world.now_ns)
        world.connect(limit_ms=300)
        world.client.receive(line, world.now_ns)
        world.run_for(700)
        assert world.client.state == CONNECTED


def test_agent_whose_stream_starts_anew_behind_the_clients_back(world: World) -> None:
    """The agent saw a repeated login: it counts from 0 and the client would drop all it says as repeated."""
    world.connect()
    world.agent.restart_streams()
    world.agent.expected = len(world.agent.creates)
    world.agent.send_reliable(data(ARM, 8, IDENTITY + b"after"))
    world.run_until(lambda: world.client.stats.reconnects == 1, limit_ms=1000)
    assert world.client.stats.loss == LOSS_STEP


def test_agent_that_talks_but_never_confirms(world: World) -> None:
    world.connect()
    world.client.publish(DIAGNOSTICS, b"lost", world.now_ns)
    world.client.take_sent()
    world.agent._confirm = lambda newest: None  # type: ignore[method-assign]
    world.run_until(lambda: world.client.state != CONNECTED, limit_ms=1300)
    assert world.client.stats.loss == LOSS_UNCONFIRMED


def test_agent_that_confirms_but_never_answers_a_creation(world: World) -> None:
    world.agent._create = lambda content: None  # type: ignore[method-assign]
    world.run_until(lambda: world.client.state == CREATING, limit_ms=50)
    world.run_until(lambda: world.client.state != CREATING, limit_ms=3100)
    assert world.client.stats.loss == LOSS_TIMEOUT


def test_silence_shows_as_disconnected_and_ping_keeps_a_quiet_session(world: World) -> None:
    world.connect()
    world.run_for(3000)
    assert world.client.state == CONNECTED and world.client.stats.reconnects == 0
    world.up.cut = world.down.cut = True
    world.run_for(1200)
    assert world.client.state == DISCONNECTED
    assert world.client.stats.loss == LOSS_SILENCE


def test_hard_liveliness_is_answered_by_a_proper_info(world: World) -> None:
    world.connect()
    world.agent.send_control(2, b"\x00\x00\xff\xfe" + struct.pack("<I", 1))
    world.run_for(3)
    assert world.agent.infos == [b"\x00\x00\xff\xfe" + bytes(4)]


def test_foreign_and_broken_messages_are_counted_and_harmless(world: World) -> None:
    world.connect()
    world.run_for(400)
    before = world.client.stats.malformed
    for line in (
        frame(b"\x81\x00\x00\x00"),
        frame(message(0, 0, submessage(99, b"what"))),
        frame(message(0, 0, submessage(9, b"\0"))),
        frame(message(0, 0, struct.pack("<BBH", 9, 1, 500) + b"short")),
        frame(message(0, 0, submessage(10, b"\0\0\0\0\x80", flags=0))),
        frame(message(0, 0, submessage(6, b"")), session := 0, 2),
        frame(message(1, 50, data(77, 6, b"no such reader"))),
        frame(message(5, 0, data(CMD_VEL, 6, b"no such stream"))),
        frame(message(0, 0, submessage(11, b"\0\0\0\0\x80"), session=0x42)),
    ):
        world.client.receive(line, world.now_ns)
    assert session == 0
    assert world.client.stats.malformed - before == 9
    assert world.client.samples == []
    world.run_for(500)
    assert world.client.state == CONNECTED


def test_client_survives_and_counts_all_that_the_official_agent_ever_sent(world: World, traces: Path) -> None:
    for path in sorted(traces.glob("*.json")):
        if path.name == "INDEX.json":
            continue
        for recorded in json.loads(path.read_text())["frames"]:
            if recorded["dir"] == "a2c" and recorded.get("fate") in (None, "dropped"):
                before = world.client.stats.rx
                world.client.receive(bytes.fromhex(recorded["hex"]), world.now_ns)
                assert world.client.stats.rx == before + 1
    world.agent.forget()
    world.connect(limit_ms=2000)
