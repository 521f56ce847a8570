"""Compares what the C core and MicroPython made of the same cycles, number by number.

A cycle in which they differ is forgiven only when the C core itself, its floats moved by a few units in the last place,
does exactly what MicroPython did: then the inputs lay within rounding of a threshold. Such cycles are counted.
"""

from __future__ import annotations

import ctypes
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from takt.micropython.c_layout import Leaf, leaves
from takt.simulation.core_headers import Core

RELATIVE = 1e-5
# Of a number's full scale: below it one unit in the last place of a float at full scale is more than RELATIVE. Such a
# value is what is left of larger ones, which C rounds as floats.
_FLOOR = 2.0**-23 / RELATIVE
_MOVES = 100
_UNITS = 4  # in the last place of a float32
# Intermediate terms that C keeps for its telemetry; the outputs that follow from them are compared.
_TERMS = ("feed_forward_term", "proportional_term", "derivative_term")
_DERIVATIVE = (
    "acceleration",
    "measured",
    "primed",
)  # of a wheel; without a derivative gain nothing rests on them
_OF_A_SAMPLE = (
    ".present",
    ".received_ns",
    ".supply_mv",
    ".e_stop",
    ".motor_fault",
)  # held, but never read again


@dataclass
class Tally:
    """What the comparison found so far."""

    cycles: int = 0
    excluded: int = 0
    different: int = 0
    worst_relative: float = 0.0
    worst_field: str = ""
    complaints: list[str] = field(default_factory=list)
    excluded_examples: list[str] = field(default_factory=list)


class Comparison:
    """For one core and its structs."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.config = core.takt_control_config_from_contract()
        outputs, state = core.types["takt_outputs_t"], core.types["takt_control_t"]
        after = [Leaf(f"outputs.{leaf.path}", leaf.offset, leaf.kind) for leaf in leaves(outputs)]
        size = ctypes.sizeof(outputs)
        after += [Leaf(f"state.{leaf.path}", leaf.offset + size, leaf.kind) for leaf in leaves(state)]
        self.leaves = [leaf for leaf in after if not self._is_private(leaf.path)]
        self.full_scale: dict[str, float] = {leaf.path: 0.0 for leaf in self.leaves if leaf.is_float}

    def _is_private(self, path: str) -> bool:
        if path.startswith("state.wheel"):
            unused = _DERIVATIVE if self.config.wheel.kd == 0.0 else ()
            return path.endswith((*_TERMS, *unused))
        if path.startswith("state.encoder.history"):
            return path.endswith(_OF_A_SAMPLE) or ("sequence" in path and "[0]" not in path)
        return False

    def learn(self, c: np.ndarray) -> None:
        """Note the largest value that each continuous number takes in these rows."""
        for leaf in self.leaves:
            if leaf.is_float:
                values = np.abs(_column(c, leaf))
                most = float(values[np.isfinite(values)].max(initial=0.0))
                self.full_scale[leaf.path] = max(self.full_scale[leaf.path], most)

    def differing(self, c: np.ndarray, micropython: np.ndarray, tally: Tally) -> np.ndarray:
        """Which rows (one cycle each, bytes) differ; notes the worst relative error of the others."""
        differs = np.zeros(len(c), dtype=bool)
        for leaf in self.leaves:
            a, b = _column(c, leaf), _column(micropython, leaf)
            if not leaf.is_float:
                differs |= a != b
                continue
            error = _relative(a, b, _FLOOR * self.full_scale[leaf.path])
            differs |= error > RELATIVE
            within = error[error <= RELATIVE]
            if len(within) and within.max() > tally.worst_relative:
                tally.worst_relative, tally.worst_field = float(within.max()), leaf.path
        return differs

    def judge(self, before: bytes, c: np.ndarray, micropython: np.ndarray, seed: int, tally: Tally) -> None:
        """One cycle that differs: excluded, or a complaint."""
        rng = random.Random(seed)
        inputs_type, state_type = self.core.types["takt_inputs_t"], self.core.types["takt_control_t"]
        for _ in range(_MOVES):
            inputs = _moved(inputs_type.from_buffer_copy(before), rng)
            state = _moved(state_type.from_buffer_copy(before, ctypes.sizeof(inputs_type)), rng)
            config = _moved(type(self.config).from_buffer_copy(self.config), rng)
            out = self.core.takt_control_tick(*map(ctypes.byref, (inputs, config, state)))
            row = np.frombuffer(bytes(out) + bytes(state), np.uint8)[None, :]
            if not self.differing(row, micropython[None, :], Tally())[0]:
                tally.excluded += 1
                if len(tally.excluded_examples) < 20:
                    tally.excluded_examples.append(self._tell(c, micropython))
                return
        tally.different += 1
        if len(tally.complaints) < 20:
            tally.complaints.append(self._tell(c, micropython))

    def _tell(self, c: np.ndarray, micropython: np.ndarray) -> str:
        told = []
        for leaf in self.leaves:
            a, b = _column(c[None, :], leaf)[0], _column(micropython[None, :], leaf)[0]
            floor = _FLOOR * self.full_scale.get(leaf.path, 0.0)
            if _relative(np.array([a]), np.array([b]), floor)[0] > (RELATIVE if leaf.is_float else 0.0):
                told.append(f"{leaf.path}: C {a}, MicroPython {b}")
        return "; ".join(told)


def _column(rows: np.ndarray, leaf: Leaf) -> np.ndarray:
    size = ctypes.sizeof(leaf.kind)
    column: np.ndarray = np.ascontiguousarray(rows[:, leaf.offset : leaf.offset + size]).view(
        np.dtype(leaf.kind)
    )
    return column[:, 0]


def _relative(a: np.ndarray, b: np.ndarray, floor: float) -> np.ndarray:
    """|a - b| / the larger of both, at least ``floor``; 0 where both are equal or both no number."""
    with np.errstate(invalid="ignore", divide="ignore"):
        larger = np.maximum(np.maximum(np.abs(a), np.abs(b)), floor)
        error: np.ndarray = np.abs(a.astype(float) - b) / larger
    return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.where(np.isnan(error), np.inf, error))


def _moved(value: Any, rng: random.Random) -> Any:
    """``value`` with each of its floats moved a little."""
    for offset in [leaf.offset for leaf in leaves(type(value)) if leaf.kind is ctypes.c_float]:
        place = ctypes.c_int32.from_buffer(value, offset)
        if place.value & 0x7F800000 not in (0, 0x7F800000):  # not zero, tiny, infinite or no number
            place.value += rng.randint(-_UNITS, _UNITS)
    return value
