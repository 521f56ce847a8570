"""Faults of the hardware edge, by the plant's clock: what the board's inputs show is not what is, motors are weak.

    takt_plant ... --fault encoder_broken_left@5 --fault e_stop@8+0.5

``NAME@START`` lasts, ``NAME@START+LENGTH`` passes; seconds of motion (see Plant.motion_s). Strength (0 to 1) is of
motor_weak (90 to 10 % of its force left) and supply_sag (95 to 45 % of the voltage); the others know no degrees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from takt.errors import TaktError
from takt.simulation.plant_protocol import DutyFrame, EncoderFrame

_BROWN_OUT_MV, _LOW_MV = 8_500, 10_200
_SIDES = ("left", "right")
_WIRES = ("encoder_broken", "encoder_reversed", "encoder_toggling")
_JUMP_COUNTS = 4096
_READINGS = ("e_stop", "motor_fault", "supply_low", "supply_brown_out", "supply_sag", "encoder_silent")
_OF_A_SIDE = (*_WIRES, "encoder_jump", "motor_weak")
NAMES = (*_READINGS, *(f"{wire}_{side}" for wire in _OF_A_SIDE for side in _SIDES))
_FORM = re.compile(r"(\w+)@(\d+(?:\.\d+)?)(?:\+(\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class Fault:
    """One fault; ``end_s`` is infinite for one that stays."""

    name: str
    start_s: float
    end_s: float
    strength: float = 0.5

    @staticmethod
    def parse(text: str) -> Fault:
        """From ``NAME@START`` or ``NAME@START+LENGTH``. Raises TaktError."""
        found = _FORM.fullmatch(text)
        if found is None or found[1] not in NAMES:
            raise TaktError(
                f"--fault {text!r} is not possible",
                f"give NAME@START or NAME@START+LENGTH in s of motion; NAME is one of {', '.join(NAMES)}",
            )
        start_s = float(found[2])
        return Fault(found[1], start_s, start_s + float(found[3] or "inf"))


class PlantFaults:
    """Changes encoder frames. Counts go on from where they stood when a wire broke or was swapped; after a fault
    they go on from there, as a quadrature counter does."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._faults = faults
        self._last: tuple[int, int] | None = None  # true counts of the last frame
        self._shown = [0, 0]
        self._jumped: set[Fault] = set()

    def add(self, fault: Fault) -> None:
        """One more from now on."""
        self._faults = (*self._faults, fault)

    def apply(self, frame: EncoderFrame, motion_s: float) -> EncoderFrame:
        """The frame as the board gets it; to be called with each frame in turn."""
        now = self._now(motion_s)
        active = {fault.name for fault in now}
        self._jump(now)
        counts = self._count(frame.counts, frame.sequence, active)
        supply_mv = round(frame.supply_mv * self._sag(motion_s))
        if "supply_low" in active:
            supply_mv = min(supply_mv, _LOW_MV)
        if "supply_brown_out" in active:
            supply_mv = min(supply_mv, _BROWN_OUT_MV)
        return replace(
            frame,
            e_stop=frame.e_stop or "e_stop" in active,
            motor_fault=frame.motor_fault or "motor_fault" in active,
            supply_mv=supply_mv,
            counts=counts,
        )

    def weaken(self, frame: DutyFrame, motion_s: float) -> DutyFrame:
        """The duty as it reaches the motors."""
        factors = [self._sag(motion_s)] * 2
        for fault in self._now(motion_s):
            if fault.name.startswith("motor_weak"):
                factors[_SIDES.index(fault.name.rpartition("_")[2])] *= 0.9 - 0.8 * fault.strength
        return replace(frame, duty=(frame.duty[0] * factors[0], frame.duty[1] * factors[1]))

    def are_silent(self, motion_s: float) -> bool:
        """True while no encoder samples come at all."""
        return any(fault.name == "encoder_silent" for fault in self._now(motion_s))

    def _now(self, motion_s: float) -> list[Fault]:
        return [fault for fault in self._faults if fault.start_s <= motion_s < fault.end_s]

    def _sag(self, motion_s: float) -> float:
        sags = [0.95 - 0.5 * one.strength for one in self._now(motion_s) if one.name == "supply_sag"]
        return min(sags, default=1.0)

    def _jump(self, now: list[Fault]) -> None:
        for fault in now:
            if fault.name.startswith("encoder_jump") and fault not in self._jumped:
                self._jumped.add(fault)
                self._shown[_SIDES.index(fault.name.rpartition("_")[2])] += _JUMP_COUNTS

    def _count(self, true: tuple[int, int], sequence: int, active: set[str]) -> tuple[int, int]:
        if self._last is None:
            self._last, self._shown = true, list(true)
        toggle = [0, 0]
        for wheel, side in enumerate(_SIDES):
            step = true[wheel] - self._last[wheel]
            if f"encoder_reversed_{side}" in active:
                step = -step
            if f"encoder_broken_{side}" in active or f"encoder_toggling_{side}" in active:
                step = 0
            if f"encoder_toggling_{side}" in active:
                toggle[wheel] = sequence & 1
            self._shown[wheel] += step
        self._last = true
        return self._shown[0] + toggle[0], self._shown[1] + toggle[1]
