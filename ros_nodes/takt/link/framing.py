"""The serial frame: ``7E src dst len_lo len_hi payload crc_lo crc_hi``, bytes in and frames out.

7E stands only at a frame's start and every later 7D or 7E is escaped (7D, then the byte XOR 20), so that a
chunk of line is cut by ``split`` and unescaped by ``replace``; no Python loop runs over bytes. There is no end
mark: the length says where a frame ends.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from takt.link.crc16 import crc16

AGENT_ADDRESS = 0
MAX_PAYLOAD = 65535
FLAG, ESCAPE = b"\x7e", b"\x7d"
_ESCAPED_FLAG, _ESCAPED_ESCAPE = b"\x7d\x5e", b"\x7d\x5d"
_HEADER, _CRC = 4, 2
_pack_head, _pack_crc = struct.Struct("<BBH").pack, struct.Struct("<H").pack


class Frame(NamedTuple):
    source: int
    destination: int
    payload: bytes


_new = tuple.__new__  # in C; a NamedTuple's own is a Python function


def encode_frame(payload: bytes, source: int = AGENT_ADDRESS, destination: int = 1) -> bytes:
    """The bytes of one frame as they go on the line."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"payload of {len(payload)} bytes, the frame holds {MAX_PAYLOAD}")
    body = _pack_head(source, destination, len(payload)) + payload + _pack_crc(crc16(payload))
    if ESCAPE in body:
        body = body.replace(ESCAPE, _ESCAPED_ESCAPE)
    if FLAG in body:
        body = body.replace(FLAG, _ESCAPED_FLAG)
    return FLAG + body


def unescape(body: bytes) -> bytes:
    """Undo the escapes of a frame's bytes after its flag. A trailing lone 7D must have been cut off before."""
    escapes = body.count(ESCAPE)
    if not escapes:
        return body
    if body.count(_ESCAPED_FLAG) + body.count(_ESCAPED_ESCAPE) == escapes:
        return body.replace(_ESCAPED_FLAG, FLAG).replace(_ESCAPED_ESCAPE, ESCAPE)
    first, *rest = body.split(ESCAPE)  # a sender may escape other bytes too
    return first + b"".join(bytes((part[0] ^ 0x20,)) + part[1:] for part in rest if part)


class Deframer:
    """Incremental decoder of one line. Counts what it throws away; never raises for what comes in.

    ``max_payload``: longer announced frames are dropped at once, so that a flipped length byte cannot make the
    decoder collect 64 kB.
    """

    def __init__(self, max_payload: int = MAX_PAYLOAD) -> None:
        self._max_payload = max_payload
        self._pending = b""  # raw bytes after the last flag
        self.needed = 0  # raw bytes that the pending frame takes at least; 0: no frame begun
        self.frames = 0
        self.crc_errors = 0
        self.cut_short = 0  # a new flag came before the announced end
        self.oversize = 0

    def reset(self) -> None:
        """Forget a half-received frame (the line was opened anew)."""
        self._pending, self.needed = b"", 0

    def feed(self, data: bytes) -> list[Frame]:
        """Take a chunk of line; returns the frames that it completes."""
        frames: list[Frame] = []
        head, *rest = data.split(FLAG)
        if self.needed and head:
            self._pending += head
            self._finish(frames)
        for part in rest:
            if self.needed and self._pending:
                self.cut_short += 1
            self._pending, self.needed = part, _HEADER + _CRC
            self._finish(frames)
        return frames

    def _finish(self, frames: list[Frame]) -> None:
        """Hand out the pending frame if it is whole; else note how many bytes are missing at least."""
        raw = self._pending
        if len(raw) < self.needed:
            return
        body = raw if ESCAPE not in raw else unescape(raw[:-1] if raw.endswith(ESCAPE) else raw)
        if len(body) < _HEADER:
            self.needed = len(raw) + 1
            return
        size = body[2] | body[3] << 8
        end = _HEADER + size
        if size > self._max_payload:
            self.oversize += 1
        elif len(body) < end + _CRC:
            self.needed = len(raw) + end + _CRC - len(body)
            return
        else:
            payload = body[_HEADER:end]
            if crc16(payload) == body[end] | body[end + 1] << 8:
                self.frames += 1
                frames.append(_new(Frame, (body[0], body[1], payload)))
            else:
                self.crc_errors += 1
        self._pending, self.needed = b"", 0
