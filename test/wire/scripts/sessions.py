"""Conversations about sessions: who is let in, what a new greeting does, how it ends."""

from __future__ import annotations

import struct
from typing import Any

from scripted_client import object_id, submessage

from scripts.steps import (
    DOMAIN,
    P0,
    binary,
    delete,
    domain,
    end,
    endpoint_blob,
    loop_back,
    name_blob,
    open_session,
    read,
    topic_blob,
    write,
)
from takt.link import messages as xrce
from takt.link.messages import RELIABLE, REUSE
from takt.link.representations import (
    PARTICIPANT,
    READER,
    SUBSCRIBER,
    TOPIC,
    WRITER,
)


def greetings(stage: Any) -> None:
    """good and bad CREATE_CLIENT"""
    client = stage.client()
    good = xrce.build_create_client(client.key, 0x81, 508)
    bad = [
        good.replace(b"XRCE", b"XRCF"), good.replace(client.key, bytes(4)), good.replace(b"XRCE\1\0", b"XRCE\2\0"),
        good.replace(b"XRCE\1\0", b"XRCE\1\7"), good.replace(b"\1\x0f", b"\7\7", 1), good[:8], good[:16], good[:19],
        xrce.build_create_client(client.key, 0x81, 508, {"a": "b"}), xrce.build_create_client(client.key, 0x81, 0),
        xrce.build_create_client(client.key, 0x81, 12), xrce.build_create_client(client.key, 0x80, 508),
        xrce.build_create_client(client.key, 0xFF, 508), good + bytes(5), good + submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\2\0\0\0"),
        b"\0\0" + good[2:],
    ]  # fmt: skip
    for body in [good, *bad]:
        client.send(body, session=0x80)
        stage.listen(0.12)
    ping = submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\2\0\0\0")
    for session in (0x80, 0x81, 0x00, 0x01):
        client.send(ping, session=session)
        stage.listen(0.12)
    for session, stream in ((0x81, 0), (0x81, 1), (0x80, 1), (0x85, 0)):
        client.send(good, stream, 0, session=session)
        stage.listen(0.12)


def keyed_session(stage: Any) -> None:
    """session 0x01: the key in every header"""
    client = open_session(stage, session=0x01)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (2, 0, 0, 0))
    stage.listen(0.3)
    for value in range(3):
        write(client, 0, struct.pack("<i", value))
        stage.listen(0.15)
    client.send(submessage(xrce.TIMESTAMP, bytes(range(8))))
    client.send(submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\2\0\0\0"))
    client.send(submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\2\0\0\0"), session=0)
    stage.listen(0.2)
    client.session = 0x02
    delete(client, 0, WRITER)
    stage.listen(0.2)
    client.session = 0x01
    end(client)
    stage.listen(0.4)
    end(client)
    stage.listen(0.2)


def two_clients(stage: Any) -> None:
    """addresses 1 and 2 on one line, the same object ids, one ends"""
    first, second = stage.client(), stage.client(key=b"\x55\x66\x77\x88", address=2)
    for client in (first, second):
        client.hello()
        stage.listen()
    for client in (first, second):
        binary(client, PARTICIPANT, 0, name_blob("n"), domain(), 0)
        stage.listen()
    end(first)
    stage.listen(0.3)
    for client in (first, second):
        client.send(submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\2\0\0\0"))
        binary(client, PARTICIPANT, 0, name_blob("n"), domain(), 0)
        stage.listen()


def restarts(stage: Any) -> None:
    """same key again, another session id, another key, and what is left of the objects each time"""
    client = open_session(stage)
    for session, key in (
        (0x81, None),
        (0x81, None),
        (0x82, None),
        (0x81, None),
        (0x81, b"\x99\0\0\1"),
        (0x81, b"\x11\x22\x33\x44"),
    ):
        client.session, client.key = session, key or client.key
        client.hello()
        stage.listen(0.2)
        binary(client, PARTICIPANT, 0, name_blob("n"), domain(), REUSE)
        stage.listen(0.2)
        binary(client, TOPIC, 0, topic_blob("rt/takt_again"), P0, REUSE)
        stage.listen(0.2)


def restart_in_a_fragment(stage: Any) -> None:
    """the session begins anew while half a fragmented sample is there and a delivery runs"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    write(client, 0, struct.pack("<i", 1))
    stage.listen(0.3)
    client.hello()
    stage.listen(0.3)
    for value in (2, 3):
        write(client, 0, struct.pack("<i", value))
        stage.listen(0.3)
    binary(client, READER, 0, endpoint_blob(0, 3, reader=True), object_id(0, SUBSCRIBER))
    stage.listen(0.3)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    write(client, 0, struct.pack("<i", 4))
    stage.listen(0.3)


def resets(stage: Any) -> None:
    """RESET while a delivery runs: the numbers begin anew both ways"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    write(client, 0, struct.pack("<i", 1))
    stage.listen(0.3)
    client.send(submessage(xrce.RESET, b""))
    client.restart_streams()
    stage.listen(0.3)
    write(client, 0, struct.pack("<i", 2))
    delete(client, 9, WRITER)
    stage.listen(0.3)


def pings_and_times(stage: Any) -> None:
    """GET_INFO and TIMESTAMP in all shapes, in and out of a session"""
    client = stage.client()
    ping = submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\2\0\0\0")
    stamp = submessage(xrce.TIMESTAMP, b"\1\2\3\4\5\6\7\x08")
    for body in (ping, stamp):
        client.send(body, session=0x80)
        client.send(body)
        stage.listen(0.12)
    client.hello()
    stage.listen()
    for body in (
        ping, stamp, submessage(xrce.GET_INFO, b"\x12\x34\xff\xfe\1\0\0\0"), submessage(xrce.GET_INFO, b"\x12\x34\0\5\0\0\0\0"),
        submessage(xrce.GET_INFO, b"\x12\x34\xff\xff\3\0\0\0"), stamp + stamp, submessage(xrce.TIMESTAMP, b"\1\2\3\4"),
        submessage(xrce.GET_INFO, b"\x12\x34"), submessage(xrce.TIMESTAMP, b"\1\2\3\4\5\6\7\x08", 0),
    ):  # fmt: skip
        client.send(body)
        stage.listen(0.12)
    client.send(ping, 1, 0)
    client.send(stamp, 1, 1)
    client.send(ping, 0x80, 0)
    client.send(stamp, 0x80, 1)
    stage.listen(0.12)


def big_endian(stage: Any) -> None:
    """CREATE, DELETE and a sample with flag bit 0 clear"""
    client = open_session(stage)
    blob = b"\0\1" + b"\0\0" + struct.pack(">I", 2) + b"n\0"
    body = (
        client.request()
        + P0
        + bytes((PARTICIPANT, 3, 0, 0))
        + struct.pack(">I", len(blob))
        + blob
        + struct.pack(">h", DOMAIN)
    )
    client.reliably(submessage(xrce.CREATE, body, 0))
    stage.listen(0.15)
    client.reliably(submessage(xrce.DELETE, client.request() + P0, 0))
    client.reliably(submessage(xrce.DELETE, client.request() + P0, 0))
    stage.listen(0.15)


def no_session(stage: Any) -> None:
    """everything to an agent that knows nobody"""
    client = stage.client()
    binary(client, PARTICIPANT, 0, name_blob("n"), domain())
    stage.listen(0.1)
    write(client, 0, b"\1\0\0\0")
    client.send(xrce.build_heartbeat(0, 3, 0x80))
    client.send(xrce.build_acknack(0, 0, 0x80))
    client.send(submessage(xrce.RESET, b""))
    stage.listen(0.1)
    end(client)
    client.send(submessage(xrce.DELETE, b"\0\x02" + xrce.OBJECT_CLIENT), session=0x80)
    client.send(submessage(xrce.DELETE, b"\0\x07" + object_id(0, WRITER)))
    client.send(submessage(xrce.DELETE, b"\0\x02" + xrce.OBJECT_CLIENT), 0x80, 0)
    stage.listen(0.2)


def session_end(stage: Any) -> None:
    """the ends of a session: on stream 1, on 0x80, with another request id, twice"""
    client = open_session(stage)
    binary(client, PARTICIPANT, 0, name_blob("n"), domain())
    stage.listen()
    for stream, sequence, request in ((1, 0, 2), (RELIABLE, 1, 2), (0, 0, 77), (0, 0, 2)):
        client.send(
            submessage(xrce.DELETE, struct.pack(">H", request) + xrce.OBJECT_CLIENT), stream, sequence
        )
        stage.listen(0.3)
        client.send(submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\2\0\0\0"))
        stage.listen(0.1)
    client.hello()
    stage.listen()
    client.send(
        submessage(xrce.DELETE, struct.pack(">H", 9) + b"\xff\xfd")
        + submessage(xrce.DELETE, struct.pack(">H", 9) + b"\xff\xff")
    )
    stage.listen(0.3)


def liveliness(stage: Any) -> None:
    """hard liveliness of one second: answered probes, then silence to the end"""
    client = stage.client()
    client.hello({"uxr_hl": "001000"})
    stage.listen()
    binary(client, PARTICIPANT, 0, name_blob("n"), domain())
    stage.listen(1.3, ticking=True)
    client.send(bytes(8))
    stage.listen(3.0, ticking=True)
    client.send(submessage(xrce.GET_INFO, b"\0\x0a\xff\xfd\2\0\0\0"))
    stage.listen(0.2)
