"""The wheels' DC gear motors, seen from the wheel shaft, and the battery behind them. SI units.

Torque on the shaft is ``k * (duty * U - k * w) / R`` less friction, ``w`` in rad/s: an H-bridge that shorts the
windings in its off time makes the average voltage ``duty * U``. A driver that is off shorts the windings, which is the
same equation at duty 0: a brake. The inductance is left out; its time constant is far below the physics step.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DriveTrain:
    """One motor with its gear. Duty 1 at the nominal voltage turns a wheel in the air at 25 rad/s."""

    nominal_supply_v: float = 12.0
    battery_resistance_ohm: float = 0.08
    back_emf_v_s: float = 0.4747  # also N m per A
    winding_resistance_ohm: float = 4.0
    friction_n_m: float = 0.015  # Coulomb: gear and bearings
    armature_kg_m2: float = 0.0012  # rotor behind the gear

    @property
    def stall_torque_n_m(self) -> float:
        """At duty 1 and nominal supply."""
        return self.back_emf_v_s * self.nominal_supply_v / self.winding_resistance_ohm

    @property
    def damping_n_m_s(self) -> float:
        """What the back-EMF takes away per rad/s."""
        return self.back_emf_v_s**2 / self.winding_resistance_ohm

    @property
    def no_load_speed_rad_s(self) -> float:
        """At duty 1 and nominal supply, friction included."""
        return (self.stall_torque_n_m - self.friction_n_m) / self.damping_n_m_s

    def supply_current_a(self, duty: float, speed_rad_s: float, supply_v: float) -> float:
        """Mean current out of the battery (negative while it is fed back); duty 0 takes none."""
        motor_current_a = (duty * supply_v - self.back_emf_v_s * speed_rad_s) / self.winding_resistance_ohm
        return duty * motor_current_a

    def supply_v(self, current_a: float) -> float:
        """Battery voltage under this load."""
        return self.nominal_supply_v - self.battery_resistance_ohm * current_a
