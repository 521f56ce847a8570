"""Faults of the hardware edge, by the plant's clock: what the board's inputs show is not what is.

    takt_plant ... --fault encoder_broken_left@5 --fault e_stop@8+0.5

``NAME@START`` lasts, ``NAME@START+LENGTH`` passes; seconds of motion (see Plant.motion_s). Only readings are changed;
the motors themselves stay whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from takt.errors import TaktError
from takt.simulation.plant_protocol import EncoderFrame

_BROWN_OUT_MV, _LOW_MV = 8_500, 10_200
_SIDES = ("left", "right")
_WIRES = ("encoder_broken", "encoder_reversed", "encoder_toggling")
_READINGS = ("e_stop", "motor_fault", "supply_low", "supply_brown_out")
NAMES = (*_READINGS, *(f"{wire}_{side}" for wire in _WIRES for side in _SIDES))
_FORM = re.compile(r"(\w+)@(\d+(?:\.\d+)?)(?:\+(\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class Fault:
    """One fault; ``end_s`` is infinite for one that stays."""

    name: str
    start_s: float
    end_s: float

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

    def add(self, fault: Fault) -> None:
        """One more from now on."""
        self._faults = (*self._faults, fault)

    def apply(self, frame: EncoderFrame, motion_s: float) -> EncoderFrame:
        """The frame as the board gets it; to be called with each frame in turn."""
        active = {fault.name for fault in self._faults if fault.start_s <= motion_s < fault.end_s}
        counts = self._count(frame.counts, frame.sequence, active)
        supply_mv = frame.supply_mv
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
