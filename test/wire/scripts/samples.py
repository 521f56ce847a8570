"""Conversations about samples: delivery, sizes, fragments, services."""

from __future__ import annotations

import struct
from typing import Any

from scripted_client import object_id, submessage

from scripts.steps import (
    P0,
    STRING,
    binary,
    delete,
    domain,
    end,
    loop_back,
    name_blob,
    open_session,
    read,
    write,
)
from takt.link import messages as xrce
from takt.link.cdr import CdrWriter
from takt.link.messages import LITTLE_ENDIAN, RELIABLE, REUSE
from takt.link.representations import (
    PARTICIPANT,
    PUBLISHER,
    READER,
    REPLIER,
    REQUESTER,
    TOPIC,
    WRITER,
)


def delivery_limits(stage: Any) -> None:
    """one, three, no control, replaced, fast one: what READ_DATA lets through"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    value = 0
    for stream, control in (
        (RELIABLE, None),
        (RELIABLE, (3, 0, 0, 0)),
        (1, (2, 0, 0, 0)),
        (RELIABLE, (0xFFFF, 0, 0, 0)),
        (RELIABLE, (1, 0, 0, 0)),
    ):
        read(client, 0, stream, control)
        stage.listen(0.3)
        for _ in range(5):
            value += 1
            write(client, 0, struct.pack("<i", value))
            stage.listen(0.15)
    end(client)
    stage.listen(0.4)


def delivery_for_a_second(stage: Any) -> None:
    """max elapsed time of one second"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (0xFFFF, 1, 0, 0))
    stage.listen(0.3)
    for value in range(10):
        write(client, 0, struct.pack("<i", value))
        stage.listen(0.2)


def delivery_by_rate(stage: Any) -> None:
    """12 bytes a second at most"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (6, 0, 12, 0))
    stage.listen(0.3)
    for value in range(6):
        write(client, 0, struct.pack("<i", value))
        stage.listen(0.05)
    stage.listen(4.0)


def delivery_streams(stage: Any) -> None:
    """reading on streams that nobody made: 0x81, 0x02, 0xFF"""
    client = open_session(stage)
    loop_back(stage, client, reliable=False)
    for stream in (0x81, 0x02, 0xFF):
        read(client, 0, stream, (0xFFFF, 0, 0, 0))
        stage.listen(0.3)
        for value in range(3):
            write(client, 0, struct.pack("<i", value), stream=1, sequence=stream * 4 + value)
            stage.listen(0.15)


def written_before_read(stage: Any) -> None:
    """samples that were there before READ_DATA came"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    for value in range(14):
        write(client, 0, struct.pack("<i", value))
        stage.listen(0.02)
    stage.listen(0.3)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.5)


def data_formats(stage: Any) -> None:
    """WRITE_DATA with the formats that nobody implements, then a good one"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    for flags in (0x02, 0x08, 0x0A, 0x0E, 0x04):
        write(client, 0, struct.pack("<i", flags), flags=flags)
        stage.listen(0.15)
    write(client, 0, struct.pack("<i", 1))
    stage.listen(0.3)


def writes_to_odd_objects(stage: Any) -> None:
    """WRITE_DATA to a reader, a topic, a participant, an unknown one; with a CREATE behind it"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    for kind in (READER, TOPIC, PARTICIPANT, PUBLISHER, 9):
        body = submessage(xrce.WRITE_DATA, client.request() + object_id(0, kind) + b"\1\0\0\0")
        client.reliably(body + submessage(xrce.DELETE, client.request() + object_id(9, WRITER)))
        stage.listen(0.12)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0), kind=TOPIC)
    stage.listen(0.2)


def odd_sizes(stage: Any) -> None:
    """samples of 0 to 9 bytes, and what comes back"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True, type_name=STRING)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    for size in range(10):
        write(client, 0, struct.pack("<I", size + 1) + b"a" * size + b"\0")
        stage.listen(0.15)


def too_large_for_best_effort(stage: Any) -> None:
    """strings around and over the MTU on a best-effort reader"""
    client = open_session(stage, mtu=128)
    loop_back(stage, client, reliable=True, type_name=STRING)
    read(client, 0, 1, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    for size in (60, 90, 100, 300, 40):
        write(client, 0, struct.pack("<I", size + 1) + b"z" * size + b"\0")
        stage.listen(0.25)


def services_in_one_agent(stage: Any) -> None:
    """requester and replier of one client; replies late, twice, to nobody"""
    client = open_session(stage)
    binary(client, PARTICIPANT, 0, name_blob("n"), domain())
    stage.listen()
    blob = CdrWriter().string("/rec_add").string("rec_Request_").string("rec_Response_")
    blob.u8(1).string("rq/rec_addRequest").u8(1).string("rr/rec_addReply")
    for kind in (REPLIER, REQUESTER):
        binary(client, kind, 0, bytes(blob.data), P0)
        stage.listen()
        binary(client, kind, 0, bytes(blob.data), P0, REUSE)
        binary(client, kind, 0, bytes(blob.data), P0, 0)
        stage.listen()
        read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0), kind=kind)
    stage.listen(0.8)
    for number in range(3):
        write(client, 0, struct.pack("<q", number), kind=REQUESTER)
        stage.listen(0.2)
        identity = client.samples[-1][1][:24]
        for _ in range(number):
            write(client, 0, identity + struct.pack("<q", 100 + number), kind=REPLIER)
            stage.listen(0.2)
    for kind in (REPLIER, REQUESTER):
        read(client, 0, 0, (0, 0, 0, 0), kind=kind)
        stage.listen(0.3)
        delete(client, 0, kind)
        stage.listen(0.3)


def fragments_both_ways(stage: Any) -> None:
    """strings of 90 to 1400 bytes at an MTU of 128"""
    client = open_session(stage, mtu=128)
    loop_back(stage, client, reliable=True, type_name=STRING)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    for size in (90, 104, 105, 106, 107, 108, 109, 112, 116, 120, 200, 231, 232, 233, 1400):
        write(client, 0, struct.pack("<I", size + 1) + b"z" * size + b"\0")
        stage.listen(0.25)


def fragment_oddities(stage: Any) -> None:
    """fragments on best effort, an empty one, a cut through the header, a whole of two submessages"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)

    def sample(value: int) -> bytes:
        return submessage(xrce.WRITE_DATA, client.request() + object_id(0, WRITER) + struct.pack("<i", value))

    whole = sample(1)
    for cut in (2, 4, 6, 10):
        client.reliably(submessage(xrce.FRAGMENT, whole[:cut]))
        client.reliably(submessage(xrce.FRAGMENT, whole[cut:], LITTLE_ENDIAN | xrce.LAST_FRAGMENT))
        stage.listen(0.2)
    client.reliably(submessage(xrce.FRAGMENT, b"", LITTLE_ENDIAN | xrce.LAST_FRAGMENT))
    stage.listen(0.2)
    client.reliably(submessage(xrce.FRAGMENT, sample(5)[:8]))
    client.reliably(submessage(xrce.FRAGMENT, b""))
    client.reliably(submessage(xrce.FRAGMENT, sample(5)[8:], LITTLE_ENDIAN | xrce.LAST_FRAGMENT))
    stage.listen(0.2)
    client.reliably(submessage(xrce.FRAGMENT, sample(6) + sample(7), LITTLE_ENDIAN | xrce.LAST_FRAGMENT))
    stage.listen(0.2)
    client.reliably(submessage(xrce.FRAGMENT, sample(8)) + sample(9))
    stage.listen(0.2)
    client.reliably(submessage(xrce.FRAGMENT, b"", LITTLE_ENDIAN | xrce.LAST_FRAGMENT))
    stage.listen(0.2)
    status = submessage(xrce.DELETE, client.request() + object_id(9, WRITER))
    client.reliably(submessage(xrce.FRAGMENT, status[:6]))
    client.reliably(submessage(xrce.FRAGMENT, status[6:], LITTLE_ENDIAN | xrce.LAST_FRAGMENT))
    stage.listen(0.2)
    client.send(submessage(xrce.FRAGMENT, status, LITTLE_ENDIAN | xrce.LAST_FRAGMENT), 1, 0)
    stage.listen(0.2)
