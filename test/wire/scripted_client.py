"""A micro-ROS client for tests: it says what the test tells it to, and keeps all that it hears."""

from __future__ import annotations

import struct
from collections import defaultdict

from takt.link import messages as xrce
from takt.link.cdr import CdrWriter
from takt.link.framing import Deframer, encode_frame
from takt.link.messages import LITTLE_ENDIAN, RELIABLE, REPLACE, REUSE
from takt.link.representations import (
    PARTICIPANT,
    PUBLISHER,
    READER,
    REPLIER,
    SUBSCRIBER,
    TOPIC,
    WRITER,
)
from takt.link.streams import Rebuilder, ReliableIn, ReliableOut

KEY = b"\x11\x22\x33\x44"


def object_id(number: int, kind: int) -> bytes:
    return bytes((number >> 4, (number & 0xF) << 4 | kind))


def submessage(kind: int, payload: bytes, flags: int = LITTLE_ENDIAN) -> bytes:
    return xrce.build_submessage(kind, payload, flags)


class ScriptedClient:
    """Speaks session 0x81 on the framed line. ``take`` and ``give`` are its two ends of the line.

    Reliable output is kept until acknowledged, as a real client does; :meth:`tick` repeats what is marked missing.
    """

    def __init__(self, key: bytes = KEY, session: int = 0x81, mtu: int = 508, address: int = 1) -> None:
        self.key, self.session, self.mtu, self.address = key, session, mtu, address
        self._deframer = Deframer()
        self._out = b""
        self._request = 9
        self.heard: list[xrce.Submessage] = []
        self.samples: list[tuple[bytes, bytes]] = []  # (reader id, payload)
        self.statuses: dict[bytes, int] = {}  # request id -> result
        self.restart_streams()

    def restart_streams(self) -> None:
        self.outbound = ReliableOut(self.mtu - 4)
        self.inbounds: dict[int, ReliableIn] = defaultdict(ReliableIn)
        self._rebuilder = Rebuilder()
        self._best_effort = 0

    # ------------------------------------------------------------------ out

    def take(self) -> bytes:
        out, self._out = self._out, b""
        return out

    def send(self, body: bytes, stream: int = 0, sequence: int = 0, session: int | None = None) -> None:
        header = xrce.build_header(self.session if session is None else session, stream, sequence, self.key)
        self._out += encode_frame(header + body, self.address, 0)

    def reliably(self, body: bytes, now_ns: int = 0) -> None:
        self.outbound.offer(body)
        self.tick(now_ns)

    def tick(self, now_ns: int) -> None:
        for sequence, body in self.outbound.due(now_ns):
            self.send(body, RELIABLE, sequence)
        beat = self.outbound.heartbeat(now_ns)
        if beat:
            self.send(xrce.build_heartbeat(*beat, RELIABLE))

    def hello(self, properties: dict[str, str] | None = None) -> None:
        self.restart_streams()
        body = xrce.build_create_client(self.key, self.session, self.mtu, properties)
        self.send(body, session=self.session & 0x80)

    def request(self) -> bytes:
        self._request += 1
        return self._request.to_bytes(2, "big")

    def create(
        self, kind: int, number: int, blob: bytes, parent: bytes, flags: int = REUSE | REPLACE
    ) -> bytes:
        """CREATE in binary form, reliably; returns the request id that the status will carry."""
        request = self.request()
        writer = CdrWriter().raw(request + object_id(number, kind)).u8(kind).u8(3).u32(len(blob)).raw(blob)
        if kind == PARTICIPANT:
            writer.align(2)
        self.reliably(submessage(xrce.CREATE, bytes(writer.raw(parent).data), LITTLE_ENDIAN | flags))
        return request

    def participant(self, name: str, number: int = 0, domain: int = 255) -> bytes:
        blob = CdrWriter().u8(0).u8(1).string(name)
        return self.create(PARTICIPANT, number, bytes(blob.data), struct.pack("<h", domain))

    def topic(self, number: int, name: str, type_name: str) -> bytes:
        blob = CdrWriter().string(name).u8(0).u8(1).string(type_name)
        return self.create(TOPIC, number, bytes(blob.data), object_id(0, PARTICIPANT))

    def writer(self, number: int, *, reliable: bool = False, depth: int = 10) -> bytes:
        """A writer with a publisher of its own on the topic of the same number."""
        self.create(PUBLISHER, number, b"\0\0", object_id(0, PARTICIPANT))
        qos = struct.pack("<HBxH4x", 2 | reliable, 1, depth)
        blob = object_id(number, TOPIC) + b"\x01\0" + qos
        return self.create(WRITER, number, blob, object_id(number, PUBLISHER))

    def reader(self, number: int, *, reliable: bool = False, depth: int = 10, stream: int = 1) -> bytes:
        """A reader with a subscriber of its own, reading without end on ``stream``."""
        self.create(SUBSCRIBER, number, b"\0\0", object_id(0, PARTICIPANT))
        qos = struct.pack("<HBxH5x", 2 | reliable, 1, depth)
        blob = object_id(number, TOPIC) + b"\x01\0" + qos
        request = self.create(READER, number, blob, object_id(number, SUBSCRIBER))
        self.reliably(xrce.build_read_data(self.request(), object_id(number, READER), stream))
        return request

    def replier(self, number: int, name: str, request_type: str, reply_type: str) -> bytes:
        blob = CdrWriter().string(name).string(request_type).string(reply_type)
        blob.u8(1).string(f"rq{name}Request").u8(1).string(f"rr{name}Reply")
        request = self.create(REPLIER, number, bytes(blob.data), object_id(0, PARTICIPANT))
        self.reliably(xrce.build_read_data(self.request(), object_id(number, REPLIER), RELIABLE))
        return request

    def write(self, number: int, sample: bytes, *, reliable: bool = False, kind: int = WRITER) -> None:
        body = submessage(xrce.WRITE_DATA, self.request() + object_id(number, kind) + sample)
        if reliable:
            self.reliably(body)
        else:
            self.send(body, 1, self._best_effort)
            self._best_effort = (self._best_effort + 1) & 0xFFFF

    # ------------------------------------------------------------------- in

    def give(self, data: bytes, now_ns: int = 0) -> None:
        for frame in self._deframer.feed(data):
            if frame.destination == self.address:
                self._hear(frame.payload, now_ns)

    def _hear(self, message: bytes, now_ns: int) -> None:
        header = xrce.parse_header(message)
        body = message[header.size :]
        if header.stream < RELIABLE:
            self._process(body, now_ns)
            return
        inbound = self.inbounds[header.stream]
        for ready in inbound.receive(header.sequence, body):
            self._process(ready, now_ns)
        self.send(xrce.build_acknack(*inbound.acknack(), header.stream))

    def _process(self, body: bytes, now_ns: int, whole: bool = False) -> None:
        for part in xrce.submessages(body, 0, whole):
            self.heard.append(part)
            if part.kind == xrce.STATUS:
                self.statuses[part.payload[:2]] = part.payload[4]
            elif part.kind == xrce.DATA:
                self.samples.append((part.payload[2:4], part.payload[4:]))
            elif part.kind == xrce.FRAGMENT:
                rebuilt = self._rebuilder.add(part.payload, bool(part.flags & xrce.LAST_FRAGMENT))
                if rebuilt:
                    self._process(rebuilt, now_ns, True)
            elif part.kind == xrce.ACKNACK:
                first, missing, _ = xrce.parse_acknack(part.payload, True)
                for sequence, again in self.outbound.acknowledge(first, missing, now_ns):
                    self.send(again, RELIABLE, sequence)
                self.tick(now_ns)
            elif part.kind == xrce.HEARTBEAT:
                first, last, stream = xrce.parse_heartbeat(part.payload, True)
                for ready in self.inbounds[stream].heartbeat(first, last):
                    self._process(ready, now_ns)
                self.send(xrce.build_acknack(*self.inbounds[stream].acknack(), stream))
