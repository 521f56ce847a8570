"""What the wheels of a board may do at most, judged by the true wheel speeds and by what the inputs truly showed.

Bounds are the contract's, and what its wheel loop allows by its own arithmetic: see each check.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from takt.contract.sections import Control
from takt.twin.episode import SECOND
from takt.twin.world import World

Note = Callable[[World, str, str], None]

_FLOAT_SLACK = 1.02
_RECENT = 20  # control cycles
_DUTY_OFF = 0.12  # cycles of uneven length, and single precision, leave the loop's integral as far off
_DUTY_OFF_CYCLES = 5
_RUNAWAY_RAD_S = 5.0
_RUNAWAY_CYCLES = 60  # the wheel check takes at most 50 for a wheel that slowed before it stood
_SILENT_CYCLES = 8  # the board's sixth cycle without a sample, and two of this check


@dataclass
class _Loop:
    """The wheel loop as docs/firmware.md has it, in this file's own words: what the duty should be.

    Feed-forward, proportional and integral term; the integral stays where it is while the output is limited, be it by
    its size or by its slew, and the error would push it further.
    """

    control: Control
    integral: float = 0.0
    output: float = 0.0
    runs: bool = False

    def step(self, setpoint: float, measured: float, dt_s: float) -> float:
        gains, error = self.control, setpoint - measured
        limit = gains.duty_limit
        rest = gains.feed_forward_per_rad_s * setpoint + gains.kp_per_rad_s * error
        if not self.runs:
            self.runs, self.output, self.integral = True, 0.0, _within(-rest, limit)
        growth = gains.ki_per_rad * error * dt_s
        integral = _within(self.integral + growth, limit)
        wish, step = rest + integral, gains.duty_slew_per_s * dt_s
        self.output = min(max(_within(wish, limit), self.output - step), self.output + step)
        if not ((wish > self.output and growth > 0.0) or (wish < self.output and growth < 0.0)):
            self.integral = integral
        return self.output


def _within(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


@dataclass
class _Wheel:
    loop: _Loop
    duty: float = 0.0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    off: int = 0
    away: int = 0

    def rest(self) -> None:
        self.duty, self.loop.runs = 0.0, False
        self.recent.clear()
        self.off = self.away = 0


class WheelInvariants:
    """Called after every control cycle; ``note`` takes what was violated."""

    def __init__(self, world: World, note: Note) -> None:
        contract = world.contract
        self._note = note
        self._control, self._limits, self._robot = contract.control, contract.limits, contract.robot
        self._wheels = (_Wheel(_Loop(contract.control)), _Wheel(_Loop(contract.control)))
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
            self._duty(world, wheel, view.duty[side], setpoint, view.speed_rad_s[side], elapsed_s)
            if edge.encoder[side] != "ok":
                self._runaway(world, wheel, abs(speed) - max(wheel.recent))

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

    def _duty(
        self, world: World, wheel: _Wheel, duty: float, setpoint: float, measured: float, elapsed_s: float
    ) -> None:
        """Duty is what the contract's gains make of setpoint and measured speed; in particular it winds nothing up."""
        if self._control.kd_s_per_rad != 0.0:
            return  # the loop above has no derivative term
        expected = wheel.loop.step(setpoint, measured, elapsed_s)
        wheel.off = wheel.off + 1 if abs(duty - expected) > _DUTY_OFF else 0
        if wheel.off > _DUTY_OFF_CYCLES:
            detail = (
                f"duty {duty:.2f} where {expected:.2f} belongs to {setpoint:.1f} and {measured:.1f} rad/s"
            )
            self._note(world, "wheel_loop", detail)

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
