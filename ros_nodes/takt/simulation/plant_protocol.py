"""The plant stream: what crosses the hardware edge between a board's firmware and the simulated motors and encoders.

Serial frames as on the link (`takt.link.framing`), the board at address 1, the plant at 0; payloads little endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from takt.link.framing import Deframer, encode_frame

BOARD_ADDRESS = 1
PLANT_ADDRESS = 0
RUNGS = ("NOMINAL", "REDUCED", "HOLD", "SAFE")

_DUTY = struct.Struct("<BBBBIQffff")
_ENCODER = struct.Struct("<BBHIQii")
_DUTY_TYPE, _ENCODER_TYPE = 1, 2
_DRIVER_ENABLED, _ARMED = 1, 2
_E_STOP, _MOTOR_FAULT = 1, 2


@dataclass(frozen=True)
class DutyFrame:
    """Board to plant, every control cycle. Pairs are (left, right); duty -1..1 of the supply, positive forward."""

    driver_enabled: bool
    armed: bool
    rung: int  # index into RUNGS
    cycle: int
    board_ns: int
    duty: tuple[float, float]
    setpoint_rad_s: tuple[float, float]


@dataclass(frozen=True)
class EncoderFrame:
    """Plant to board, every batch of physics. ``plant_ns``: plant time at which the counts were sampled."""

    e_stop: bool
    motor_fault: bool
    supply_mv: int
    sequence: int
    plant_ns: int
    counts: tuple[int, int]  # 32 bits, wrapping


def encode_duty(frame: DutyFrame) -> bytes:
    """Bytes for the line."""
    flags = _DRIVER_ENABLED * frame.driver_enabled | _ARMED * frame.armed
    payload = _DUTY.pack(
        _DUTY_TYPE,
        flags,
        frame.rung,
        0,
        frame.cycle & 0xFFFFFFFF,
        frame.board_ns,
        *frame.duty,
        *frame.setpoint_rad_s,
    )
    return encode_frame(payload, BOARD_ADDRESS, PLANT_ADDRESS)


def encode_encoder(frame: EncoderFrame) -> bytes:
    """Bytes for the line."""
    flags = _E_STOP * frame.e_stop | _MOTOR_FAULT * frame.motor_fault
    left, right = (_wrapped(count) for count in frame.counts)
    payload = _ENCODER.pack(
        _ENCODER_TYPE, flags, frame.supply_mv, frame.sequence & 0xFFFFFFFF, frame.plant_ns, left, right
    )
    return encode_frame(payload, PLANT_ADDRESS, BOARD_ADDRESS)


class PlantLine:
    """One end's receiver. Bytes in, frames of the other end out; what is damaged or foreign is counted and dropped."""

    def __init__(self) -> None:
        self._deframer = Deframer(max_payload=64)
        self.foreign = 0

    @property
    def crc_errors(self) -> int:
        return self._deframer.crc_errors

    def reset(self) -> None:
        """The line was opened anew."""
        self._deframer.reset()

    def duties(self, data: bytes) -> list[DutyFrame]:
        """The plant's receiver."""
        frames = []
        for frame in self._deframer.feed(data):
            decoded = _decode_duty(frame.payload) if frame.destination == PLANT_ADDRESS else None
            if decoded is None:
                self.foreign += 1
            else:
                frames.append(decoded)
        return frames

    def encoders(self, data: bytes) -> list[EncoderFrame]:
        """The board's receiver."""
        frames = []
        for frame in self._deframer.feed(data):
            decoded = _decode_encoder(frame.payload) if frame.destination == BOARD_ADDRESS else None
            if decoded is None:
                self.foreign += 1
            else:
                frames.append(decoded)
        return frames


def _decode_duty(payload: bytes) -> DutyFrame | None:
    if len(payload) != _DUTY.size or payload[0] != _DUTY_TYPE or payload[2] >= len(RUNGS):
        return None
    _, flags, rung, _, cycle, board_ns, left, right, setpoint_left, setpoint_right = _DUTY.unpack(payload)
    return DutyFrame(
        driver_enabled=bool(flags & _DRIVER_ENABLED),
        armed=bool(flags & _ARMED),
        rung=rung,
        cycle=cycle,
        board_ns=board_ns,
        duty=(left, right),
        setpoint_rad_s=(setpoint_left, setpoint_right),
    )


def _decode_encoder(payload: bytes) -> EncoderFrame | None:
    if len(payload) != _ENCODER.size or payload[0] != _ENCODER_TYPE:
        return None
    _, flags, supply_mv, sequence, plant_ns, left, right = _ENCODER.unpack(payload)
    return EncoderFrame(
        bool(flags & _E_STOP), bool(flags & _MOTOR_FAULT), supply_mv, sequence, plant_ns, (left, right)
    )


def _wrapped(count: int) -> int:
    return (count + 0x80000000) % 0x100000000 - 0x80000000
