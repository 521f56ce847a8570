"""Samples and services on a good line: streams, limits, fragments."""

from __future__ import annotations

import random

import pytest
from scripted_agent import (
    ARM,
    CLEAR_FAULT,
    CMD_VEL,
    DIAGNOSTICS,
    IDENTITY,
    JOINT_STATES,
    LEDGER_ACK,
    RELIABLE,
    World,
    data,
    message,
    numbered,
    submessage,
)
from serial_frames import frame


def test_samples_go_out_on_the_streams_of_the_contract(world: World) -> None:
    world.complete()
    assert world.client.publish(JOINT_STATES, b"fast", world.now_ns)
    assert world.client.publish(DIAGNOSTICS, b"sure", world.now_ns)
    world.run_for(3)
    assert world.agent.writes == [
        (1, JOINT_STATES << 4 | 5, b"fast"),
        (RELIABLE, DIAGNOSTICS << 4 | 5, b"sure"),
    ]


def test_what_cannot_be_published_is_refused_and_counted(world: World) -> None:
    client = world.client
    assert not client.publish(JOINT_STATES, b"early", world.now_ns)
    world.complete()
    assert not client.publish(CMD_VEL, b"not ours", world.now_ns)
    assert not client.publish(99, b"no topic", world.now_ns)
    assert not client.publish(DIAGNOSTICS, bytes(497), world.now_ns)
    assert client.publish(DIAGNOSTICS, bytes(496), world.now_ns)
    assert client.stats.refused == 4


def test_samples_come_in_with_their_trailing_bytes(world: World) -> None:
    world.complete()
    world.agent.send_best_effort(data(CMD_VEL, 6, b"go"))
    world.agent.send_best_effort(data(LEDGER_ACK, 6, bytes(8)) + data(CMD_VEL, 6, b"more\0\0\0"))
    world.run_for(2)
    assert world.client.samples == [(CMD_VEL, b"go"), (LEDGER_ACK, bytes(8)), (CMD_VEL, b"more\0\0\0")]


def test_late_and_doubled_best_effort_samples_are_dropped(world: World) -> None:
    world.complete()
    for sequence in (5, 5, 4, 6, 65000):
        world.agent.out += frame(message(1, sequence, data(CMD_VEL, 6, bytes([sequence & 255]))))
    world.run_for(2)
    assert [sample[0] for _, sample in world.client.samples] == [5, 6]
    assert world.client.stats.duplicates == 3


def test_one_sample_repeated_many_times_is_taken_once(world: World) -> None:
    world.complete()
    world.agent.out += frame(message(1, 0, data(CMD_VEL, 6, b"go"))) * 10
    world.run_for(2)
    assert world.client.samples == [(CMD_VEL, b"go")]


def test_a_best_effort_stream_that_counts_anew_is_believed_after_a_few(world: World) -> None:
    """One wrong number that got past the CRC must not silence the commands for thousands of messages."""
    world.complete()
    for sequence in (0, 30000, 1, 2, 3, 4, 5):
        world.agent.out += frame(message(1, sequence, data(CMD_VEL, 6, bytes([sequence & 255]))))
    world.run_for(2)
    assert [sample[0] for _, sample in world.client.samples] == [0, 30000 & 255, 4, 5]


def test_late_sample_on_stream_none_after_a_cancel_is_taken(world: World) -> None:
    world.complete()
    world.agent.out += frame(message(0, 0, data(CMD_VEL, 6, b"last")))
    world.run_for(2)
    assert world.client.samples == [(CMD_VEL, b"last")]


def test_a_full_line_drops_best_effort_samples_whole_and_counts_them(world: World) -> None:
    """The line takes 10 bytes a time: every frame that comes out is whole, and none is torn by a later one."""
    world.complete()
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
    assert [sample for _, _, sample in world.agent.writes] == [
        bytes([i]) * 150 for i in range(20) if taken[i]
    ]
    assert world.agent.unframer.bad == 0


def test_reliable_history_refuses_what_it_cannot_hold(world: World) -> None:
    world.complete()
    world.up.cut = True
    taken = [world.client.publish(DIAGNOSTICS, sample, world.now_ns) for sample in numbered(6, 480)]
    assert taken == [True] * 4 + [False] * 2
    assert not world.client.has_room(480)
    world.up.cut = False
    world.run_until(lambda: world.client.has_room(480), limit_ms=120)
    assert [sample for _, _, sample in world.agent.writes] == numbered(4, 480)


def fragments(body: bytes, piece: int = 500) -> list[bytes]:
    pieces = [body[i : i + piece] for i in range(0, len(body), piece)]
    last = len(pieces) - 1
    return [submessage(13, content, 3 if i == last else 1) for i, content in enumerate(pieces)]


def test_a_fragmented_request_is_served_with_other_traffic_between(world: World) -> None:
    world.complete()
    world.client.service = lambda service, request, capacity: b"ok"
    request = bytes(range(256)) * 3
    first, last = fragments(data(ARM, 8, IDENTITY + request) + b"pad")
    world.agent.send_reliable(first)
    world.agent.send_best_effort(data(CMD_VEL, 6, bytes(480)))
    world.agent.send_reliable(last)
    world.run_for(5)
    assert world.client.requests == [(ARM, request)]
    assert world.client.samples == [(CMD_VEL, bytes(480))]


def test_a_reply_of_several_messages_comes_in_fragments_that_nothing_is_mixed_with(world: World) -> None:
    world.complete()
    reply = bytes(range(256)) * 12
    world.client.service = lambda service, request, capacity: reply
    world.agent.send_reliable(data(ARM, 8, IDENTITY))
    taken = []
    for _ in range(300):
        taken.append(world.client.publish(DIAGNOSTICS, b"other", world.now_ns))
        world.run_for(1)
    assert (RELIABLE, ARM << 4 | 8, IDENTITY + reply) in world.agent.writes
    assert not all(taken) and taken[-1], "publications waited for the last fragment, not longer"


@pytest.mark.parametrize("size", [451, 452, 453, 467, 468, 469, 968, 969])
def test_replies_around_the_size_of_a_message_are_exact(world: World, size: int) -> None:
    world.complete()
    reply = random.Random(size).randbytes(size)
    world.client.service = lambda service, request, capacity: reply
    world.agent.send_reliable(data(ARM, 8, IDENTITY))
    world.run_for(30)
    assert [sample for _, _, sample in world.agent.writes] == [IDENTITY + reply]


def test_requests_behind_a_long_reply_wait_and_get_theirs(world: World) -> None:
    world.complete()
    world.client.service = lambda service, request, capacity: request * 2000
    for letter in (b"a", b"b", b"c"):
        world.agent.send_reliable(data(ARM, 8, IDENTITY + letter))
    world.run_for(1000)
    assert [sample[24:] for _, _, sample in world.agent.writes] == [b"a" * 2000, b"b" * 2000, b"c" * 2000]


def test_a_loss_in_the_middle_of_a_long_reply_leaves_no_trace(world: World) -> None:
    world.complete()
    world.client.service = lambda service, request, capacity: bytes(20_000)
    world.agent.send_reliable(data(ARM, 8, IDENTITY))
    world.run_for(2)
    world.agent.forget()
    world.run_until(lambda: world.client.stats.reconnects == 1, limit_ms=1500)
    world.complete()
    world.client.service = lambda service, request, capacity: b"short"
    world.agent.send_reliable(data(CLEAR_FAULT, 8, IDENTITY))
    world.run_for(10)
    assert world.agent.writes[-1] == (RELIABLE, CLEAR_FAULT << 4 | 8, IDENTITY + b"short")


def test_too_large_a_fragmented_request_is_dropped_counted_and_the_stream_goes_on(world: World) -> None:
    world.complete()
    for part in fragments(data(ARM, 8, IDENTITY + bytes(4000))):
        world.agent.send_reliable(part)
    world.agent.send_reliable(data(CLEAR_FAULT, 8, IDENTITY + b"next"))
    world.run_for(20)
    assert world.client.requests == [(CLEAR_FAULT, b"next")]
    assert world.client.stats.oversized_samples == 1


def test_fragments_whose_middle_is_given_up_are_not_joined(world: World) -> None:
    """The agent forgot the second of three; first and third alone would pass for a request."""
    world.complete()
    world.run_for(5)
    first, last = fragments(data(ARM, 8, IDENTITY + bytes(900)))
    world.agent.send_reliable(first)
    world.run_for(5)
    world.agent.send_reliable(submessage(13, bytes(100), 1))
    world.agent.out = bytearray()
    world.agent.unconfirmed.clear()
    world.agent.send_reliable(last)
    world.agent.send_reliable(data(CLEAR_FAULT, 8, IDENTITY + b"next"))
    world.run_for(250)
    assert world.client.requests == [(CLEAR_FAULT, b"next")]


def test_requests_wait_while_replies_cannot_be_held(world: World) -> None:
    """Nothing is lost when the history is full: the request is not confirmed and comes again."""
    world.complete()
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
    world.complete()
    world.client.service = lambda service, request, capacity: b""
    world.agent.send_reliable(data(ARM, 8, IDENTITY))
    world.run_for(5)
    assert world.agent.writes == [] and world.client.stats.refused == 1


def test_publishing_from_within_a_service_is_refused_when_reliable(world: World) -> None:
    world.complete()
    tried: list[bool] = []

    def serve(service: int, request: bytes, capacity: int) -> bytes:
        tried.append(world.client.publish(DIAGNOSTICS, b"x" * 40, world.now_ns))
        return b"reply"

    world.client.service = serve
    world.agent.send_reliable(data(ARM, 8, IDENTITY))
    world.run_for(5)
    assert tried == [False]
    assert [sample for _, _, sample in world.agent.writes] == [IDENTITY + b"reply"]
