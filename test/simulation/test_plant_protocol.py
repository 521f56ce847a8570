"""The plant stream: what is sent arrives, also after garbage; what is foreign is counted and dropped."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takt.link.framing import encode_frame
from takt.simulation.plant_protocol import DutyFrame, EncoderFrame, PlantLine, encode_duty, encode_encoder

F32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
U32, U64, I32 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(-(2**31), 2**31 - 1)
DUTIES = st.builds(
    DutyFrame,
    driver_enabled=st.booleans(),
    armed=st.booleans(),
    rung=st.integers(0, 3),
    cycle=U32,
    board_ns=U64,
    duty=st.tuples(F32, F32),
    setpoint_rad_s=st.tuples(F32, F32),
)
ENCODERS = st.builds(
    EncoderFrame,
    e_stop=st.booleans(),
    motor_fault=st.booleans(),
    supply_mv=st.integers(0, 2**16 - 1),
    sequence=U32,
    plant_ns=U64,
    counts=st.tuples(I32, I32),
)
DUTY = DutyFrame(True, False, 2, 7, 123456789, (0.5, -0.25), (10.0, -5.0))


@given(frames=st.lists(DUTIES, max_size=4), cut=st.integers(1, 9))
def test_duties_arrive_whatever_the_line_is_cut_into(frames: list[DutyFrame], cut: int) -> None:
    data, line, got = b"".join(encode_duty(frame) for frame in frames), PlantLine(), []
    for start in range(0, len(data), cut):
        got += line.duties(data[start : start + cut])
    assert got == frames


@given(frames=st.lists(ENCODERS, max_size=4))
def test_encoder_frames_arrive(frames: list[EncoderFrame]) -> None:
    assert PlantLine().encoders(b"".join(encode_encoder(frame) for frame in frames)) == frames


def test_layouts_are_those_of_the_stream() -> None:
    duty, encoder = encode_duty(DUTY), encode_encoder(EncoderFrame(True, False, 12000, 3, 2_000_000, (-1, 4)))
    assert duty[:6] == bytes((0x7E, 1, 0, 32, 0, 1)) and duty[6:9] == bytes((1, 2, 0))
    assert duty[9:13] == (7).to_bytes(4, "little")
    assert duty[21:29] == np.array((0.5, -0.25), "<f4").tobytes()
    assert encoder[:6] == bytes((0x7E, 0, 1, 24, 0, 2)) and encoder[6] == 1
    assert encoder[7:9] == (12000).to_bytes(2, "little") and encoder[21:25] == b"\xff\xff\xff\xff"


@settings(max_examples=60)
@given(garbage=st.binary(max_size=80))
def test_line_recovers_after_any_garbage(garbage: bytes) -> None:
    line = PlantLine()
    line.duties(garbage)
    got = line.duties(encode_duty(DUTY) * 3)
    assert got[-1] == DUTY and len(got) >= 2  # a cut frame before may take one flag with it at most


@pytest.mark.parametrize("position", range(5, 39))
def test_flipped_payload_bit_never_becomes_a_duty(position: int) -> None:
    data = bytearray(encode_duty(DUTY))
    data[position] ^= 1 if data[position] not in (0x7C, 0x7F) else 2
    line = PlantLine()
    assert line.duties(bytes(data)) == []
    assert line.crc_errors == 1


@pytest.mark.parametrize(
    "frame",
    [
        encode_frame(encode_duty(DUTY)[5:37], 1, 9),  # to someone else
        encode_frame(b"\x01" * 31, 1, 0),  # too short
        encode_frame(bytes((1, 0, 4)) + b"\x00" * 29, 1, 0),  # a rung that there is not
        encode_frame(bytes((2,)) + b"\x00" * 31, 1, 0),  # another type
    ],
)
def test_foreign_frames_are_counted_and_dropped(frame: bytes) -> None:
    line = PlantLine()
    assert line.duties(frame) == []
    assert line.foreign == 1
    assert line.duties(encode_duty(DUTY)) == [DUTY]


def test_counts_wrap_at_32_bits() -> None:
    frame = EncoderFrame(False, False, 0, 2**32 + 5, 0, (2**31, -(2**31) - 1))
    got = PlantLine().encoders(encode_encoder(frame))[0]
    assert got.counts == (-(2**31), 2**31 - 1) and got.sequence == 5


def test_a_duty_that_is_no_number_crosses_as_it_is() -> None:
    got = PlantLine().duties(encode_duty(DutyFrame(True, True, 0, 0, 0, (math.nan, 0.0), (0.0, 0.0))))[0]
    assert math.isnan(got.duty[0])
