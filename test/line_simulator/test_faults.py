"""Faults come from the seed and the portion's number alone, and each does what its name says."""

from __future__ import annotations

import pytest

from takt.errors import TaktError
from takt.line_simulator.faults import FaultyStream, Rates
from takt.link.framing import Deframer, encode_frame

FRAMES = [encode_frame(bytes((i % 256, i // 256)) + bytes(range(40)), 1, 0) for i in range(2000)]
STREAM = b"".join(FRAMES)


def through(stream: FaultyStream, data: bytes, portion: int) -> bytes:
    pieces = [stream.apply(data[i : i + portion]) for i in range(0, len(data), portion)]
    return b"".join(piece for group in pieces for piece, _ in group)


def heard(data: bytes) -> list[bytes]:
    return [frame.payload for frame in Deframer().feed(data)]


def test_without_rates_every_byte_passes():
    assert through(FaultyStream(1, "up"), STREAM, 7) == STREAM


@pytest.mark.parametrize("portion", [1, 13, 4096])
def test_how_reads_cut_the_stream_makes_no_difference(portion):
    rates = Rates(drop=0.05, flip=0.05, duplicate=0.05, split=0.05)
    whole = through(FaultyStream(9, "up", rates), STREAM, len(STREAM))
    assert through(FaultyStream(9, "up", rates), STREAM, portion) == whole
    assert whole != STREAM


def test_seed_and_direction_change_the_fate():
    rates = Rates(drop=0.1)
    passed = {
        through(FaultyStream(seed, way, rates), STREAM, 999) for seed in (1, 2) for way in ("up", "down")
    }
    assert len(passed) == 4


def test_a_rate_changed_on_the_way_leaves_the_other_fates_as_they_are():
    steady, changed = FaultyStream(3, "up", Rates(drop=0.1)), FaultyStream(3, "up", Rates(drop=0.1))
    first = through(steady, STREAM, 500)
    half = len(b"".join(FRAMES[:1000]))
    head = through(changed, STREAM[:half], 500)
    changed.rates = Rates()
    through(changed, b"".join(FRAMES[1000:1500]), 500)
    changed.rates = Rates(drop=0.1)
    tail = through(changed, b"".join(FRAMES[1500:]), 500)
    assert first.startswith(head) and first.endswith(tail)


def test_drop_takes_whole_frames_and_duplicate_brings_them_twice():
    stream = FaultyStream(5, "up", Rates(drop=0.02, duplicate=0.02))
    got = heard(through(stream, STREAM, 300))
    sent = heard(STREAM)
    assert set(got) <= set(sent)
    assert len(sent) - len(set(got)) == stream.counts["drop"] > 10
    assert len(got) - len(set(got)) == stream.counts["duplicate"] > 10


def test_flip_changes_one_bit_anywhere_in_the_frame():
    stream = FaultyStream(5, "up", Rates(flip=1.0))
    places = set()
    for frame in FRAMES:
        harmed = b"".join(piece for piece, _ in stream.apply(frame))
        differing = [i for i, (a, b) in enumerate(zip(frame, harmed, strict=True)) if a != b]
        assert len(differing) <= 1  # escapes can make the announced length fall behind the last byte
        places.update(differing)
        if differing:
            assert (frame[differing[0]] ^ harmed[differing[0]]).bit_count() == 1
    assert {0, 3, 4, 5, len(FRAMES[0]) - 1} <= places


def test_split_keeps_the_bytes_and_pauses_once():
    stream = FaultyStream(5, "up", Rates(split=1.0, split_pause_ms=3.0))
    pieces = stream.apply(FRAMES[0])
    assert b"".join(piece for piece, _ in pieces) == FRAMES[0]
    assert sum(pause for _, pause in pieces) == 3_000_000


@pytest.mark.parametrize(
    "bad", [{"drop": -0.1}, {"flip": 1.1}, {"drop": 0.6, "flip": 0.6}, {"split_pause_ms": -1}]
)
def test_rates_that_mean_nothing(bad):
    with pytest.raises(TaktError):
        Rates(**bad)
