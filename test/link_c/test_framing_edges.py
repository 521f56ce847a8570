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


def test_an_escaped_byte_is_the_one_with_the_bit_flipped_either_way(library: ctypes.CDLL) -> None:
    plain = frame(b"\x11\x31")
    line = plain.replace(b"\x11\x31", b"\x7d\x31\x7d\x11", 1)
    assert decode(library, line)[0] == [(b"\x11\x31", 0, 1)]


def test_the_encoder_never_writes_behind_its_room(library: ctypes.CDLL) -> None:
    payload = b"\x7e\x7dplain"
    whole = frame(payload, 1, 0)
    library.takt_frame_encode.restype = ctypes.c_size_t
    for room in range(len(whole) + 2):
        encoder, out = ctypes.create_string_buffer(64), ctypes.create_string_buffer(b"\xaa" * 64, 64)
        library.takt_frame_encoder_start(encoder, 1, 0, payload, len(payload))
        count = library.takt_frame_encode(encoder, out, ctypes.c_size_t(room))
        assert count == min(room, len(whole))
        assert out.raw[:count] == whole[:count] and out.raw[count:] == b"\xaa" * (64 - count)
