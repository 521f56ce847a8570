"""Bounded little-endian cursor: CDR (XCDR1 without encapsulation header) and XRCE messages alike.

Alignment counts from ``base``. The first operation that does not fit clears ``ok``; from then on nothing moves and
everything reads as zero, so a caller may check once at the end. Numbers go through typed views of a few bytes, which
allocates nothing but the floats and large integers that are read.
"""

from array import array

import uctypes


@micropython.viper
def move(target: ptr8, source: ptr8, places: int, count: int):
    """Copy ``count`` bytes; places: first target place << 16 | first source place. Areas may overlap downwards."""
    t = places >> 16
    s = places & 0xFFFF
    i = 0
    while i < count:
        target[t + i] = source[s + i]
        i += 1


@micropython.viper
def same(a: ptr8, b: ptr8, place: int, count: int) -> bool:
    """a[place : place + count] == b[:count]"""
    i = 0
    while i < count:
        if a[place + i] != b[i]:
            return False
        i += 1
    return True


def _view(numbers):
    return uctypes.bytearray_at(uctypes.addressof(numbers), 8)


class Cursor:
    """Writes into, or reads from, buffer[start:end]. One object serves for ever: open() aims it anew."""

    def __init__(self):
        self._unsigned = array("I", bytes(8))  # not "Q": reading that makes a large integer of any value
        self._signed = array("i", bytes(8))
        self._double = array("d", bytes(8))
        self._single = array("f", bytes(8))
        self._unsigned_bytes = _view(self._unsigned)
        self._signed_bytes = _view(self._signed)
        self._double_bytes = _view(self._double)
        self._single_bytes = _view(self._single)
        self.buffer = b""
        self.open(b"", 0, 0)

    def open(self, buffer, start, end):
        self.buffer = buffer
        self.base = start
        self.at = start
        self.end = end
        self.ok = True

    def claim(self, count):
        """First of ``count`` bytes, -1 when they are not there."""
        at = self.at
        if not self.ok or count > self.end - at:
            self.ok = False
            return -1
        self.at = at + count
        return at

    def limit(self, count, most):
        """A bounded sequence of the message definition must not hold more."""
        self.ok = self.ok and count <= most

    def write_align(self, size):
        count = (self.base - self.at) & (size - 1)
        if count:
            at = self.claim(count)
            if at >= 0:
                for i in range(at, at + count):
                    self.buffer[i] = 0

    def read_align(self, size):
        self.claim((self.base - self.at) & (size - 1))

    def _put(self, value_bytes, size):
        self.write_align(size)
        at = self.claim(size)
        if at >= 0:
            move(self.buffer, value_bytes, at << 16, size)

    def _get(self, value_bytes, size):
        self.read_align(size)
        at = self.claim(size)
        if at >= 0:
            move(value_bytes, self.buffer, at, size)
        return at >= 0

    def write_u8(self, value):
        at = self.claim(1)
        if at >= 0:
            self.buffer[at] = value

    def _write_unsigned(self, value, size):
        self._unsigned[0] = value
        self._put(self._unsigned_bytes, size)

    def write_u16(self, value):
        self._write_unsigned(value, 2)

    def write_u32(self, value):
        self._write_unsigned(value, 4)

    def write_u64(self, value):
        self._unsigned[1] = value >> 32
        self._write_unsigned(value & 0xFFFFFFFF, 8)

    def _write_signed(self, value, size):
        self._signed[0] = value
        self._put(self._signed_bytes, size)

    def write_i8(self, value):
        self._write_signed(value, 1)

    def write_i16(self, value):
        self._write_signed(value, 2)

    def write_i32(self, value):
        self._write_signed(value, 4)

    def write_i64(self, value):
        self.write_u64(value & 0xFFFFFFFFFFFFFFFF)

    def write_f32(self, value):
        self._single[0] = value
        self._put(self._single_bytes, 4)

    def write_f64(self, value):
        self._double[0] = value
        self._put(self._double_bytes, 8)

    def write_bool(self, value):
        self.write_u8(1 if value else 0)

    def write_bytes(self, data, count):
        at = self.claim(count)
        if at >= 0:
            move(self.buffer, data, at << 16, count)

    def write_string(self, text):
        count = len(text)
        self.write_u32(count + 1)
        self.write_bytes(text, count)
        self.write_u8(0)

    def write_pair(self, value):
        """Two bytes, high first, not aligned: how XRCE writes its ids."""
        self.write_u8(value >> 8 & 0xFF)
        self.write_u8(value & 0xFF)

    def read_u8(self):
        at = self.claim(1)
        return self.buffer[at] if at >= 0 else 0

    def _read_unsigned(self, size):
        self._unsigned[0] = 0
        return self._unsigned[0] if self._get(self._unsigned_bytes, size) else 0

    def read_u16(self):
        return self._read_unsigned(2)

    def read_u32(self):
        return self._read_unsigned(4)

    def read_u64(self):
        low = self._read_unsigned(8)
        return low | self._unsigned[1] << 32 if self.ok else 0

    def read_i8(self):
        value = self.read_u8()
        return value - 256 if value > 127 else value

    def read_i16(self):
        value = self.read_u16()
        return value - 65536 if value > 32767 else value

    def read_i32(self):
        return self._signed[0] if self._get(self._signed_bytes, 4) else 0

    def read_i64(self):
        if not self._get(self._signed_bytes, 8):
            return 0
        return self._signed[1] << 32 | (self._signed[0] & 0xFFFFFFFF)

    def read_f32(self):
        return self._single[0] if self._get(self._single_bytes, 4) else 0.0

    def read_f64(self):
        return self._double[0] if self._get(self._double_bytes, 8) else 0.0

    def read_bool(self):
        value = self.read_u8()
        self.ok = self.ok and value <= 1
        return self.ok and value == 1

    def read_string(self, known=b""):
        """The characters as bytes; ``known`` itself when it holds the same ones, which costs no memory."""
        size = self.read_u32()
        if size == 0:
            return b""
        at = self.claim(size)
        if at < 0 or self.buffer[at + size - 1] != 0:
            self.ok = False
            return b""
        count = size - 1
        if count == len(known) and same(self.buffer, known, at, count):
            return known
        return bytes(memoryview(self.buffer)[at : at + count])

    def read_pair(self):
        high = self.read_u8()
        return high << 8 | self.read_u8()
