"""A tiny DDS-XRCE agent in virtual time, and the line between it and the client: `ScriptedAgent`, `Line`, `World`.

It does what the official agent does on the wire (windows of 16, heartbeat each 200 ms, an ACKNACK for every reliable
message) and nothing beyond: enough to put the client through loss, restarts and old messages.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from client_under_test import CONNECTED, Client
from serial_frames import Unframer, frame, split

MS = 1_000_000
RELIABLE = 0x80
WINDOW = 16
HEARTBEAT_NS = 200 * MS
CMD_VEL, JOINT_STATES, APPLIED, DIAGNOSTICS, MISSES, LEDGER_ACK = range(6)  # order of the contract's topics
ARM, CLEAR_FAULT = range(2)
IDENTITY = bytes(range(24))  # SampleIdentity of a request
COOKIE = b"XRCE\x01\x00\x01\x0f"


def submessage(number: int, payload: bytes, flags: int = 1) -> bytes:
    return struct.pack("<BBH", number, flags, len(payload)) + payload


def message(stream: int, sequence: int, body: bytes, session: int = 0x81) -> bytes:
    return struct.pack("<BBH", session, stream, sequence) + body


def submessages(body: bytes) -> list[tuple[int, int, bytes]]:
    """(id, flags, payload) of each submessage of a message without its header."""
    found = []
    offset = 0
    while offset + 4 <= len(body):
        number, flags, length = struct.unpack_from("<BBH", body, offset)
        found.append((number, flags, body[offset + 4 : offset + 4 + length]))
        offset = (offset + 4 + length + 3) // 4 * 4
    return found


def data(number: int, kind: int, sample: bytes) -> bytes:
    """DATA for the object with that number and kind."""
    return submessage(9, struct.pack(">HH", 20, number << 4 | kind) + sample)


def numbered(count: int, size: int = 40) -> list[bytes]:
    """Samples that tell their place."""
    return [struct.pack("<I", i) * (size // 4) for i in range(count)]


@dataclass
class ScriptedAgent:
    ros_ns: Callable[[int], int] = lambda now_ns: 1_700_000_000_000_000_000 + now_ns
    answers_pings: bool = True
    answers_creates: bool = True
    refuse: dict[int, int] = field(default_factory=dict)  # object id -> result status of its CREATE
    known: bool = False
    logins: list[bytes] = field(default_factory=list)
    creates: list[bytes] = field(default_factory=list)  # whole CREATE and READ_DATA messages, in order
    writes: list[tuple[int, int, bytes]] = field(default_factory=list)  # stream, object id, data
    infos: list[bytes] = field(default_factory=list)
    out: bytearray = field(default_factory=bytearray)
    unframer: Unframer = field(default_factory=Unframer)

    def __post_init__(self) -> None:
        self.restart_streams()

    def restart_streams(self) -> None:
        self.expected = 0
        self.pieces = bytearray()  # of a fragmented message
        self.early: dict[int, bytes] = {}
        self.next_sequence = 0
        self.unconfirmed: dict[int, bytes] = {}
        self.waiting: list[bytes] = []
        self.best_effort_sequence = 0
        self.next_heartbeat_ns = 0

    def forget(self) -> None:
        """What a restart of the agent's process does."""
        self.known = False
        self.unframer = Unframer()
        self.out.clear()
        self.restart_streams()

    # ---- out ----

    def send_control(self, number: int, payload: bytes, session: int = 0x81) -> None:
        self.out += frame(message(0, 0, submessage(number, payload), session))

    def send_best_effort(self, body: bytes) -> None:
        self.out += frame(message(1, self.best_effort_sequence, body))
        self.best_effort_sequence = (self.best_effort_sequence + 1) & 0xFFFF

    def send_reliable(self, body: bytes) -> None:
        self.waiting.append(body)
        self._fill_window()

    def _fill_window(self) -> None:
        while self.waiting and len(self.unconfirmed) < WINDOW:
            sent = message(RELIABLE, self.next_sequence, self.waiting.pop(0))
            self.unconfirmed[self.next_sequence] = sent
            self.next_sequence = (self.next_sequence + 1) & 0xFFFF
            self.out += frame(sent)

    def run(self, now_ns: int) -> None:
        if self.known and self.unconfirmed and now_ns >= self.next_heartbeat_ns:
            self.next_heartbeat_ns = now_ns + HEARTBEAT_NS
            first, last = next(iter(self.unconfirmed)), next(reversed(self.unconfirmed))
            self.send_control(11, struct.pack("<HHB", first, last, RELIABLE))

    # ---- in ----

    def receive(self, line: bytes, now_ns: int) -> None:
        for payload in self.unframer.take(line):
            self._take(payload, now_ns)

    def _take(self, payload: bytes, now_ns: int) -> None:
        session, stream, sequence = struct.unpack_from("<BBH", payload)
        number = payload[4]
        if number == 0:
            self._log_in(payload)
        elif number == 2:
            self._answer_ping(payload)
        elif not self.known or session != 0x81:
            return
        elif stream == RELIABLE:
            self._take_reliable(payload, sequence)
        else:
            self._take_submessages(payload, now_ns)

    def _log_in(self, payload: bytes) -> None:
        self.logins.append(payload)
        self.known = True
        self.restart_streams()
        self.send_control(4, b"\0\0" + COOKIE + b"\0")

    def _answer_ping(self, payload: bytes) -> None:
        if self.answers_pings:
            self.send_control(6, payload[8:12] + bytes([0, int(self.known)]) + bytes(22))

    def _take_reliable(self, payload: bytes, sequence: int) -> None:
        if (sequence - self.expected) & 0xFFFF < WINDOW:
            self.early[sequence] = payload
        while self.expected in self.early:
            self._take_submessages(self.early.pop(self.expected), 0)
            self.expected = (self.expected + 1) & 0xFFFF
        self._confirm(max(((held - self.expected) & 0xFFFF for held in self.early), default=-1))

    def _confirm(self, newest: int) -> None:
        """ACKNACK; `newest`: how far past the expected one messages have been announced."""
        missing = sum(
            1 << i for i in range(min(newest + 1, WINDOW)) if (self.expected + i) & 0xFFFF not in self.early
        )
        self.send_control(
            10, struct.pack("<H", self.expected) + struct.pack(">H", missing) + bytes([RELIABLE])
        )

    def _take_submessages(self, payload: bytes, now_ns: int) -> None:
        for number, flags, content in submessages(payload[4:]):
            if number in (1, 8):
                self.creates.append(payload)
            assert number == 13 or payload[1] != RELIABLE or not self.pieces, "mixed with fragments"
            if number == 13:
                self._gather(content, flags, payload, now_ns)
            elif number == 1 and self.answers_creates:
                self._create(content)
            elif number == 7:
                assert flags == 1
                self.writes.append((payload[1], int.from_bytes(content[2:4], "big"), content[4:]))
            elif number == 6:
                self.infos.append(content)
            elif number == 10:
                self._take_acknack(content)
            elif number == 11:
                last = struct.unpack_from("<H", content, 2)[0]
                ahead = (last - self.expected) & 0xFFFF
                self._confirm(ahead if ahead < 0x8000 else -1)
            elif number == 14:
                stamp = struct.pack("<iI", *divmod(self.ros_ns(now_ns), 1_000_000_000))
                self.send_control(15, stamp + stamp + content)

    def _gather(self, content: bytes, flags: int, payload: bytes, now_ns: int) -> None:
        self.pieces += content
        if flags & 2:
            whole, self.pieces = bytes(self.pieces), bytearray()
            self._take_submessages(payload[:4] + whole, now_ns)

    def _create(self, content: bytes) -> None:
        status = self.refuse.get(int.from_bytes(content[2:4], "big"), 0)
        self.send_reliable(submessage(5, content[:4] + bytes([status, 0])))

    def _take_acknack(self, content: bytes) -> None:
        first, missing = struct.unpack("<H", content[:2])[0], struct.unpack(">H", content[2:4])[0]
        if 0 < (first - self.next_sequence) & 0xFFFF < 0x8000:
            return  # it confirms what was never sent
        for sequence in [s for s in self.unconfirmed if (first - s - 1) & 0xFFFF < 0x7FFF]:
            del self.unconfirmed[sequence]
        for i in range(WINDOW):
            again = self.unconfirmed.get((first + i) & 0xFFFF)
            if missing >> i & 1 and again is not None:
                self.out += frame(again)
        self._fill_window()


@dataclass
class Line:
    """One direction: whole frames are dropped, doubled or hit by a flipped bit, each with a probability."""

    seed: int = 0
    drop: float = 0.0
    double: float = 0.0
    flip: float = 0.0
    cut: bool = False

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def carry(self, line: bytes) -> bytes:
        if self.cut:
            return b""
        if self.drop == self.double == self.flip == 0.0:
            return line
        return b"".join(map(self._carry_frame, split(line)))

    def _carry_frame(self, one: bytes) -> bytes:
        if self._random.random() < self.drop:
            return b""
        if self._random.random() < self.flip:
            place = self._random.randrange(len(one))
            flipped = one[place] ^ 1 << self._random.randrange(8)
            one = one[:place] + bytes([flipped]) + one[place + 1 :]
        return one * (2 if self._random.random() < self.double else 1)


@dataclass
class World:
    """Client, line and agent on one virtual clock; a step is one millisecond."""

    client: Client
    agent: ScriptedAgent = field(default_factory=ScriptedAgent)
    up: Line = field(default_factory=lambda: Line(seed=1))
    down: Line = field(default_factory=lambda: Line(seed=2))
    now_ns: int = MS

    def step(self) -> None:
        self.client.run(self.now_ns)
        self.agent.receive(self.up.carry(self.client.take_sent()), self.now_ns)
        self.agent.run(self.now_ns)
        line, self.agent.out = bytes(self.agent.out), bytearray()
        self.now_ns += MS
        self.client.receive(self.down.carry(line), self.now_ns)

    def run_for(self, milliseconds: int) -> None:
        for _ in range(milliseconds):
            self.step()

    def run_until(self, condition: Callable[[], bool], limit_ms: int) -> int:
        """Milliseconds until the condition holds; fails after `limit_ms`."""
        for elapsed_ms in range(limit_ms + 1):
            if condition():
                return elapsed_ms
            self.step()
        raise AssertionError(f"not within {limit_ms} ms")

    def connect(self, limit_ms: int = 300) -> int:
        """Until samples flow; see :meth:`complete`."""
        return self.run_until(lambda: self.client.state == CONNECTED, limit_ms)

    def complete(self, limit_ms: int = 300) -> int:
        """Until all is there and confirmed, the services of parameters too."""
        took_ms = self.run_until(lambda: self.client.complete, limit_ms)
        self.run_for(2)
        return took_ms
