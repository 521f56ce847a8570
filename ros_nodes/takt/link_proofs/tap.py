"""Reads along on a line between board and agent: what was said, and when. Pure; time is an argument."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

import takt.contract
from takt.link import messages as xrce
from takt.link.cdr import Malformed
from takt.link.framing import Deframer
from takt.link.representations import READER, WRITER

_KEPT = 4096
_TIME_BYTES = 8
_OPEN = 64
_BEFORE_S = 2.0


def object_id(topic: str, kind: int) -> bytes:
    """The id under which Takt's client creates the reader or writer of a topic of the contract."""
    number = list(takt.contract.load().topics).index(topic)
    return (number << 4 | kind).to_bytes(2, "big")


@dataclass
class LineTap:
    """Events of one line, newest last; times in monotonic ns. ``lock`` is held while they are read or written."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    logins_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    welcomes_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    times_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    statuses_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    turnarounds: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))  # (time, ms)
    joints: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    commands: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_KEPT))  # (time, stamp)

    def __post_init__(self) -> None:
        self._deframers = {"a_to_b": Deframer(), "b_to_a": Deframer()}
        self._asked: dict[bytes, int] = {}
        self._writer = object_id("joint_states", WRITER)
        self._reader = object_id("cmd_vel", READER)

    def hear(self, direction: str, data: bytes, now_ns: int) -> None:
        """Take bytes that arrived; ``a`` is the agent's side."""
        with self.lock:
            for frame in self._deframers[direction].feed(data):
                try:
                    header = xrce.parse_header(frame.payload)
                    for submessage in xrce.submessages(frame.payload, header.size):
                        self._note(submessage, now_ns)
                except Malformed:
                    continue

    def timeline(self, from_ns: int | None) -> dict[str, list[float]]:
        """Seconds after ``from_ns`` of what was said; logins also of 2 s before."""
        start_ns = from_ns or 0
        with self.lock:
            events = {
                "statuses": list(self.statuses_ns),
                "times": list(self.times_ns)[-20:],
                "joints": [at_ns for at_ns, _ in self.joints if at_ns >= start_ns][:1],
                "commands": [at_ns for at_ns, _ in self.commands if at_ns >= start_ns][:1],
            }
        sessions = {
            "logins": [round((at_ns - start_ns) / 1e9, 3) for at_ns in self.logins_ns],
            "welcomes": [round((at_ns - start_ns) / 1e9, 3) for at_ns in self.welcomes_ns],
        }
        recent = {name: [at_s for at_s in times if at_s > -_BEFORE_S] for name, times in sessions.items()}
        slow = [round(took_ms, 1) for at_ns, took_ms in self.turnarounds if at_ns >= start_ns]
        return {**recent, "agent_answers_in_ms": slow[-60:]} | {
            name: [round((at_ns - start_ns) / 1e9, 3) for at_ns in times if at_ns >= start_ns]
            for name, times in events.items()
        }

    def _note(self, submessage: xrce.Submessage, now_ns: int) -> None:
        kind, payload = submessage.kind, submessage.payload
        if kind == xrce.CREATE_CLIENT:
            self.logins_ns.append(now_ns)
        elif kind == xrce.STATUS_AGENT and payload[:1] == bytes((xrce.OK,)):
            self.welcomes_ns.append(now_ns)
        elif kind == xrce.STATUS:
            self.statuses_ns.append(now_ns)
        elif kind == xrce.TIMESTAMP:
            self._asked[payload[:_TIME_BYTES]] = now_ns
        elif kind == xrce.TIMESTAMP_REPLY:
            self.times_ns.append(now_ns)
            asked_ns = self._asked.pop(payload[2 * _TIME_BYTES :], now_ns)
            self.turnarounds.append((now_ns, (now_ns - asked_ns) / 1e6))
            if len(self._asked) > _OPEN:
                self._asked.clear()  # questions that were never answered
        elif kind == xrce.WRITE_DATA and payload[2:4] == self._writer:
            self.joints.append((now_ns, payload[4:]))
        elif kind == xrce.DATA and payload[2:4] == self._reader:
            stamp = payload[4 : 4 + _TIME_BYTES]
            seconds, rest = int.from_bytes(stamp[:4], "little"), int.from_bytes(stamp[4:], "little")
            self.commands.append((now_ns, seconds * 1_000_000_000 + rest))
