"""Between Gazebo's wheel joints and the board: angles become encoder counts, duty becomes force. No clock, no I/O.

Time is Gazebo's, from the stamps of its joint states. Back-EMF and friction are in the world's joints, so that the
force here is duty alone, and a board that falls silent means force 0: shorted windings, a brake.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import takt.contract
from takt.simulation.motor import DriveTrain
from takt.simulation.plant_protocol import DutyFrame, EncoderFrame

Pair = tuple[float, float]


@dataclass(frozen=True)
class JointSample:
    """Two joints at one moment of simulated time; radians and rad/s, or metres and m/s for the target's rails."""

    stamp_ns: int
    position: Pair
    speed: Pair


class HardwareEdge:
    """Motors, encoders and battery of the robot in Gazebo."""

    def __init__(self, contract: takt.contract.Contract, drive: DriveTrain | None = None) -> None:
        self._drive = drive or DriveTrain()
        self._counts_per_rad = contract.robot.encoder_counts_per_rev / (2.0 * math.pi)
        self._silence_ns = contract.safety.motor_silence_ms * 1_000_000
        self._supply_v = self._drive.nominal_supply_v
        self._frame: DutyFrame | None = None
        self._heard_ns = 0
        self._now_ns = -1
        self._sequence = 0
        self.restarts = 0  # times at which Gazebo's clock went back

    @property
    def armed(self) -> bool:
        """The board moves the wheels: armed, with its driver enabled, and heard lately."""
        return self._frame is not None and self._frame.armed and self.driver_enabled

    @property
    def driver_enabled(self) -> bool:
        frame = self._frame
        return (
            frame is not None and frame.driver_enabled and self._now_ns - self._heard_ns <= self._silence_ns
        )

    def sense(self, sample: JointSample) -> EncoderFrame | None:
        """What the board's inputs show now; None when no time has passed (Gazebo tells its joints while paused too).

        When the simulation was begun anew, what the board said before counts no more.
        """
        if sample.stamp_ns == self._now_ns or not all(map(math.isfinite, (*sample.position, *sample.speed))):
            return None
        if sample.stamp_ns < self._now_ns:
            self.restarts += 1
            self._frame = None
        self._now_ns = sample.stamp_ns
        self._sequence += 1
        self._load_battery(sample.speed)
        left, right = (math.floor(angle * self._counts_per_rad) for angle in sample.position)
        return EncoderFrame(
            e_stop=False,
            motor_fault=False,
            supply_mv=min(0xFFFF, max(0, round(self._supply_v * 1000.0))),
            sequence=self._sequence,
            plant_ns=sample.stamp_ns,
            counts=(left, right),
        )

    def hear(self, frame: DutyFrame) -> None:
        """The board's newest duty; it holds until the next one, or until the board is silent for too long."""
        self._frame = frame
        self._heard_ns = self._now_ns

    def forces_n_m(self) -> Pair:
        """Torque for each wheel's joint, left then right, positive forward."""
        left, right = self._duty()
        per_duty = self._drive.stall_torque_n_m * self._supply_v / self._drive.nominal_supply_v
        return left * per_duty, right * per_duty

    def _duty(self) -> Pair:
        """A duty that is not a number is none."""
        if self._frame is None or not self.driver_enabled:
            return 0.0, 0.0
        left, right = (max(-1.0, min(1.0, duty)) if math.isfinite(duty) else 0.0 for duty in self._frame.duty)
        return left, right

    def _load_battery(self, speed_rad_s: Pair) -> None:
        current_a = sum(
            self._drive.supply_current_a(duty, speed, self._supply_v)
            for duty, speed in zip(self._duty(), speed_rad_s, strict=True)
        )
        self._supply_v = self._drive.supply_v(current_a)
