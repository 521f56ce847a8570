"""The short way of nearly everything that a running board says: one frame that is one best-effort sample.

It does what deframer, core and session do with such a frame, in one step: on an idle machine a function that is called
costs more than what it does. Whatever is not exactly of that form, or not whole, is left to them, untouched.
"""

from __future__ import annotations

import struct

from takt.link.crc16 import crc16
from takt.link.framing import AGENT_ADDRESS, ESCAPE, FLAG, Deframer
from takt.link.messages import KEYLESS, LITTLE_ENDIAN, RELIABLE, WRITE_DATA
from takt.link.ros_port import ENCAPSULATION
from takt.link.session import Session
from takt.link.stats import LinkStats

# flag, source, destination, size | session, stream, sequence | kind, flags, size | request id, object id
_HEAD = struct.Struct("<cBBHBBHBBH2s2s")
_FRAME_EXTRA = 7  # flag, addresses, size and check around a message
_MESSAGE_EXTRA = 8  # headers of message and submessage


class SampleLane:
    """``sessions`` by key, as their core keeps them; ``deframer``: the line's, which must not be in mid-frame."""

    def __init__(self, sessions: dict[bytes, Session], deframer: Deframer, stats: LinkStats) -> None:
        self._sessions, self._deframer, self._stats = sessions, deframer, stats

    def take(self, data: bytes, now_ns: int) -> bool:
        """Publish the sample that ``data`` is; False: it is something else, and nothing was done."""
        size = len(data)
        if size < _HEAD.size + 2 or self._deframer.needed or ESCAPE in data or data.find(FLAG, 1) > 0:
            return False
        flag, source, destination, length, number, stream, sequence, kind, flags, inner, _, object_id = (
            _HEAD.unpack_from(data)
        )
        if flag != FLAG or length + _FRAME_EXTRA != size or inner + _MESSAGE_EXTRA != length:
            return False
        if kind != WRITE_DATA or flags != LITTLE_ENDIAN or destination != AGENT_ADDRESS:
            return False
        if number <= KEYLESS or not 0 < stream < RELIABLE:
            return False
        for session in self._sessions.values():
            if session.address == source and session.id >= KEYLESS:
                break
        else:
            return False
        entity = session.entities.get(object_id)
        if entity is None or entity.publisher is None:
            return False
        if crc16(data[5:-2]) != data[-2] | data[-1] << 8:
            return False
        self._deframer.frames += 1
        self._stats.rx += 1
        session.now_ns = session.last_rx_ns = now_ns
        session.probes = 0
        if session.best_effort_in[stream].accept(sequence):
            entity.publisher.publish(ENCAPSULATION + data[_HEAD.size : -2])
            self._stats.samples_to_ros += 1
        else:
            self._stats.drop("late")
        return True
