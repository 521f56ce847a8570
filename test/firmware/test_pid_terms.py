"""The PID's terms one by one against the same formula in 32-bit floats, and the state that each call leaves behind."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from core_headers import Core

DT_S = 0.01
F = np.float32


@pytest.fixture
def config(core: Core) -> Any:
    return core.new(
        "pid_config",
        feed_forward=0.04,
        kp=0.05,
        ki=0.5,
        kd=0.002,
        derivative_filter_hz=20.0,
        output_limit=1.0,
        slew_per_s=1000.0,
    )


def dirty(core: Core) -> Any:
    pid = core.new("pid")
    ctypes.memset(ctypes.byref(pid), 0x7F, ctypes.sizeof(pid))
    return pid


def step(core: Core, pid: Any, config: Any, setpoint: float, measured: float, dt_s: float = DT_S) -> float:
    return float(core.takt_pid_step(ctypes.byref(pid), ctypes.byref(config), setpoint, measured, dt_s))


def filtered(before: float, difference: float, config: Any, dt_s: float) -> float:
    """First-order low-pass of a difference quotient, backward Euler."""
    weight = F(6.28318531) * F(config.derivative_filter_hz) * F(dt_s)
    return float(F(before) + (F(difference) / F(dt_s) - F(before)) * (weight / (F(1.0) + weight)))


@pytest.mark.parametrize("dt_s", [0.01, 0.002])
def test_the_derivative_is_the_filtered_rate_of_the_measurement(core: Core, config: Any, dt_s: float) -> None:
    pid = core.new("pid")
    step(core, pid, config, 5.0, 1.0, dt_s)
    assert pid.derivative_term == 0.0, "the first measurement has no rate yet"
    expected = 0.0
    before = 1.0
    for measured in (1.5, 2.5, 2.25):
        step(core, pid, config, 5.0, measured, dt_s)
        expected = filtered(expected, F(measured) - F(before), config, dt_s)
        before = measured
        assert pid.acceleration == pytest.approx(expected, rel=1e-5)
        assert pid.derivative_term == pytest.approx(-config.kd * expected, rel=1e-5)


def test_terms_of_one_step(core: Core, config: Any) -> None:
    pid = core.new("pid")
    output = step(core, pid, config, 8.0, 6.0)
    assert pid.feed_forward_term == pytest.approx(0.32)
    assert pid.proportional_term == pytest.approx(0.1)
    assert pid.integral_term == pytest.approx(0.5 * 2.0 * DT_S)
    assert output == pytest.approx(0.32 + 0.1 + 0.01)


def test_reset_leaves_nothing_behind(core: Core) -> None:
    pid = dirty(core)
    core.takt_pid_reset(ctypes.byref(pid))
    assert bytes(pid) == bytes(ctypes.sizeof(pid))


def test_resume_remembers_the_measurement_and_nothing_older(core: Core, config: Any) -> None:
    pid = dirty(core)
    core.takt_pid_resume(ctypes.byref(pid), ctypes.byref(config), 8.0, 6.0, 0.25)
    assert (pid.measured, pid.primed, pid.acceleration, pid.output) == (6.0, True, 0.0, 0.25)
    step(core, pid, config, 8.0, 7.0)
    assert pid.acceleration == pytest.approx(filtered(0.0, 1.0, config, DT_S), rel=1e-5)


def test_resume_holds_duty_and_integrator_within_the_limit(core: Core, config: Any) -> None:
    for wish, held in ((3.0, 1.0), (-3.0, -1.0)):
        pid = core.new("pid")
        core.takt_pid_resume(ctypes.byref(pid), ctypes.byref(config), 0.0, 0.0, wish)
        assert (pid.output, pid.integral_term) == (held, held)
    core.takt_pid_resume(ctypes.byref(pid), ctypes.byref(config), -100.0, 0.0, 1.0)
    assert pid.integral_term == 1.0, "the integrator alone never asks for more than the limit"


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_integrator_stands_while_it_would_push_into_the_clip(
    core: Core, config: Any, side: float
) -> None:
    pid = core.new("pid", output=side * 1.0, integral_term=side * 0.5)
    step(core, pid, config, side * 30.0, 0.0)
    assert pid.output == side * 1.0 and pid.integral_term == side * 0.5


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_integrator_leaves_the_clip_at_once(core: Core, config: Any, side: float) -> None:
    """Clipped by the feed-forward alone; the error has the other sign and is small."""
    pid = core.new("pid", output=side * 1.0, integral_term=side * 0.5)
    step(core, pid, config, side * 30.0, side * 31.0)
    assert pid.output == side * 1.0, "still clipped"
    assert pid.integral_term == pytest.approx(side * (0.5 - 0.5 * 1.0 * DT_S))


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_integrator_grows_both_ways_where_nothing_is_clipped(
    core: Core, config: Any, side: float
) -> None:
    pid = core.new("pid")
    step(core, pid, config, side * 2.0, side * 1.0)
    assert pid.integral_term == pytest.approx(side * 0.5 * DT_S)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_one_step_moves_the_duty_by_the_slew_at_most(core: Core, config: Any, side: float) -> None:
    config.slew_per_s = 5.0
    pid = core.new("pid", output=side * 0.2)
    assert step(core, pid, config, side * 20.0, 0.0) == pytest.approx(side * 0.25)
    pid = core.new("pid", output=side * 0.2)
    assert step(core, pid, config, side * -20.0, 0.0) == pytest.approx(side * 0.15)
