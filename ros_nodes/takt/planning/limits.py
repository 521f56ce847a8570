"""What the robot may do at most: speeds, accelerations and the wheels' own limit."""

from __future__ import annotations

from dataclasses import dataclass

from takt.contract import Contract


@dataclass(frozen=True)
class MotionLimits:
    """The contract's limits for the body; ``reverse_m_s`` is positive and much smaller: the robot sees no rear."""

    speed_m_s: float
    reverse_m_s: float
    yaw_rate_rad_s: float
    acceleration_m_s2: float
    yaw_acceleration_rad_s2: float
    rim_speed_m_s: float
    half_separation_m: float

    @classmethod
    def from_contract(cls, contract: Contract, reverse_m_s: float = 0.25) -> MotionLimits:
        limits, robot = contract.limits, contract.robot
        return cls(
            limits.speed_m_s,
            min(reverse_m_s, limits.speed_m_s),
            limits.yaw_rate_rad_s,
            limits.acceleration_m_s2,
            limits.yaw_acceleration_rad_s2,
            limits.wheel_speed_rad_s * robot.wheel_radius_m,
            robot.wheel_separation_m / 2.0,
        )

    def within(self, speed_m_s: float, yaw_rate_rad_s: float, factor: float) -> tuple[float, float]:
        """The nearest allowed pair; where the wheels cannot serve both, turning goes before driving.

        ``factor`` scales the speed limits (the REDUCED rung).
        """
        yaw_rate = clamp(yaw_rate_rad_s, -self.yaw_rate_rad_s, self.yaw_rate_rad_s)
        left_for_speed = max(self.rim_speed_m_s - abs(yaw_rate) * self.half_separation_m, 0.0)
        forward = min(self.speed_m_s * factor, left_for_speed)
        backward = min(self.reverse_m_s * factor, left_for_speed)
        return clamp(speed_m_s, -backward, forward), yaw_rate

    def eased(
        self, before: tuple[float, float], wanted: tuple[float, float], dt_s: float
    ) -> tuple[float, float]:
        """As far from ``before`` towards ``wanted`` as the accelerations allow in ``dt_s``."""
        speed_step, yaw_step = self.acceleration_m_s2 * dt_s, self.yaw_acceleration_rad_s2 * dt_s
        return (
            clamp(wanted[0], before[0] - speed_step, before[0] + speed_step),
            clamp(wanted[1], before[1] - yaw_step, before[1] + yaw_step),
        )


def clamp(value: float, low: float, high: float) -> float:
    """``value`` within [low, high]."""
    return low if value < low else high if value > high else value
