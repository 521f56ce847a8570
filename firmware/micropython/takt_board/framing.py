"""Serial frame of the link and of the plant stream, as firmware/core/include/takt/framing.h describes it.

The byte loops are viper: no allocation, and some fifty times faster than bytecode.
"""

from array import array

from micropython import const

AGENT = const(0)
BOARD = const(1)

_POSITION = const(0)  # words of the decoder's state
_SIZE = const(1)
_CRC = const(2)
_CRC_LOW = const(3)
_ESCAPED = const(4)
_HUNTING = const(5)
_HEADER = const(6)  # as it comes: source, destination, size low, size high
_SOURCE = const(6)
_DESTINATION = const(7)
_SIZE_LOW = const(8)
_CRC_ERRORS = const(10)
_OVERSIZED = const(11)
_CUT = const(12)
_CAPACITY = const(13)
_OFFSET = const(14)
_WORDS = const(15)

# CRC-16/ARC, four bits at a time
_TABLE = array(
    "H",
    b"\x00\x00\x01\xcc\x01\xd8\x00\x14\x01\xf0\x00\x3c\x00\x28\x01\xe4"
    b"\x01\xa0\x00\x6c\x00\x78\x01\xb4\x00\x50\x01\x9c\x01\x88\x00\x44",
)


@micropython.viper
def crc16(crc: int, data: ptr8, start: int, count: int) -> int:
    """CRC-16/ARC continued by data[start : start + count]."""
    table = ptr16(_TABLE)
    i = start
    end = start + count
    while i < end:
        byte = data[i]
        crc = (crc >> 4) ^ table[(crc ^ byte) & 15]
        crc = (crc >> 4) ^ table[(crc ^ (byte >> 4)) & 15]
        i += 1
    return crc


@micropython.viper
def _begin(state_array):
    # The flag: the next byte is a header's first.
    state = ptr32(state_array)
    if state[_HUNTING] == 0 and state[_POSITION] > 0:
        state[_CUT] += 1
    state[_HUNTING] = 0
    state[_ESCAPED] = 0
    state[_POSITION] = 0
    state[_CRC] = 0


# span: first byte << 16 | end. Returns the place behind the byte that completed a good frame; -1: none did.
@micropython.viper
def _decode(state_array, payload: ptr8, data: ptr8, span: int) -> int:
    state = ptr32(state_array)  # not given so: its address, handed on, would be an integer on the heap
    table = ptr16(_TABLE)
    i = span >> 16
    end = span & 0xFFFF
    while i < end:
        byte = data[i]
        i += 1
        if byte == 0x7E:
            _begin(state_array)
        elif state[_HUNTING]:
            continue
        elif byte == 0x7D:
            state[_ESCAPED] = 1
        else:
            if state[_ESCAPED]:
                state[_ESCAPED] = 0
                byte ^= 0x20
            at = state[_POSITION] - 4
            state[_POSITION] = at + 5
            if at < 0:
                state[at + (_HEADER + 4)] = byte
                if at == -1:
                    state[_SIZE] = state[_SIZE_LOW] | (byte << 8)
                    if state[_SIZE] > state[_CAPACITY]:
                        state[_OVERSIZED] += 1
                        state[_HUNTING] = 1
            elif at < state[_SIZE]:
                payload[state[_OFFSET] + at] = byte
                crc = state[_CRC]
                crc = (crc >> 4) ^ table[(crc ^ byte) & 15]
                state[_CRC] = (crc >> 4) ^ table[(crc ^ (byte >> 4)) & 15]
            elif at == state[_SIZE]:
                state[_CRC_LOW] = byte
            else:
                state[_HUNTING] = 1
                if state[_CRC] == state[_CRC_LOW] | (byte << 8):
                    return i
                state[_CRC_ERRORS] += 1
    return -1


@micropython.viper
def _encode(out: ptr8, payload: ptr8, place: int, size: int) -> int:
    # place: first place in out << 16 | source << 8 | destination. Returns the place behind the frame.
    table = ptr16(_TABLE)
    o = place >> 16
    out[o] = 0x7E
    o += 1
    crc = 0
    i = 0
    end = size + 6
    while i < end:
        if i >= 4 and i < size + 4:
            byte = payload[i - 4]
            crc = (crc >> 4) ^ table[(crc ^ byte) & 15]
            crc = (crc >> 4) ^ table[(crc ^ (byte >> 4)) & 15]
        elif i == 0:
            byte = (place >> 8) & 0xFF
        elif i == 1:
            byte = place & 0xFF
        elif i == 2:
            byte = size & 0xFF
        elif i == 3:
            byte = size >> 8
        elif i == size + 4:
            byte = crc & 0xFF
        else:
            byte = crc >> 8
        if byte == 0x7E or byte == 0x7D:
            out[o] = 0x7D
            o += 1
            byte ^= 0x20
        out[o] = byte
        o += 1
        i += 1
    return o


def encoded_max(size):
    """Bytes of a frame whose payload of ``size`` bytes needs stuffing everywhere."""
    return 1 + 2 * (size + 6)


def encode(out, at, payload, size, source, destination):
    """Put a frame into ``out`` from ``at`` on, which must have room for encoded_max(size); returns its end."""
    return _encode(out, payload, at << 16 | source << 8 | destination, size)


class Decoder:
    """Frames out of any portions of a line; a whole one lies in ``payload`` until the next call."""

    def __init__(self, payload, capacity):
        self.payload = payload
        self._state = array("i", bytes(4 * _WORDS))
        self._state[_HUNTING] = 1
        self._state[_CAPACITY] = capacity

    def feed(self, data, start, end):
        """Take data[start:end] up to the next good frame; returns the place behind it, -1 when there is none."""
        return _decode(self._state, self.payload, data, start << 16 | end)

    def aim(self, offset, capacity):
        """The next payload goes to payload[offset:], at most ``capacity`` bytes."""
        self._state[_OFFSET] = offset
        self._state[_CAPACITY] = capacity

    def size(self):
        return self._state[_SIZE]

    def source(self):
        return self._state[_SOURCE]

    def destination(self):
        return self._state[_DESTINATION]

    def crc_errors(self):
        return self._state[_CRC_ERRORS]

    def oversized(self):
        return self._state[_OVERSIZED]

    def cut(self):
        return self._state[_CUT]
