"""Single bytes at the edges of the decoder: before the first flag, flags in a row, escapes that nobody needs."""

from __future__ import annotations

import ctypes

from serial_frames import frame
from test_framing import decode


def test_nothing_is_a_frame_before_the_first_flag(library: ctypes.CDLL) -> None:
    assert decode(library, frame(b"early")[1:] + frame(b"first")) == ([(b"first", 0, 1)], (0, 0, 0))


def test_flags_in_a_row_cut_nothing(library: ctypes.CDLL) -> None:
    assert decode(library, b"\x7e\x7e\x7e" + frame(b"whole")) == ([(b"whole", 0, 1)], (0, 0, 0))


def test_any_byte_may_come_escaped(library: ctypes.CDLL) -> None:
    plain = frame(b"\x31\x11")
    line = plain.replace(b"\x31", b"\x7d\x11", 1)
    assert line != plain and decode(library, line)[0] == [(b"\x31\x11", 0, 1)]
