"""The stream between board and simulated plant (firmware/plant_stream): duty out, encoder samples in."""

from array import array

import uctypes
from micropython import const

from takt_board import framing
from takt_board.cdr import move

_DRIVE_BYTES = const(32)
_SAMPLE_BYTES = const(24)
_TYPE_DRIVE = const(1)
_TYPE_SAMPLE = const(2)


def _signed(word):
    return (word ^ 0x80000000) - 0x80000000


def _bytes_of(numbers, count):
    return uctypes.bytearray_at(uctypes.addressof(numbers), count)


class PlantStream:
    """Buffers are made once; numbers reach them through typed views, so that a cycle allocates nothing for them."""

    def __init__(self):
        self._words_in = array("I", bytes(_SAMPLE_BYTES))
        self._bytes_in = _bytes_of(self._words_in, _SAMPLE_BYTES)
        self._decoder = framing.Decoder(self._bytes_in, _SAMPLE_BYTES)
        self._words_out = array("I", bytes(_DRIVE_BYTES))
        self._bytes_out = _bytes_of(self._words_out, _DRIVE_BYTES)
        self._floats = array("f", bytes(16))
        self._float_bytes = _bytes_of(self._floats, 16)
        self.frame = bytearray(framing.encoded_max(_DRIVE_BYTES))

    def receive(self, data, count, now_ns, sample):
        """The newest sample of ``data`` ends up in ``sample``."""
        start = 0
        while True:
            start = self._decoder.feed(data, start, count)
            if start < 0:
                return
            if (
                self._decoder.size() == _SAMPLE_BYTES
                and self._bytes_in[0] == _TYPE_SAMPLE
                and self._decoder.destination() == framing.BOARD
            ):
                self._take(now_ns, sample)

    def _take(self, now_ns, sample):
        words = self._words_in
        flags = self._bytes_in[1]
        sample.present = True
        sample.received_ns = now_ns
        sample.e_stop = bool(flags & 1)
        sample.motor_fault = bool(flags & 2)
        sample.supply_mv = self._bytes_in[2] | self._bytes_in[3] << 8
        sample.sequence = words[1]
        sample.sample_ns = words[2] | words[3] << 32
        sample.left = _signed(words[4])
        sample.right = _signed(words[5])

    def encode(self, cycle, now_ns, control):
        """Fills ``frame`` with the drive order of ``control``; returns its size."""
        words = self._words_out
        safety = control.safety
        flags = (1 if control.driver_enabled else 0) | (2 if safety.armed else 0)
        words[0] = _TYPE_DRIVE | flags << 8 | safety.rung << 16
        words[1] = cycle & 0xFFFFFFFF
        words[2] = now_ns & 0xFFFFFFFF
        words[3] = now_ns >> 32
        control.put_drive(self._floats)
        move(self._bytes_out, self._float_bytes, 16 << 16, 16)
        return framing.encode(self.frame, 0, self._bytes_out, _DRIVE_BYTES, framing.BOARD, framing.AGENT)

    def encode_off(self, cycle, now_ns):
        """The last word: motors off."""
        for word in range(_DRIVE_BYTES // 4):
            self._words_out[word] = 0
        self._words_out[0] = _TYPE_DRIVE | 3 << 16
        self._words_out[1] = cycle & 0xFFFFFFFF
        self._words_out[2] = now_ns & 0xFFFFFFFF
        self._words_out[3] = now_ns >> 32
        return framing.encode(self.frame, 0, self._bytes_out, _DRIVE_BYTES, framing.BOARD, framing.AGENT)
