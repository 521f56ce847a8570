"""Serial frames in plain Python, written from the format's description: the tests' own second opinion."""

from __future__ import annotations

from dataclasses import dataclass


def crc16(payload: bytes) -> int:
    """CRC-16/ARC, bit by bit."""
    crc = 0
    for byte in payload:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def frame(payload: bytes, source: int = 0, destination: int = 1) -> bytes:
    body = bytes([source, destination]) + len(payload).to_bytes(2, "little") + payload
    body += crc16(payload).to_bytes(2, "little")
    return b"\x7e" + body.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")


def split(line: bytes) -> list[bytes]:
    """Cuts a run of frames before each flag."""
    return [b"\x7e" + piece for piece in line.split(b"\x7e")[1:]]


@dataclass
class Unframer:
    """Frames out of a byte stream that may cut them anywhere; a frame with a bad CRC is counted and dropped."""

    held: bytes = b""
    bad: int = 0

    def take(self, line: bytes) -> list[bytes]:
        self.held += line
        payloads = []
        while (piece := self._next_piece()) is not None:
            body = _unstuff(piece)
            if (
                len(body) < 6
                or len(body) != 6 + int.from_bytes(body[2:4], "little")
                or crc16(body[4:-2]) != int.from_bytes(body[-2:], "little")
            ):
                self.bad += 1
            else:
                payloads.append(body[4:-2])
        return payloads

    def _next_piece(self) -> bytes | None:
        start = self.held.find(b"\x7e")
        if start < 0:
            return None
        end = self.held.find(b"\x7e", start + 1)
        piece = self.held[start + 1 : end if end >= 0 else None]
        body = _unstuff(piece)
        complete = len(body) >= 4 and len(body) >= 6 + int.from_bytes(body[2:4], "little")
        if end < 0 and (not complete or piece.endswith(b"\x7d")):
            return None
        self.held = self.held[end:] if end >= 0 else b""
        return piece


def _unstuff(piece: bytes) -> bytes:
    return piece.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
