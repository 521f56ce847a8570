"""XRCE messages: header, submessages, and the small fixed payloads, parsed and built.

Numbers are little endian on the line; a submessage's flag bit 0 tells the byte order of its payload.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from takt.link.cdr import CdrReader, CdrWriter, Malformed

(CREATE_CLIENT, CREATE, GET_INFO, DELETE, STATUS_AGENT, STATUS, INFO, WRITE_DATA, READ_DATA, DATA, ACKNACK,
 HEARTBEAT, RESET, FRAGMENT, TIMESTAMP, TIMESTAMP_REPLY) = range(16)  # fmt: skip

LITTLE_ENDIAN, REUSE, REPLACE, LAST_FRAGMENT = 0x01, 0x02, 0x04, 0x02
FORMAT_MASK = 0x0E  # 0 = DATA, the only format that either official side implements
OK, OK_MATCHED = 0x00, 0x01
DDS_ERROR, MISMATCH, ALREADY_EXISTS, DENIED = 0x80, 0x81, 0x82, 0x83
UNKNOWN_REFERENCE, INVALID_DATA, INCOMPATIBLE, RESOURCES = 0x84, 0x85, 0x86, 0x87

NO_STREAM, BEST_EFFORT, RELIABLE = 0x00, 0x01, 0x80  # RELIABLE is also the bit that marks a reliable stream
KEYLESS = 0x80
COOKIE = b"XRCE"
VERSION_MAJOR = 1
IDENTITY = COOKIE + b"\x01\x00" + b"\x01\x0f"
OBJECT_AGENT, OBJECT_CLIENT = b"\xff\xfd", b"\xff\xfe"
HEADER, SUBHEADER = 4, 4
_HEADER = struct.Struct("<BBH")
_SUBHEADER = struct.Struct("<BBH")
_TIME = struct.Struct("<iI")
_LONE_SAMPLE = bytes((WRITE_DATA, LITTLE_ENDIAN))


class Header(NamedTuple):
    session: int
    stream: int
    sequence: int
    key: bytes  # empty where the session id says that there is none
    size: int


class Submessage(NamedTuple):
    kind: int
    flags: int
    payload: bytes


_new = tuple.__new__  # in C; a NamedTuple's own is a Python function


def parse_header(message: bytes) -> Header:
    """The 4 or 8 bytes in front of a message's submessages."""
    if len(message) < HEADER:
        raise Malformed("message shorter than its header")
    session, stream, sequence = _HEADER.unpack_from(message)
    if session >= KEYLESS:
        return _new(Header, (session, stream, sequence, b"", HEADER))
    if len(message) < 8:
        raise Malformed("message shorter than its header with key")
    return Header(session, stream, sequence, message[4:8], 8)


pack_header = _HEADER.pack


def build_header(session: int, stream: int, sequence: int, key: bytes) -> bytes:
    return _HEADER.pack(session, stream, sequence) + (key if session < KEYLESS else b"")


def build_submessage(kind: int, payload: bytes, flags: int = LITTLE_ENDIAN) -> bytes:
    return _SUBHEADER.pack(kind, flags, len(payload)) + payload


def submessages(message: bytes, offset: int, whole: bool = False) -> Iterator[Submessage]:
    """The submessages from ``offset`` on; ``whole``: ``message`` was rebuilt from fragments.

    A length beyond the end means "to the end", as the official agent takes it; whoever reads the payload finds out
    whether it is whole. CREATE_CLIENT gets everything that follows, since the official client announces too short a
    length when it sends properties. In a rebuilt message a length of 0 means "to the end" (samples over 64 kB).
    """
    end = len(message)
    while offset + SUBHEADER <= end:
        kind, flags, length = _SUBHEADER.unpack_from(message, offset)
        offset += SUBHEADER
        if kind == CREATE_CLIENT or (whole and length == 0 and kind == WRITE_DATA):
            yield Submessage(kind, flags, message[offset:])
            return
        yield Submessage(kind, flags, message[offset : offset + length])
        offset += length + (-length & 3)


def is_lone_sample(body: bytes) -> bool:
    """Whether a message is one WRITE_DATA and nothing else, as nearly every message of a running board is."""
    size = len(body) - SUBHEADER
    return size >= 4 and body[:2] == _LONE_SAMPLE and body[2] | body[3] << 8 == size


def first_submessage(message: bytes, offset: int) -> Submessage:
    """The submessage at ``offset``; Malformed where not even its header is whole."""
    found = next(submessages(message, offset), None)
    if found is None:
        raise Malformed("no whole submessage")
    return found


def parse_ids(payload: bytes) -> tuple[bytes, bytes]:
    """The request id and object id that most payloads begin with."""
    if len(payload) < 4:
        raise Malformed("no request and object id")
    return payload[:2], payload[2:4]


def parse_asked(payload: bytes) -> tuple[bytes, bytes]:
    """The ids of a GET_INFO, which is answered however short it is."""
    return payload[:2].ljust(2, b"\0"), payload[2:4].ljust(2, b"\0")


@dataclass(frozen=True)
class ClientHello:
    """What CREATE_CLIENT says. ``mtu``: the largest message that the client takes."""

    cookie: bytes
    major: int
    key: bytes
    session: int
    mtu: int
    properties: dict[str, str] = field(default_factory=dict)


def parse_create_client(submessage: Submessage) -> ClientHello:
    reader = CdrReader(submessage.payload, bool(submessage.flags & LITTLE_ENDIAN))
    cookie, version, _vendor = reader.take(4), reader.take(2), reader.take(2)
    key, session = reader.take(4), reader.u8()
    properties: dict[str, str] = {}
    if reader.boolean():
        for _ in range(min(reader.u32(), 64)):
            name = reader.string()
            properties[name] = reader.string()
    return ClientHello(cookie, version[0], key, session, reader.u16(), properties)


def build_create_client(
    key: bytes, session: int, mtu: int, properties: dict[str, str] | None = None
) -> bytes:
    """The CREATE_CLIENT submessage as a client sends it."""
    writer = CdrWriter().raw(IDENTITY + key).u8(session).u8(bool(properties))
    if properties:
        writer.u32(len(properties))
        for name, value in properties.items():
            writer.string(name).string(value)
    return build_submessage(CREATE_CLIENT, bytes(writer.u16(mtu).data))


def build_status_agent(result: int) -> bytes:
    return build_submessage(STATUS_AGENT, bytes((result, 0)) + IDENTITY + b"\0")


def build_status(request: bytes, object_id: bytes, result: int) -> bytes:
    return build_submessage(STATUS, request + object_id + bytes((result, 0)))


def build_info(request: bytes, object_id: bytes, knows_client: bool) -> bytes:
    """The answer to GET_INFO; its implementation status tells the client whether its session lives here."""
    configuration = b"\x01\x0d" + IDENTITY + b"\0"
    activity = b"\x01\x0d\0" + b"\x01\x00" + b"\0\0" + bytes(4)
    return build_submessage(INFO, request + object_id + bytes((OK, knows_client)) + configuration + activity)


def build_probe() -> bytes:
    """GET_INFO to a client, as hard liveliness sends it."""
    return build_submessage(GET_INFO, b"\0\0" + OBJECT_CLIENT + b"\x01\0\0\0")


def build_acknack(first_unacked: int, missing: int, stream: int) -> bytes:
    """``missing``: bit i set = sequence first + i is wanted again; goes out high byte first."""
    payload = first_unacked.to_bytes(2, "little") + missing.to_bytes(2, "big") + bytes((stream,))
    return build_submessage(ACKNACK, payload)


def parse_acknack(payload: bytes, little: bool) -> tuple[int, int, int]:
    """(first unacknowledged, bitmap of the missing, stream)."""
    if len(payload) < 5:
        raise Malformed("ACKNACK too short")
    first = int.from_bytes(payload[:2], "little" if little else "big")
    return first, int.from_bytes(payload[2:4], "big"), payload[4]


def build_heartbeat(first: int, last: int, stream: int) -> bytes:
    return build_submessage(HEARTBEAT, struct.pack("<HHB", first, last, stream))


def parse_heartbeat(payload: bytes, little: bool) -> tuple[int, int, int]:
    """(first unacknowledged, last sent, stream)."""
    if len(payload) < 5:
        raise Malformed("HEARTBEAT too short")
    first, last, stream = struct.unpack_from("<HHB" if little else ">HHB", payload)
    return first, last, stream


def build_timestamp_reply(transmit_ns: int, receive_ns: int, originate: bytes) -> bytes:
    """``originate``: the 8 bytes of the request, given back as they came (little endian)."""
    stamps = _TIME.pack(*divmod(transmit_ns, 10**9)) + _TIME.pack(*divmod(receive_ns, 10**9))
    return build_submessage(TIMESTAMP_REPLY, stamps + originate)


@dataclass(frozen=True)
class ReadRequest:
    """READ_DATA. ``max_samples`` 65535 = without end; 0 in the other limits = none."""

    request: bytes
    object_id: bytes
    stream: int
    max_samples: int = 1
    max_elapsed_s: int = 0
    max_bytes_per_s: int = 0

    @property
    def cancels(self) -> bool:
        return self.max_samples == 0


def parse_read_data(submessage: Submessage) -> ReadRequest:
    reader = CdrReader(submessage.payload, bool(submessage.flags & LITTLE_ENDIAN))
    request, object_id, stream, _format = reader.take(2), reader.take(2), reader.u8(), reader.u8()
    if reader.boolean():
        reader.string()  # content filter: ignored by the official agent too
    if not reader.boolean():
        return ReadRequest(request, object_id, stream)
    return ReadRequest(request, object_id, stream, reader.u16(), reader.u16(), reader.u16())


def build_read_data(request: bytes, object_id: bytes, stream: int, max_samples: int = 0xFFFF) -> bytes:
    control = struct.pack("<HHHH", max_samples, 0, 0, 0)
    return build_submessage(READ_DATA, request + object_id + bytes((stream, 0, 0, 1)) + control)


def build_data(request: bytes, object_id: bytes, payload: bytes) -> bytes:
    """A sample to the client. Over 64 kB the length is 0: "to the end", which only fragments can carry."""
    size = len(payload) + 4
    return _SUBHEADER.pack(DATA, LITTLE_ENDIAN, size if size <= 0xFFFF else 0) + request + object_id + payload
