"""The wheel controller: terms, anti-wind-up, slew, bumpless resume; the step response on the drive train."""

from __future__ import annotations

import ctypes

import pytest
from core_headers import Core

from takt.simulation.motor import DriveTrain

DT = 0.01


class Pid:
    def __init__(self, core: Core, **gains: float) -> None:
        self.core = core
        self.config = core.takt_control_config_from_contract().wheel
        for name, value in gains.items():
            setattr(self.config, name, value)
        self.state = core.new("pid")

    def step(self, setpoint: float, measured: float, dt_s: float = DT) -> float:
        return self.core.takt_pid_step(
            ctypes.byref(self.state), ctypes.byref(self.config), setpoint, measured, dt_s
        )

    def resume(self, setpoint: float, measured: float, output: float) -> None:
        self.core.takt_pid_resume(
            ctypes.byref(self.state), ctypes.byref(self.config), setpoint, measured, output
        )


class Wheel:
    """One driven wheel with a share of the robot's mass on it."""

    def __init__(self, inertia_kg_m2: float = 0.006) -> None:
        self.train, self.inertia, self.speed = DriveTrain(), inertia_kg_m2, 0.0

    def turn(self, duty: float, load_n_m: float = 0.0) -> float:
        for _ in range(10):
            torque = self.train.stall_torque_n_m * duty - self.train.damping_n_m_s * self.speed - load_n_m
            grip = self.train.friction_n_m
            if abs(self.speed) < 1e-3 and abs(torque) <= grip:
                self.speed = 0.0
                continue
            friction = grip if self.speed > 0 or (self.speed == 0 and torque > 0) else -grip
            self.speed += (torque - friction) / self.inertia * DT / 10
        return self.speed


def test_terms_add_up(core: Core) -> None:
    pid = Pid(core, feed_forward=0.04, kp=0.03, ki=0.25, kd=0.0, slew_per_s=1000.0)
    assert pid.step(10.0, 8.0) == pytest.approx(0.4 + 0.06 + 0.25 * 2 * DT)


def test_the_derivative_is_of_the_measurement_and_filtered(core: Core) -> None:
    pid = Pid(core, feed_forward=0.0, kp=0.0, ki=0.0, kd=0.01, slew_per_s=1000.0)
    assert pid.step(0.0, 0.0) == 0.0
    assert pid.step(20.0, 0.0) == 0.0, "a jump of the setpoint gives no kick"
    first = pid.step(20.0, 1.0)
    assert -0.01 * 1.0 / DT < first < 0.0, "a jump of the measurement is damped, less than unfiltered"
    assert abs(pid.step(20.0, 1.0)) < abs(first), "and fades"


def test_no_wind_up_after_five_seconds_of_saturation(core: Core) -> None:
    pid = Pid(core)
    for _ in range(500):
        pid.step(22.0, 0.0)  # blocked wheel, output at its limit
    assert pid.state.output == 1.0
    before = pid.state.integral_term
    pid.step(22.0, 0.0)
    assert pid.state.integral_term == before, "nothing is added while clipped"
    outputs = [pid.step(0.0, 0.0) for _ in range(20)]
    assert outputs[-1] <= 0.5 and outputs == sorted(outputs, reverse=True)
    released = Wheel()
    pid2, speeds = Pid(core), []
    for cycle in range(800):
        blocked = cycle < 500
        duty = pid2.step(10.0, 0.0 if blocked else released.speed)
        speeds.append(0.0 if blocked else released.turn(duty))
    assert max(speeds) <= 10.0 * 1.35 and speeds[-1] == pytest.approx(10.0, abs=0.3)


def test_the_integrator_still_leaves_the_clip(core: Core) -> None:
    pid = Pid(core, ki=1.0, slew_per_s=1000.0)
    pid.resume(22.0, 0.0, 1.0)
    held = pid.state.integral_term
    pid.step(30.0, 31.0)  # clipped high by feed-forward, but the error now pulls down
    assert pid.state.integral_term < held


def test_output_and_slew_limits(core: Core) -> None:
    pid = Pid(core, output_limit=0.5)
    step = pid.config.slew_per_s * DT
    last = 0.0
    for setpoint in [22.0] * 10 + [-22.0] * 20:
        output = pid.step(setpoint, 0.0)
        assert abs(output) <= 0.5 and abs(output - last) <= step * 1.0001
        last = output
    assert last == -0.5


@pytest.mark.parametrize("output", [0.0, 0.3, -0.7])
def test_resume_gives_the_duty_that_acts_now(core: Core, output: float) -> None:
    pid = Pid(core, ki=0.0)
    pid.resume(5.0, 4.0, output)
    assert pid.step(5.0, 4.0) == pytest.approx(output, abs=1e-6)


def test_the_step_response_on_the_drive_train(core: Core) -> None:
    pid, wheel = Pid(core), Wheel()
    speeds = [wheel.turn(pid.step(8.0, wheel.speed)) for _ in range(200)]
    assert max(speeds) <= 8.0 * 1.05, "overshoot"
    assert next(cycle for cycle, speed in enumerate(speeds) if speed >= 7.2) <= 30
    assert speeds[-1] == pytest.approx(8.0, abs=0.05)


def test_a_constant_load_is_worked_off(core: Core) -> None:
    pid, wheel = Pid(core), Wheel()
    for _ in range(100):
        wheel.turn(pid.step(8.0, wheel.speed))
    dip = min(wheel.turn(pid.step(8.0, wheel.speed), load_n_m=0.2) for _ in range(500))
    assert dip < 7.5, "the load was felt"
    assert wheel.speed == pytest.approx(8.0, abs=0.1)
