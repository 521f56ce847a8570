"""What a recorded client does again and again: the requests in all their forms."""

from __future__ import annotations

import struct
from typing import Any

from scripted_client import object_id, submessage

from takt.link import messages as xrce
from takt.link.cdr import CdrWriter
from takt.link.messages import LITTLE_ENDIAN, RELIABLE
from takt.link.representations import (
    PARTICIPANT,
    PUBLISHER,
    READER,
    SUBSCRIBER,
    TOPIC,
    WRITER,
)

DOMAIN = 44
INT32 = "std_msgs::msg::dds_::Int32_"
STRING = "std_msgs::msg::dds_::String_"
P0 = object_id(0, PARTICIPANT)


def text_create(
    client: Any, kind: int, number: int, form: int, text: str, parent: bytes, flags: int = 6, **how: Any
) -> None:
    """CREATE by reference (form 1) or XML (form 2)."""
    writer = CdrWriter().raw(client.request() + object_id(number, kind)).u8(kind).u8(form).string(text)
    if kind == PARTICIPANT:
        writer.align(2)
    say(client, submessage(xrce.CREATE, bytes(writer.raw(parent).data), LITTLE_ENDIAN | flags), **how)


def say(client: Any, body: bytes, stream: int = RELIABLE, sequence: int = 0) -> None:
    if stream == RELIABLE:
        client.reliably(body)
    else:
        client.send(body, stream, sequence)


def binary(
    client: Any, kind: int, number: int, blob: bytes, parent: bytes, flags: int = 6, **how: Any
) -> None:
    writer = (
        CdrWriter().raw(client.request() + object_id(number, kind)).u8(kind).u8(3).u32(len(blob)).raw(blob)
    )
    if kind == PARTICIPANT:
        writer.align(2)
    say(client, submessage(xrce.CREATE, bytes(writer.raw(parent).data), LITTLE_ENDIAN | flags), **how)


def topic_blob(name: str, type_name: str = INT32) -> bytes:
    return bytes(CdrWriter().string(name).u8(0).u8(1).string(type_name).data)


def name_blob(name: str) -> bytes:
    return bytes(CdrWriter().u8(0).u8(1).string(name).data)


def endpoint_blob(topic: int, flags: int = 3, depth: int = 10, *, reader: bool = False) -> bytes:
    return (
        object_id(topic, TOPIC)
        + b"\x01\0"
        + struct.pack("<HBxH4x", flags, 1, depth)
        + (b"\0" if reader else b"")
    )


def domain(number: int = DOMAIN) -> bytes:
    return struct.pack("<h", number)


def open_session(stage: Any, **options: Any) -> Any:
    properties = options.pop("properties", None)
    client = stage.client(**options)
    client.hello(properties)
    stage.listen()
    return client


def loop_back(stage: Any, client: Any, *, reliable: bool, type_name: str = INT32, number: int = 0) -> None:
    """A node with a writer and a reader on one topic, so that the client hears itself; nothing is read yet."""
    name = f"rt/takt_rec_{number}"
    steps = (
        (PARTICIPANT, number, name_blob(f"rec_{number}"), domain()),
        (TOPIC, number, topic_blob(name, type_name), object_id(number, PARTICIPANT)),
        (PUBLISHER, number, b"\0\0", object_id(number, PARTICIPANT)),
        (SUBSCRIBER, number, b"\0\0", object_id(number, PARTICIPANT)),
        (WRITER, number, endpoint_blob(number, 2 | reliable), object_id(number, PUBLISHER)),
        (READER, number, endpoint_blob(number, 2 | reliable, reader=True), object_id(number, SUBSCRIBER)),
    )
    for kind, which, blob, parent in steps:
        binary(client, kind, which, blob, parent)
        stage.listen()
    stage.listen(0.6)


def read(
    client: Any,
    number: int,
    on: int,
    control: tuple[int, int, int, int] | None,
    kind: int = READER,
    **how: Any,
) -> None:
    tail = b"\0\0" if control is None else b"\0\1" + struct.pack("<HHHH", *control)
    say(
        client,
        submessage(xrce.READ_DATA, client.request() + object_id(number, kind) + bytes((on, 0)) + tail),
        **how,
    )


def write(client: Any, number: int, sample: bytes, kind: int = WRITER, flags: int = 0, **how: Any) -> None:
    body = client.request() + object_id(number, kind) + sample
    say(client, submessage(xrce.WRITE_DATA, body, LITTLE_ENDIAN | flags), **how)


def delete(client: Any, number: int, kind: int, **how: Any) -> None:
    say(client, submessage(xrce.DELETE, client.request() + object_id(number, kind)), **how)


def end(client: Any) -> None:
    client.send(submessage(xrce.DELETE, b"\0\x02" + xrce.OBJECT_CLIENT))
