"""The serial frame: the vectors of the wire, every way of cutting a stream, and noise."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takt.link.crc16 import crc16, crc16_pure
from takt.link.framing import Deframer, Frame, encode_frame, unescape

CREATE_CLIENT = bytes.fromhex("7e010018008000000000011000585243450100010faaaabbbb8100fc013d01")
STATUS_AGENT = bytes.fromhex("7e000113008100000004010b000000585243450100010f0000ec")
ESCAPED_CRC = bytes.fromhex("7e000110008180070009010800000e00065b1b0000bb7d5e")  # its CRC's high byte is 7E


@pytest.mark.parametrize("crc", [crc16, crc16_pure])
def test_crc_is_arc(crc):
    assert crc(b"123456789") == 0xBB3D
    assert crc(b"") == 0


@given(st.binary(max_size=700))
@settings(max_examples=100, deadline=None)
def test_pure_crc_equals_the_wheel(data):
    assert crc16_pure(data) == crc16(data)


@pytest.mark.parametrize("line", [CREATE_CLIENT, STATUS_AGENT, ESCAPED_CRC])
def test_recorded_frames_decode_and_encode_alike(line):
    (frame,) = Deframer().feed(line)
    assert encode_frame(frame.payload, frame.source, frame.destination) == line


def test_escapes_are_undone_in_the_right_order():
    assert unescape(b"\x7d\x5d\x5e") == b"\x7d\x5e"
    assert unescape(b"\x7d\x5e\x7d\x5d") == b"\x7e\x7d"
    assert unescape(b"\x7d\x31") == b"\x11", "a sender may escape more than it must"


@given(st.lists(st.binary(max_size=60), max_size=5), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_any_portions_give_the_same_frames(payloads, portion):
    line = b"".join(encode_frame(payload, 1, 0) for payload in payloads)
    whole = Deframer().feed(line)
    assert whole == [Frame(1, 0, payload) for payload in payloads]
    deframer = Deframer()
    frames = [
        f for start in range(0, len(line), portion) for f in deframer.feed(line[start : start + portion])
    ]
    assert frames == whole


def test_worst_case_payload_of_flags_and_escapes():
    payload = b"\x7e\x7d" * 250
    line = encode_frame(payload, 1, 0)
    assert line.count(b"\x7e") == 1
    assert Deframer().feed(line) == [Frame(1, 0, payload)]


def test_a_flipped_bit_costs_that_frame_only():
    """Whichever bit flips, the frame after the next flag still comes through, and no false one before it."""
    good = encode_frame(b"good one", 1, 0)
    victim = encode_frame(b"victim", 1, 0)
    for bit in range(8 * len(victim)):
        harmed = bytearray(victim)
        harmed[bit // 8] ^= 1 << bit % 8
        frames = Deframer().feed(bytes(harmed) + good + good)
        payloads = [frame.payload for frame in frames]
        assert payloads[-1] == b"good one"
        assert all(payload in (b"good one", b"victim") for payload in payloads)


def test_oversize_announcement_is_not_collected():
    deframer = Deframer(max_payload=512)
    assert deframer.feed(b"\x7e\x01\x00\xff\xff" + bytes(100)) == []
    assert deframer.oversize == 1
    assert deframer.feed(encode_frame(b"next", 1, 0)) == [Frame(1, 0, b"next")]


def test_counters_tell_what_was_thrown_away():
    deframer = Deframer()
    bad = bytearray(encode_frame(b"abcd", 1, 0))
    bad[-1] ^= 1
    deframer.feed(bytes(bad))
    deframer.feed(encode_frame(b"abcdefgh", 1, 0)[:-4])
    deframer.feed(encode_frame(b"x", 1, 0))
    assert (deframer.crc_errors, deframer.cut_short, deframer.frames) == (1, 1, 1)


@given(st.binary(max_size=3000), st.integers(1, 997))
@settings(max_examples=100, deadline=None)
def test_noise_never_raises_and_never_blocks_what_follows(noise, portion):
    deframer = Deframer()
    for start in range(0, len(noise), portion):
        deframer.feed(noise[start : start + portion])
    good = encode_frame(b"after the storm", 1, 0)
    assert Frame(1, 0, b"after the storm") in deframer.feed(good)


def test_unescaping_a_dripping_frame_is_not_quadratic():
    """A full-size frame that drips in byte by byte is looked at a few times, not once a byte."""
    payload = random.Random(7).randbytes(508)
    line = encode_frame(payload, 1, 0)
    deframer = Deframer()
    looks = 0
    finish = deframer._finish

    def counted(frames):
        nonlocal looks
        looks += len(deframer._pending) >= deframer.needed
        finish(frames)

    deframer._finish = counted
    frames = [frame for byte in line for frame in deframer.feed(bytes((byte,)))]
    assert frames == [Frame(1, 0, payload)]
    assert looks < 10
