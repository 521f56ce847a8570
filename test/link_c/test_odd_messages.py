"""Messages that are too short, too long, out of place or not for this client: counted, never acted upon."""

from __future__ import annotations

import ctypes
import struct

import pytest
from client_under_test import (
    CONNECTED,
    CONNECTING,
    CREATING,
    DISCONNECTED,
    LOSS_REFUSED,
    Client,
)
from scripted_agent import (
    ARM,
    COOKIE,
    IDENTITY,
    JOINT_STATES,
    MS,
    RELIABLE,
    World,
    data,
    message,
    submessage,
)
from serial_frames import frame

STATUS_AGENT, STATUS, INFO, GET_INFO, DATA, ACKNACK, HEARTBEAT, FRAGMENT, TIME_REPLY = (
    4,
    5,
    6,
    2,
    9,
    10,
    11,
    13,
    15,
)
FIRST_REQUEST = 10


def replier_kind(world: World) -> int:
    """Of an object id, as the client itself creates repliers."""
    kinds = {creation[8 + 3] & 15 for creation in world.agent.creates if b"/base/arm\0" in creation}
    assert len(kinds) == 1
    return kinds.pop()


@pytest.mark.parametrize(("number", "size"), [(STATUS, 5), (INFO, 5), (TIME_REPLY, 23), (DATA, 3), (99, 4)])
def test_a_message_that_is_too_short_is_counted(world: World, number: int, size: int) -> None:
    world.complete()
    before = world.client.stats.malformed
    world.agent.send_control(number, bytes(size))
    world.run_for(3)
    assert world.client.stats.malformed == before + 1 and world.client.state == CONNECTED


@pytest.mark.parametrize("number", [ACKNACK, HEARTBEAT])
@pytest.mark.parametrize("payload", [bytes(4), bytes(4) + b"\x81"])
def test_confirmations_of_no_stream_of_ours_are_passed_over(
    world: World, number: int, payload: bytes
) -> None:
    world.complete()
    sent = world.client.stats.tx
    world.agent.send_control(number, payload)
    world.run_for(2)
    assert world.client.state == CONNECTED and world.client.stats.tx - sent <= 1


def test_the_agents_question_needs_its_four_bytes(world: World) -> None:
    world.complete()
    world.agent.send_control(GET_INFO, b"\0\x0a")
    world.run_for(2)
    assert world.agent.infos == []
    world.agent.send_control(GET_INFO, b"\0\x0a\xff\xfd")
    world.run_for(2)
    assert [info[:4] for info in world.agent.infos] == [b"\0\x0a\xff\xfd"]


def test_before_the_login_is_answered_nothing_else_counts(world: World) -> None:
    world.client.run(world.now_ns)
    for number, payload in (
        (STATUS, struct.pack(">HH", FIRST_REQUEST, 1) + bytes(2)),
        (DATA, struct.pack(">HH", 20, 6) + b"sample"),
        (INFO, bytes(8)),
        (HEARTBEAT, bytes(4) + bytes([RELIABLE])),
        (STATUS_AGENT, b"\0\0" + COOKIE[:-1]),
    ):
        world.client.receive(frame(message(0, 0, submessage(number, payload))), world.now_ns)
    assert world.client.state == CONNECTING and world.client.samples == []
    assert not world.client.has_room(10)
    assert world.client.stats.malformed == 2
    world.complete()


def test_a_login_answered_in_another_protocol_is_a_refusal(world: World) -> None:
    world.client.run(world.now_ns)
    answer = submessage(STATUS_AGENT, b"\0\0" + b"DDS!" + COOKIE[4:] + b"\0")
    world.client.receive(frame(message(0, 0, answer)), world.now_ns)
    assert (world.client.state, world.client.stats.loss) == (DISCONNECTED, LOSS_REFUSED)


@pytest.mark.parametrize("asked", [0, FIRST_REQUEST, FIRST_REQUEST + 200], ids=["early", "again", "late"])
def test_answers_to_no_open_question_change_nothing(world: World, asked: int) -> None:
    world.complete()
    world.agent.send_control(STATUS, struct.pack(">HH", asked, 0x11) + bytes(2))
    world.run_for(3)
    assert world.client.complete and world.client.stats.create_errors == 0


def test_requests_to_nobody_or_without_an_identity_are_counted(world: World) -> None:
    world.complete()
    kind, malformed, refused = replier_kind(world), world.client.stats.malformed, world.client.stats.refused
    world.agent.send_reliable(data(200, kind, IDENTITY + b"\1"))
    world.agent.send_reliable(data(ARM, kind, IDENTITY[:-1]))
    world.run_for(3)
    assert world.client.requests == []
    assert world.client.stats.malformed == malformed + 1 and world.client.stats.refused == refused + 1


def test_more_requests_than_replies_have_room_for_are_refused(world: World) -> None:
    world.complete()
    body = data(ARM, replier_kind(world), IDENTITY + bytes(4)) * 12
    world.agent.send_reliable(body)
    world.run_for(30)
    served = len(world.client.requests)
    assert 0 < served < 12 and world.client.stats.refused == 12 - served


@pytest.mark.parametrize("parts", [True, False])
def test_a_reply_too_long_to_send_is_refused(library: ctypes.CDLL, parts: bool) -> None:
    world = World(Client(library, reply_parts=parts))
    world.complete()
    size = 60_001 if parts else 2000
    world.client.service = lambda service, request, capacity: bytes(size)
    world.agent.send_reliable(data(ARM, replier_kind(world), IDENTITY + bytes(4)))
    world.run_for(30)
    assert len(world.client.requests) == 1 and world.client.stats.refused == 1
    assert world.client.state == CONNECTED and world.client.has_room(100)


def test_while_a_request_is_served_there_is_no_room(world: World) -> None:
    world.complete()
    found: list[bool] = []

    def ask(service: int, request: bytes, capacity: int) -> bytes:
        found.append(world.client.has_room(10))
        return b"done"

    world.client.service = ask
    world.agent.send_reliable(data(ARM, replier_kind(world), IDENTITY + bytes(4)))
    world.run_for(3)
    assert found == [False] and world.client.has_room(10) and not world.client.has_room(5000)


def test_while_a_long_reply_is_under_way_there_is_no_room_between_its_parts(world: World) -> None:
    world.complete()
    world.client.service = lambda service, request, capacity: bytes(20_000)
    world.agent.send_reliable(data(ARM, replier_kind(world), IDENTITY + bytes(4)))
    world.client.receive(bytes(world.agent.out), world.now_ns)
    world.agent.out.clear()
    assert len(world.client.requests) == 1 and not world.client.has_room(10)
    world.run_for(100)
    assert world.client.has_room(10)


def test_a_sample_larger_than_the_queue_is_dropped(world: World) -> None:
    world.complete()
    assert not world.client.publish(JOINT_STATES, bytes(490), world.now_ns)
    assert (world.client.stats.dropped, world.client.state) == (1, CONNECTED)


def test_a_fragment_that_ends_too_early_is_dropped_and_the_stream_goes_on(world: World) -> None:
    world.complete()
    malformed = world.client.stats.malformed
    world.agent.send_reliable(struct.pack("<BBH", FRAGMENT, 1, 100) + b"short")
    world.agent.send_reliable(data(ARM, replier_kind(world), IDENTITY + bytes(4)))
    world.run_for(5)
    assert world.client.stats.malformed == malformed + 1 and len(world.client.requests) == 1


def test_without_an_assembly_fragments_are_too_large(library: ctypes.CDLL) -> None:
    world = World(Client(library, assembly=False))
    world.complete()
    world.agent.send_reliable(submessage(FRAGMENT, bytes(100), flags=3))
    world.run_for(3)
    assert world.client.stats.oversized_samples == 1 and world.client.state == CONNECTED


# ---- names too long, a line that stands still


@pytest.mark.parametrize("size", [284, *range(286, 300), 2000])
def test_a_name_too_long_for_a_message_is_never_sent(library: ctypes.CDLL, size: int) -> None:
    world = World(Client(library, node_name=b"n" * size))
    world.run_for(30)
    created = any(b"n" * 200 in creation for creation in world.agent.creates)
    assert world.client.state == (CONNECTED if created else CREATING)
    assert created == (size < 290)


@pytest.mark.parametrize("size", [196, *range(199, 212), 2000])
def test_a_contract_property_too_long_for_the_login_is_never_sent(library: ctypes.CDLL, size: int) -> None:
    world = World(Client(library, contract_property=b"c" * size))
    world.run_for(3)
    assert len(world.agent.logins) == (size < 202)


def test_a_full_queue_drops_and_counts_what_it_cannot_hold(world: World) -> None:
    world.complete()
    client = world.client
    client.publish(3, bytes(40), world.now_ns)  # on the reliable stream, and never confirmed
    client.take_sent()
    client.line_room = 0
    while client.publish(JOINT_STATES, bytes(16), world.now_ns):
        pass
    dropped = client.stats.dropped
    world.agent.send_control(GET_INFO, b"\0\x0a\xff\xfd")
    world.agent.send_reliable(submessage(99, b""))
    client.receive(bytes(world.agent.out), world.now_ns)
    assert client.stats.dropped == dropped + 1, "the answer; the confirmation waits"
    for _ in range(8):
        world.now_ns += 30 * MS
        client.run(world.now_ns)
    assert client.stats.dropped > dropped + 3, "heartbeats, time requests, pings"
    client.line_room = None
    client.run(world.now_ns)
    assert client.take_sent(), "the line moves again"


def test_request_numbers_go_round_without_those_that_have_a_meaning(world: World) -> None:
    world.complete()
    world.client.set_request(0xFFFF)
    for _ in range(2):
        assert world.client.publish(JOINT_STATES, b"sample", world.now_ns)
    line = world.client.take_sent()
    assert line.count(struct.pack(">H", 0xFFFF)) == 1 and line.count(struct.pack(">H", FIRST_REQUEST)) == 1
