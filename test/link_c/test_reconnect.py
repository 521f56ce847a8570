"""The way back after every kind of loss: agent, cable, noise, old messages, streams out of step."""

from __future__ import annotations

import ctypes
import json
import random
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
from scripted_agent import (
    ARM,
    CMD_VEL,
    COOKIE,
    DIAGNOSTICS,
    IDENTITY,
    JOINT_STATES,
    MS,
    RELIABLE,
    ScriptedAgent,
    World,
    data,
    message,
    submessage,
)
from serial_frames import Unframer, frame


def run_traffic(world: World, milliseconds: int) -> None:
    for _ in range(milliseconds):
        if world.now_ns // MS % 10 == 0:
            world.client.publish(JOINT_STATES, bytes(100), world.now_ns)
        world.step()


def test_restarted_agent_is_noticed_and_served_again(world: World) -> None:
    world.complete()
    run_traffic(world, 500)
    world.agent.forget()
    world.run_until(lambda: world.client.state != CONNECTED, limit_ms=560)
    assert world.client.stats.loss == LOSS_RESTARTED
    world.complete(limit_ms=100)
    assert world.client.stats.reconnects == 1


def test_restarted_agent_that_answers_no_ping_of_a_stranger_is_noticed(library: ctypes.CDLL) -> None:
    world = World(Client(library), ScriptedAgent(answers_pings=False))
    world.complete()
    world.run_for(500)
    world.agent.forget()
    world.run_until(lambda: world.client.stats.reconnects == 1, limit_ms=720)
    assert world.client.stats.loss == LOSS_SILENCE


@pytest.mark.parametrize("cut_ms", [50, 240, 400, 600, 1100, 5003])
def test_cable_cut_and_whole_again(world: World, cut_ms: int) -> None:
    world.complete()
    run_traffic(world, 300)
    world.up.cut = world.down.cut = True
    run_traffic(world, cut_ms)
    world.up.cut = world.down.cut = False
    seen = len(world.agent.writes)
    agent = world.agent
    run_until = world.run_until(
        lambda: (
            world.client.state == CONNECTED
            and (world.client.publish(JOINT_STATES, b"back", world.now_ns) or True)
            and len(agent.writes) > seen
        ),
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
    world.complete(limit_ms=900)
    creates = [c for c in world.agent.creates if c[4] == 1]
    assert len({c[10:12] for c in creates}) == 1 + 6 * 3 + 2 + 6


def test_line_that_stops_in_mid_frame_and_is_freed_after_the_loss(world: World) -> None:
    world.complete()
    world.client.publish(JOINT_STATES, bytes(150), world.now_ns)
    world.run_for(3)
    world.client.line_room = 20
    world.client.publish(JOINT_STATES, bytes(150), world.now_ns)
    world.run_for(700)
    assert world.client.stats.loss == LOSS_SILENCE
    world.client.line_room = None
    world.complete(limit_ms=300)
    assert world.client.publish(JOINT_STATES, b"back", world.now_ns)
    world.run_for(3)
    assert world.agent.unframer.bad == 1  # the half frame
    assert world.agent.writes[-1][2] == b"back"


def test_login_that_waits_for_the_line_dies_with_the_answer_to_the_one_before(client: Client) -> None:
    """Behind the first creations it would restart the agent's streams."""
    client.run(MS)
    client.take_sent()
    client.line_room = 0
    client.run(102 * MS)
    client.receive(frame(message(0, 0, submessage(4, b"\0\0" + COOKIE + b"\0"))), 103 * MS)
    client.line_room = None
    client.run(104 * MS)
    sent = Unframer().take(client.take_sent())
    assert sent and all(payload[4] != 0 for payload in sent)


def test_ten_seconds_of_noise(world: World) -> None:
    rng = random.Random(7)
    world.complete()
    for _ in range(10_000):
        world.client.run(world.now_ns)
        world.client.take_sent()
        world.now_ns += MS
        world.client.receive(rng.randbytes(92), world.now_ns)
    world.complete(limit_ms=300)


def test_messages_of_an_older_session_do_no_harm(world: World) -> None:
    """They arrive while the client logs in, and behind the answer."""
    world.complete()
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
        world.complete(limit_ms=300)
        world.client.receive(line, world.now_ns)
        world.run_for(700)
        assert world.client.state == CONNECTED


def test_agent_whose_stream_starts_anew_behind_the_clients_back(world: World) -> None:
    """The agent saw a repeated login: it counts from 0 and the client would drop all it says as repeated."""
    world.complete()
    world.agent.restart_streams()
    world.agent.expected = len(world.agent.creates)
    world.agent.send_reliable(data(ARM, 8, IDENTITY + b"after"))
    world.run_until(lambda: world.client.stats.reconnects == 1, limit_ms=1000)
    assert world.client.stats.loss == LOSS_STEP


def test_agent_that_talks_but_never_confirms(world: World) -> None:
    world.complete()
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
    world.complete()
    world.run_for(3000)
    assert world.client.state == CONNECTED and world.client.stats.reconnects == 0
    world.up.cut = world.down.cut = True
    world.run_for(1200)
    assert world.client.state == DISCONNECTED
    assert world.client.stats.loss == LOSS_SILENCE


def test_hard_liveliness_is_answered_by_a_proper_info(world: World) -> None:
    world.complete()
    world.agent.send_control(2, b"\x00\x00\xff\xfe" + struct.pack("<I", 1))
    world.run_for(3)
    assert world.agent.infos == [b"\x00\x00\xff\xfe" + bytes(4)]


def test_foreign_and_broken_messages_are_counted_and_harmless(world: World) -> None:
    world.complete()
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
    world.complete(limit_ms=2000)
