"""A robot without a physics engine: two motors with their real curve, wheels without slip, no obstacles.

For worlds that a slow board paces, where an engine would add nothing but time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from takt.contract import Contract
from takt.simulation.motor import DriveTrain

_WHEEL_INERTIA_KG_M2 = 0.005  # rotor, wheel and half of the robot's mass, at the shaft


@dataclass
class Robot:
    """A differential drive on the plane, wheels without slip."""

    contract: Contract
    motor: DriveTrain = field(default_factory=DriveTrain)
    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0
    wheel_rad: list[float] = field(default_factory=lambda: [0.0, 0.0])
    wheel_rad_s: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def advance(self, duty: tuple[float, float, bool], dt_s: float) -> None:
        """One step under a duty; a driver that is off shorts the windings, which brakes."""
        motor, robot = self.motor, self.contract.robot
        for side in (0, 1):
            speed = self.wheel_rad_s[side]
            volts = (duty[side] if duty[2] else 0.0) * motor.nominal_supply_v
            torque = motor.back_emf_v_s * (volts - motor.back_emf_v_s * speed) / motor.winding_resistance_ohm
            torque -= motor.friction_n_m * max(-1.0, min(1.0, speed / 0.05))
            self.wheel_rad_s[side] = speed + torque / _WHEEL_INERTIA_KG_M2 * dt_s
            self.wheel_rad[side] += self.wheel_rad_s[side] * dt_s
        left_m_s, right_m_s = (speed * robot.wheel_radius_m for speed in self.wheel_rad_s)
        self.yaw_rad += (right_m_s - left_m_s) / robot.wheel_separation_m * dt_s
        forward_m = (left_m_s + right_m_s) / 2.0 * dt_s
        self.x_m += forward_m * math.cos(self.yaw_rad)
        self.y_m += forward_m * math.sin(self.yaw_rad)

    def counts(self) -> tuple[int, int]:
        per_rad = self.contract.robot.encoder_counts_per_rev / (2.0 * math.pi)
        return math.floor(self.wheel_rad[0] * per_rad), math.floor(self.wheel_rad[1] * per_rad)
