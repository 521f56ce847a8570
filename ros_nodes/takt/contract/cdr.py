"""CDR cursors in plain Python (XCDR1, little endian, no encapsulation header), the twin of firmware/core/src/cdr.c.

Alignment counts from the first byte. DDS peers put ``ENCAPSULATION`` in front, so ROS publishes
``ENCAPSULATION + message.to_cdr()`` and a raw message is read by ``TwistStamped.from_cdr(raw[4:])``. Bytes after a
message are passed over, since DDS rounds payloads up to four.
"""

from __future__ import annotations

import struct
from typing import Any, TypeVar

ENCAPSULATION = b"\x00\x01\x00\x00"

_U8, _U16, _U32, _U64 = (struct.Struct("<" + code) for code in "BHIQ")
_I8, _I16, _I32, _I64 = (struct.Struct("<" + code) for code in "bhiq")
_F32, _F64 = struct.Struct("<f"), struct.Struct("<d")

M = TypeVar("M", bound="Message")


class CdrError(ValueError):
    """Bytes that are no such message, or a value that its wire type cannot hold."""


class Writer:
    """Grows as it is written to; numbers align themselves to their own size."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = bytearray()

    def _number(self, layout: struct.Struct, value: float) -> None:
        self.data += bytes(-len(self.data) % layout.size)
        try:
            self.data += layout.pack(value)
        except (struct.error, OverflowError, TypeError) as error:
            raise CdrError(f"{value!r} does not fit its wire type: {error}") from error

    def u8(self, value: int) -> None:
        self._number(_U8, value)

    def u16(self, value: int) -> None:
        self._number(_U16, value)

    def u32(self, value: int) -> None:
        self._number(_U32, value)

    def u64(self, value: int) -> None:
        self._number(_U64, value)

    def i8(self, value: int) -> None:
        self._number(_I8, value)

    def i16(self, value: int) -> None:
        self._number(_I16, value)

    def i32(self, value: int) -> None:
        self._number(_I32, value)

    def i64(self, value: int) -> None:
        self._number(_I64, value)

    def f32(self, value: float) -> None:
        self._number(_F32, value)

    def f64(self, value: float) -> None:
        self._number(_F64, value)

    def bool(self, value: bool) -> None:
        self._number(_U8, 1 if value else 0)

    def string(self, value: str) -> None:
        encoded = value.encode("utf-8", "surrogateescape")
        self.u32(len(encoded) + 1)
        self.data += encoded + b"\0"

    def count(self, count: int, bound: int = 0) -> None:
        """Number of elements of a sequence; ``bound`` 0 means none."""
        if bound and count > bound:
            raise CdrError(f"{count} elements, at most {bound} are allowed")
        self.u32(count)

    def fixed(self, count: int, size: int) -> None:
        """An array of fixed size has no count on the wire; its length has to be right."""
        if count != size:
            raise CdrError(f"{count} elements, exactly {size} are needed")


class Reader:
    """Reads in order; raises CdrError rather than look past the end."""

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = bytes(data)
        self.offset = 0

    def _number(self, layout: struct.Struct) -> Any:
        start = self.offset + (-self.offset % layout.size)
        if start + layout.size > len(self.data):
            raise CdrError(f"{len(self.data)} bytes are too few")
        self.offset = start + layout.size
        return layout.unpack_from(self.data, start)[0]

    def u8(self) -> int:
        return int(self._number(_U8))

    def u16(self) -> int:
        return int(self._number(_U16))

    def u32(self) -> int:
        return int(self._number(_U32))

    def u64(self) -> int:
        return int(self._number(_U64))

    def i8(self) -> int:
        return int(self._number(_I8))

    def i16(self) -> int:
        return int(self._number(_I16))

    def i32(self) -> int:
        return int(self._number(_I32))

    def i64(self) -> int:
        return int(self._number(_I64))

    def f32(self) -> float:
        return float(self._number(_F32))

    def f64(self) -> float:
        return float(self._number(_F64))

    def bool(self) -> bool:
        value = self.u8()
        if value > 1:
            raise CdrError(f"{value} is no bool")
        return value == 1

    def string(self) -> str:
        size = self.u32()
        if size == 0:  # other writers send the empty string without its NUL
            return ""
        end = self.offset + size
        if end > len(self.data) or self.data[end - 1] != 0:
            raise CdrError("a string is cut off or lacks its NUL")
        text = self.data[self.offset : end - 1]
        self.offset = end
        return text.decode("utf-8", "surrogateescape")

    def count(self, bound: int = 0) -> int:
        """Number of elements of a sequence. No element is smaller than a byte, so more than what is left is a lie."""
        count = self.u32()
        if count > len(self.data) - self.offset or (bound and count > bound):
            raise CdrError(f"a sequence of {count} elements does not fit")
        return count


class Message:
    """A ROS message as a dataclass; the generated classes add ``write`` and ``read``."""

    __slots__ = ()

    def write(self, cdr: Writer) -> None:
        raise NotImplementedError

    @classmethod
    def read(cls: type[M], cdr: Reader) -> M:
        raise NotImplementedError

    def to_cdr(self) -> bytes:
        """Serialised, without encapsulation header. Raises CdrError for a value that does not fit its wire type."""
        cdr = Writer()
        self.write(cdr)
        return bytes(cdr.data)

    @classmethod
    def from_cdr(cls: type[M], data: bytes | bytearray | memoryview) -> M:
        """The message in ``data``, which carries no encapsulation header. Raises CdrError when it holds none."""
        return cls.read(Reader(data))
