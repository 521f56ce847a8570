"""Reading and writing the plain CDR that XRCE payloads are made of (alignment from the first byte given)."""

from __future__ import annotations

import struct

_LITTLE = {size: struct.Struct("<" + code) for size, code in ((2, "H"), (4, "I"), (8, "Q"))}
_BIG = {size: struct.Struct(">" + code) for size, code in ((2, "H"), (4, "I"), (8, "Q"))}
MAX_STRING = 4096


class Malformed(ValueError):
    """The bytes are not what the protocol says; the message is dropped and counted."""


class CdrReader:
    """A cursor over ``data``; every getter raises :class:`Malformed` where the bytes run out."""

    __slots__ = ("_numbers", "data", "offset")

    def __init__(self, data: bytes, little_endian: bool = True, offset: int = 0) -> None:
        self.data = data
        self.offset = offset
        self._numbers = _LITTLE if little_endian else _BIG

    def take(self, count: int) -> bytes:
        end = self.offset + count
        if end > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.offset}, {len(self.data)} there")
        piece = self.data[self.offset : end]
        self.offset = end
        return piece

    def align(self, size: int) -> None:
        self.offset += -self.offset % size

    def _number(self, size: int) -> int:
        self.align(size)
        value: int = self._numbers[size].unpack(self.take(size))[0]
        return value

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return self._number(2)

    def u32(self) -> int:
        return self._number(4)

    def u64(self) -> int:
        return self._number(8)

    def boolean(self) -> bool:
        value = self.u8()
        if value > 1:
            raise Malformed(f"bool of value {value}")
        return bool(value)

    def octets(self) -> bytes:
        """A sequence of octets: u32 count, then the bytes."""
        return self.take(self.u32())

    def string(self) -> str:
        """A CDR string: u32 length with the NUL, bytes, NUL."""
        size = self.u32()
        if size > MAX_STRING:
            raise Malformed(f"string of {size} bytes")
        try:
            return self.take(size).split(b"\0", 1)[0].decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"string is not UTF-8: {error}") from None


class CdrWriter:
    """Builds little-endian CDR; the counterpart of :class:`CdrReader`."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = bytearray()

    def align(self, size: int) -> CdrWriter:
        self.data += bytes(-len(self.data) % size)
        return self

    def raw(self, piece: bytes) -> CdrWriter:
        self.data += piece
        return self

    def u8(self, value: int) -> CdrWriter:
        return self.raw(bytes((value,)))

    def u16(self, value: int) -> CdrWriter:
        return self.align(2).raw(_LITTLE[2].pack(value))

    def u32(self, value: int) -> CdrWriter:
        return self.align(4).raw(_LITTLE[4].pack(value))

    def string(self, text: str) -> CdrWriter:
        encoded = text.encode() + b"\0"
        return self.u32(len(encoded)).raw(encoded)
