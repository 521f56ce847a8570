"""Serial frame codec of the firmware against the format's description."""

from __future__ import annotations

import ctypes
import json
import random
from pathlib import Path

import pytest
from serial_frames import frame, split

FRAME = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_uint)
Decoded = tuple[list[tuple[bytes, int, int]], tuple[int, int, int]]


def decode(library: ctypes.CDLL, line: bytes, capacity: int = 512) -> Decoded:
    """Frames as (payload, source, destination), and the counts of bad CRC, over-long and cut frames."""
    frames: list[tuple[bytes, int, int]] = []

    def keep(address: int, size: int, source: int, destination: int) -> None:
        frames.append((ctypes.string_at(address, size), source, destination))

    counters = (ctypes.c_uint32 * 3)()
    library.probe_decode(line, ctypes.c_size_t(len(line)), ctypes.c_uint16(capacity), FRAME(keep), counters)
    return frames, (counters[0], counters[1], counters[2])


def encode(library: ctypes.CDLL, payload: bytes, source: int, destination: int, portion: int) -> bytes:
    out = ctypes.create_string_buffer(2 * len(payload) + 16)
    size = library.probe_encode(
        payload, ctypes.c_uint16(len(payload)), source, destination, ctypes.c_size_t(portion), out
    )
    return out.raw[:size]


def test_crc_has_the_catalogue_check_value(library: ctypes.CDLL) -> None:
    assert library.takt_crc16(ctypes.c_uint16(0), b"123456789", ctypes.c_size_t(9)) == 0xBB3D


@pytest.mark.parametrize("portion", [1, 2, 7, 128, 4096])
@pytest.mark.parametrize(
    "payload",
    [b"", b"\x7e", b"\x7d\x7e" * 100, bytes(range(256)), bytes(508)],
    ids=["empty", "one flag", "worst stuffing", "all values", "largest"],
)
def test_frames_go_out_right_in_any_portions_and_come_back(
    library: ctypes.CDLL, payload: bytes, portion: int
) -> None:
    line = encode(library, payload, 1, 0, portion)
    assert line == frame(payload, 1, 0)
    assert decode(library, line) == ([(payload, 1, 0)], (0, 0, 0))


def test_stuffed_addresses_lengths_and_crcs(library: ctypes.CDLL) -> None:
    """A length of 7E and 7D, and every CRC byte that needs stuffing somewhere in the sizes."""
    for size in range(140):
        payload = random.Random(size).randbytes(size)
        assert encode(library, payload, 0x7E, 0x7D, 64) == frame(payload, 0x7E, 0x7D)
        assert decode(library, frame(payload, 0x7E, 0x7D)) == ([(payload, 0x7E, 0x7D)], (0, 0, 0))


def test_a_bare_flag_starts_the_frame_anew(library: ctypes.CDLL) -> None:
    whole = frame(b"wh\x7eo\x7dle")
    for cut in range(2, len(whole) - 1):
        assert decode(library, whole[:cut] + whole) == ([(b"wh\x7eo\x7dle", 0, 1)], (0, 0, 1))


def test_noise_between_frames_is_skipped(library: ctypes.CDLL) -> None:
    noise = bytes(b for b in random.Random(1).randbytes(500) if b != 0x7E)
    assert decode(library, noise + frame(b"a") + noise + frame(b"b"))[0] == [(b"a", 0, 1), (b"b", 0, 1)]


def test_too_long_a_frame_is_dropped_counted_and_the_next_one_taken(library: ctypes.CDLL) -> None:
    line = frame(bytes(101)) + frame(bytes(100))
    assert decode(library, line, capacity=100) == ([(bytes(100), 0, 1)], (0, 1, 0))


def test_any_flipped_payload_bit_is_noticed(library: ctypes.CDLL) -> None:
    whole = frame(b"sample")
    for bit in range(5 * 8, len(whole) * 8):
        hit = bytearray(whole)
        hit[bit // 8] ^= 1 << bit % 8
        frames, (crc_errors, _, cut) = decode(library, bytes(hit) + frame(b"next"))
        assert frames[-1] == (b"next", 0, 1)
        assert len(frames) == 1 and crc_errors + cut == 1


def test_every_frame_that_the_official_agent_sent_decodes(library: ctypes.CDLL, traces: Path) -> None:
    checked = 0
    for path in sorted(traces.glob("*.json")):
        if path.name == "INDEX.json":
            continue
        for recorded in json.loads(path.read_text())["frames"]:
            line = bytes.fromhex(recorded["hex"])
            if recorded.get("fate") in (None, "dropped"):
                frames, counters = decode(library, line)
                assert len(frames) == 1 and counters == (0, 0, 0), f"{path.name} at {recorded['t_s']}"
                assert frame(*frames[0]) == line
                checked += 1
    assert checked > 900
    assert split(frame(b"a") + frame(b"b")) == [frame(b"a"), frame(b"b")]
