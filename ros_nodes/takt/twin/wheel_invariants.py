"""What the wheels of a board may do at most, judged by the true wheel speeds and by what the inputs truly showed.

Bounds are the contract's, and what its wheel loop allows by its own arithmetic: see each check.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from takt.twin.episode import MS, SECOND
from takt.twin.world import World

Note = Callable[[World, str, str], None]

_FLOAT_SLACK = 1.02
_CYCLE_NS = 10 * MS
_CLIPPED = 0.999
_UNWINDS_NS = 1_500 * MS
_RECENT = 20  # control cycles
_MARGIN_RAD_S = 1.5  # a wheel that slips, and the loop's own overshoot
_OVERSHOOTS_CYCLES = 5
_RUNAWAY_RAD_S = 5.0
_RUNAWAY_CYCLES = 60  # the wheel check takes at most 50 for a wheel that slowed before it stood
_SILENT_CYCLES = 8  # the board's sixth cycle without a sample, and two of this check


@dataclass
class _Wheel:
    """``low`` is the smallest setpoint since the duty was last free of its limit for long enough to unwind."""

    duty: float = 0.0
    low: float = 0.0
    clipped_ns: int = -SECOND
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    too_fast: int = 0
    away: int = 0

    def rest(self) -> None:
        self.duty = self.low = 0.0
        self.recent.clear()
        self.too_fast = self.away = 0


class WheelInvariants:
    """Called after every control cycle; ``note`` takes what was violated."""

    def __init__(self, world: World, note: Note) -> None:
        contract = world.contract
        self._note = note
        self._control, self._limits, self._robot = contract.control, contract.limits, contract.robot
        self._wheels = (_Wheel(), _Wheel())
        self._cycle_ns = 0
        self._fault_cycles = self._silent_cycles = 0

    def __call__(self, world: World) -> None:
        view, edge = world.body.board.view, world.body.edge
        elapsed_s = min(max((world.now_ns - self._cycle_ns) / SECOND, 0.010), 0.050)
        self._cycle_ns = world.now_ns
        self._inputs(world)
        if not (view.armed and view.driver_enabled):
            for wheel in self._wheels:
                wheel.rest()
            return
        self._body_speed(world)
        speeds = world.plant.wheel_speed_rad_s()
        for side, wheel in enumerate(self._wheels):
            speed = speeds[side]
            setpoint = view.setpoint_rad_s[side]
            self._slew(world, wheel, view.duty[side], elapsed_s)
            wheel.recent.append(abs(setpoint))
            excess = abs(speed) - max(wheel.recent)
            if edge.encoder[side] == "ok":
                self._overshoot(world, wheel, abs(setpoint), excess)
            else:
                self._runaway(world, wheel, excess)

    def _body_speed(self, world: World) -> None:
        """Whatever was commanded, by whomever, the setpoints are those of an allowed speed and turn."""
        left, right = world.body.board.view.setpoint_rad_s
        radius_m = self._robot.wheel_radius_m
        speed_m_s = abs(left + right) / 2.0 * radius_m
        yaw_rate_rad_s = abs(right - left) * radius_m / self._robot.wheel_separation_m
        if speed_m_s > self._limits.speed_m_s * _FLOAT_SLACK:
            self._note(world, "speed_limit", f"{speed_m_s:.2f} m/s, limit {self._limits.speed_m_s}")
        if yaw_rate_rad_s > self._limits.yaw_rate_rad_s * _FLOAT_SLACK:
            self._note(
                world, "speed_limit", f"{yaw_rate_rad_s:.2f} rad/s, limit {self._limits.yaw_rate_rad_s}"
            )

    def _slew(self, world: World, wheel: _Wheel, duty: float, elapsed_s: float) -> None:
        """Duty moves no faster than the contract's slew; the first armed cycle begins at 0."""
        step = self._control.duty_slew_per_s * elapsed_s
        if abs(duty - wheel.duty) > step * _FLOAT_SLACK + 1e-3:
            self._note(world, "duty_slew", f"{wheel.duty:.2f} to {duty:.2f} in {elapsed_s * 1e3:.0f} ms")
        wheel.duty = duty
        if abs(duty) >= _CLIPPED * self._control.duty_limit:
            wheel.clipped_ns = world.now_ns

    def _overshoot(self, world: World, wheel: _Wheel, setpoint: float, excess: float) -> None:
        """A wheel that could not follow overshoots by what its integral had to hold then, not by more.

        At the moment of clipping the integral is at most 1 - ff * setpoint, and it may not grow while clipped. Once
        the motor is sound again the wheel settles at ff * speed = ff * setpoint - kp * excess + integral.
        """
        control = self._control
        if world.now_ns - wheel.clipped_ns > _UNWINDS_NS:
            wheel.low = setpoint
        wheel.low = min(wheel.low, setpoint)
        integral = control.duty_limit - control.feed_forward_per_rad_s * wheel.low
        bound = integral / (control.feed_forward_per_rad_s + control.kp_per_rad_s) + _MARGIN_RAD_S
        wheel.too_fast = wheel.too_fast + 1 if excess > bound else 0
        if wheel.too_fast > _OVERSHOOTS_CYCLES and not world.plant.touched:
            self._note(world, "overshoot", f"{excess:.1f} rad/s too fast, {bound:.1f} can be explained")

    def _runaway(self, world: World, wheel: _Wheel, excess: float) -> None:
        """A wheel whose encoder lies is not driven on for long."""
        wheel.away = wheel.away + 1 if excess > _RUNAWAY_RAD_S else 0
        if wheel.away > _RUNAWAY_CYCLES:
            self._note(world, "runaway", f"{excess:.1f} rad/s faster than its setpoint, by a lying encoder")

    def _inputs(self, world: World) -> None:
        """Red button, driver fault and missing encoder samples disarm at once."""
        view, edge = world.body.board.view, world.body.edge
        self._fault_cycles = self._fault_cycles + 1 if edge.e_stop or edge.motor_fault else 0
        self._silent_cycles = self._silent_cycles + 1 if edge.silent else 0
        if view.armed and self._fault_cycles > 2 and not edge.silent:
            self._note(world, "fault_ignored", "armed with the red button or a driver fault")
        if view.armed and self._silent_cycles > _SILENT_CYCLES:
            self._note(world, "encoders_silent", f"armed without samples for {self._silent_cycles} cycles")
