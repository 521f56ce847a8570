"""Conversations about sequence numbers, acknowledgement and what one message may hold."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from scripted_client import object_id, submessage

from scripts.steps import (
    P0,
    STRING,
    binary,
    delete,
    domain,
    endpoint_blob,
    loop_back,
    name_blob,
    open_session,
    read,
    topic_blob,
    write,
)
from takt.link import messages as xrce
from takt.link.messages import RELIABLE
from takt.link.representations import (
    PARTICIPANT,
    PUBLISHER,
    READER,
    SUBSCRIBER,
    TOPIC,
    WRITER,
)


def several_submessages(stage: Any) -> None:
    """many in one message; the one that fails ends it"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)

    def sample(number: int, value: int, writer: int = 0) -> bytes:
        return submessage(
            xrce.WRITE_DATA, struct.pack(">H", number) + object_id(writer, WRITER) + struct.pack("<i", value)
        )

    client.reliably(
        sample(40, 1) + sample(41, 2) + submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\x02\0\0\0") + sample(42, 3)
    )
    stage.listen(0.3)
    client.reliably(sample(43, 4) + sample(44, 5, writer=9) + sample(45, 6))
    stage.listen(0.3)
    client.reliably(sample(46, 7) + submessage(0x10, b"\0\0\0\0") + sample(47, 8))
    stage.listen(0.3)
    client.reliably(
        sample(48, 9) + submessage(xrce.DELETE, b"\0\x31" + object_id(9, WRITER)) + sample(50, 10)
    )
    stage.listen(0.3)
    client.reliably(sample(51, 11) + submessage(xrce.STATUS, b"\0\0\0\0\0\0") + sample(52, 12))
    stage.listen(0.3)
    client.reliably(sample(53, 13) + submessage(xrce.DATA, b"\0\0\0\0\0\0\0\0") + sample(54, 14))
    stage.listen(0.3)
    client.reliably(sample(55, 15) + submessage(xrce.TIMESTAMP, bytes(8)) + sample(56, 16))
    stage.listen(0.3)
    client.reliably(sample(57, 17) + submessage(xrce.INFO, bytes(8)) + sample(58, 18))
    stage.listen(0.3)
    client.reliably(
        sample(59, 19)
        + submessage(xrce.READ_DATA, b"\0\x3c" + object_id(9, READER) + b"\x80\0\0\0")
        + sample(60, 20)
    )
    stage.listen(0.3)


def best_effort_order(stage: Any) -> None:
    """late, repeated, far ahead and far behind on a best-effort stream"""
    client = open_session(stage)
    loop_back(stage, client, reliable=False)
    read(client, 0, 1, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    for value, sequence in enumerate((0, 1, 1, 0, 5, 4, 32000, 33000, 20, 65535, 0, 3)):
        write(client, 0, struct.pack("<i", value), stream=1, sequence=sequence)
        stage.listen(0.15)


def reliable_order(stage: Any) -> None:
    """out of order, repeated, past the window, behind it"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, 1, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    base = client.outbound._next
    for value, offset in enumerate((1, 3, 0, 0, 2, 2, 20, 4, 19, 18, -1, -5, 5, 40, 21)):
        body = submessage(xrce.WRITE_DATA, client.request() + object_id(0, WRITER) + struct.pack("<i", value))
        client.send(body, RELIABLE, (base + offset) & 0xFFFF)
        stage.listen(0.15)


def heartbeats(stage: Any) -> None:
    """announcing what exists, what is gone, nonsense, unknown streams"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    base = client.outbound._next
    for first, last, stream in (
        (base, base - 1, 0x80), (base, base + 2, 0x80), (base + 3, base + 8, 0x80), (base + 3, base + 30, 0x80),
        (base + 2, base + 1, 0x80), (0, 0, 0x80), (4, 6, 0x90), (0, 3, 0x01), (0, 0, 0x00),
    ):  # fmt: skip
        client.send(xrce.build_heartbeat(first & 0xFFFF, last & 0xFFFF, stream))
        stage.listen(0.12)
    client.send(submessage(xrce.DELETE, client.request() + object_id(9, WRITER)), 0x80, (base + 3) & 0xFFFF)
    stage.listen(0.15)


def acknacks(stage: Any) -> None:
    """client confirms nothing, part, too much; asks for what is gone"""
    client = open_session(stage)
    client.reliably = lambda body, now_ns=0: client.send(body, RELIABLE, _count(client))  # type: ignore[method-assign]
    for kind, blob, parent in (
        (PARTICIPANT, name_blob("n"), domain()), (TOPIC, topic_blob("rt/takt_ack"), P0),
        (PUBLISHER, b"\0\0", P0), (WRITER, endpoint_blob(0), object_id(0, PUBLISHER)),
    ):  # fmt: skip
        binary(client, kind, 0, blob, parent)
        stage.listen(0.12)
    for first, missing, stream in (
        (0, 0, 0x80),
        (2, 1, 0x80),
        (9, 0, 0x80),
        (1, 3, 0x80),
        (4, 0, 0x80),
        (0, 1, 0x85),
        (0, 0, 1),
    ):
        client.send(xrce.build_acknack(first, missing, stream))
        stage.listen(0.1)


def _count(client: Any) -> int:
    client.counted = getattr(client, "counted", -1) + 1
    return int(client.counted)


def window_full(stage: Any) -> None:
    """a client that never confirms: what the agent holds back after 16"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, 0x81, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    client.deaf = True
    sent = client.send
    client.send = lambda body, *how, **more: (
        None if body[0] == xrce.ACKNACK and body[-1] == 0x81 else sent(body, *how, **more)
    )
    for value in range(24):
        write(client, 0, struct.pack("<i", value))
        stage.listen(0.05)
    stage.listen(0.6, ticking=True)
    client.send = sent
    client.send(xrce.build_acknack(16, 0, 0x81))
    stage.listen(0.5)


def truncated(stage: Any) -> None:
    """messages cut short, lengths that lie"""
    client = open_session(stage)
    binary(client, PARTICIPANT, 0, name_blob("n"), domain())
    stage.listen()
    body = (
        client.request()
        + object_id(1, PARTICIPANT)
        + bytes((PARTICIPANT, 3, 0, 0))
        + struct.pack("<I", 99)
        + b"\0\1"
    )
    for piece in (
        submessage(xrce.CREATE, body, 7),
        submessage(xrce.DELETE, b"\0"),
        struct.pack("<BBH", xrce.DELETE, 1, 400) + b"\0\x40\0\x05",
        b"\3",
        b"\3\1\4",
        submessage(xrce.CREATE, client.request() + P0, 7),
        submessage(xrce.READ_DATA, client.request() + b"\0\6", 1),
    ):
        client.reliably(piece)
        stage.listen(0.15)
    delete(client, 9, WRITER)
    stage.listen(0.15)


def losses(stage: Any) -> None:
    """every seventh frame is lost each way while objects are made, samples go round and fragments fly"""
    client = open_session(stage)
    if not client.heard:
        client.hello()
        stage.listen()
    stage.listen(0.3, ticking=True)
    for kind, blob, parent in (
        (PARTICIPANT, name_blob("n"), domain()), (TOPIC, topic_blob("rt/takt_loss", STRING), P0),
        (PUBLISHER, b"\0\0", P0), (SUBSCRIBER, b"\0\0", P0), (WRITER, endpoint_blob(0), object_id(0, PUBLISHER)),
        (READER, endpoint_blob(0, reader=True), object_id(0, SUBSCRIBER)),
    ):  # fmt: skip
        binary(client, kind, 0, blob, parent)
        stage.listen(0.7, ticking=True)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(1.0, ticking=True)
    for size in (10, 20, 700, 30, 1200, 40):
        write(client, 0, struct.pack("<I", size + 1) + b"z" * size + b"\0")
        stage.listen(1.0, ticking=True)
    delete(client, 0, READER)
    stage.listen(0.8, ticking=True)


def losing(name: str) -> Callable[[str, int], bool]:
    """Which frames the line swallows in a conversation."""
    if name != "losses":
        return lambda direction, number: False
    return lambda direction, number: number % 7 == (4 if direction == "c2a" else 6)
