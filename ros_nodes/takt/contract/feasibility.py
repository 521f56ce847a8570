"""Refuses a contract that cannot work, with the arithmetic shown."""

from __future__ import annotations

from takt.contract import capacity, timing
from takt.contract.finding import Finding, at_most
from takt.contract.rules import plain
from takt.contract.sections import Contract
from takt.errors import TaktError


def findings(contract: Contract) -> list[Finding]:
    """Everything that is checked, in a fixed order; nothing is raised."""
    return [
        *capacity.line(contract),
        *capacity.sizes(contract),
        *timing.budgets(contract),
        *timing.rates(contract),
        *timing.ages(contract),
        *timing.silences(contract),
        *timing.stops(contract),
        *_motion(contract),
    ]


def require(contract: Contract) -> None:
    """Raise TaktError with the arithmetic of the first thing that cannot work."""
    for finding in findings(contract):
        if not finding.ok:
            raise TaktError(f"the contract cannot work: {finding.arithmetic}", finding.fix)


def _motion(contract: Contract) -> list[Finding]:
    """The wheels can do each limit by itself; both at once are scaled down together."""
    robot, limits, control = contract.robot, contract.limits, contract.control
    straight = limits.speed_m_s / robot.wheel_radius_m
    turning = limits.yaw_rate_rad_s * robot.wheel_separation_m / 2 / robot.wheel_radius_m
    duty = control.feed_forward_per_rad_s * limits.wheel_speed_rad_s
    top, key = limits.wheel_speed_rad_s, "limits.wheel_speed_rad_s"
    return [
        at_most(
            f"top speed {plain(limits.speed_m_s)} / {plain(robot.wheel_radius_m)} = {straight:.2f} rad/s",
            straight,
            top,
            key,
            "lower limits.speed_m_s",
        ),
        at_most(
            f"top turn {plain(limits.yaw_rate_rad_s)} x {plain(robot.wheel_separation_m)} / 2"
            f" / {plain(robot.wheel_radius_m)} = {turning:.2f} rad/s",
            turning,
            top,
            key,
            "lower limits.yaw_rate_rad_s",
        ),
        at_most(
            f"duty at top wheel speed {plain(control.feed_forward_per_rad_s)} x {plain(top)} = {duty:.2f}",
            duty,
            control.duty_limit,
            "control.duty_limit",
            "lower limits.wheel_speed_rad_s or control.feed_forward_per_rad_s",
        ),
    ]
