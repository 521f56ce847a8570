"""A plain Python model of the board's wheel loops, to drive the plant without a board."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from takt.contract import Contract
from takt.simulation.plant import BATCH_NS, Plant
from takt.simulation.plant_protocol import DutyFrame

Setpoint = Callable[[float], tuple[float, float]]
Drive = Callable[[Plant, Contract, Setpoint, float], np.ndarray]


class WheelLoop:
    """One wheel: PI with feed-forward, as the board runs it. The integral is kept only while the duty is unclipped."""

    def __init__(self, contract: Contract) -> None:
        self._gains = contract.control
        self._integral = 0.0
        self._duty = 0.0

    def duty(self, setpoint_rad_s: float, speed_rad_s: float, dt_s: float) -> float:
        gains = self._gains
        error = setpoint_rad_s - speed_rad_s
        integral = self._integral + gains.ki_per_rad * error * dt_s
        wanted = gains.feed_forward_per_rad_s * setpoint_rad_s + gains.kp_per_rad_s * error + integral
        step = gains.duty_slew_per_s * dt_s
        self._duty = min(
            max(wanted, self._duty - step, -gains.duty_limit), self._duty + step, gains.duty_limit
        )
        if self._duty == wanted:
            self._integral = integral
        return self._duty


@pytest.fixture
def drive() -> Drive:
    """Closes both wheel loops over the encoders at the contract's rate."""
    return _drive


def _drive(plant: Plant, contract: Contract, setpoint: Setpoint, seconds: float) -> np.ndarray:
    """Returns rows (time s, left rad/s, right rad/s) of true wheel speeds."""
    dt_s = 1.0 / contract.control.rate_hz
    loops = (WheelLoop(contract), WheelLoop(contract))
    per_count = 2.0 * math.pi / contract.robot.encoder_counts_per_rev
    last, rows = plant.encoder_frame(), []
    for cycle in range(round(seconds / dt_s)):
        now = plant.encoder_frame()
        elapsed_s = max(now.plant_ns - last.plant_ns, 1) * 1e-9
        speeds = [(a - b) * per_count / elapsed_s for a, b in zip(now.counts, last.counts, strict=True)]
        last, wanted = now, setpoint(cycle * dt_s)
        left, right = (loops[side].duty(wanted[side], speeds[side], dt_s) for side in (0, 1))
        plant.receive(DutyFrame(True, True, 0, cycle, now.plant_ns, (left, right), wanted))
        for _ in range(round(dt_s * 1e9 / BATCH_NS)):
            plant.advance()
        rows.append(((cycle + 1) * dt_s, *plant.record(0)["wheel_speed_rad_s"]))
    return np.array(rows)
