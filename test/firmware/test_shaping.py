"""Setpoint shaping: limits hold in every step, the wish is reached, the stop ramp keeps its time."""

from __future__ import annotations

import ctypes
import random
from itertools import pairwise

import pytest
from core_headers import Core

DT = 0.01
SPEED, ACCELERATION, JERK, STOP_S = 0.8, 1.5, 15.0, 0.150


def limits(core: Core) -> object:
    return core.new(
        "axis_limits", speed=SPEED, acceleration=ACCELERATION, jerk=JERK, stop_rate=SPEED / STOP_S
    )


class Axis:
    def __init__(self, core: Core, value: float = 0.0) -> None:
        self.core, self.limits = core, limits(core)
        self.axis = core.new("axis", value=value)

    def follow(self, wish: float, dt_s: float = DT) -> float:
        return self.core.takt_axis_follow(ctypes.byref(self.axis), ctypes.byref(self.limits), wish, dt_s)

    def stop(self, dt_s: float = DT) -> float:
        return self.core.takt_axis_stop(ctypes.byref(self.axis), ctypes.byref(self.limits), dt_s)


def test_a_step_keeps_acceleration_and_jerk_and_ends_on_the_wish(core: Core) -> None:
    axis = Axis(core)
    values = [0.0] + [axis.follow(0.6) for _ in range(100)]
    rates = [(b - a) / DT for a, b in pairwise(values)]
    jerks = [(b - a) / DT for a, b in pairwise(rates)]
    assert max(map(abs, rates)) <= ACCELERATION * 1.0001
    assert max(map(abs, jerks)) <= JERK * 1.01
    assert max(values) <= 0.6 * 1.0005
    assert values[-1] == pytest.approx(0.6, abs=1e-4)
    assert values[60] > 0.59, "0.6 m/s at 1.5 m/s2 with 0.1 s of jerk at each end takes about 0.5 s"


def test_random_wishes_never_break_a_limit(core: Core) -> None:
    rng = random.Random(5)
    axis, value, rate, wish = Axis(core), 0.0, 0.0, 0.0
    for _ in range(5000):
        if rng.random() < 0.05:
            wish = rng.uniform(-2, 2)
        following = axis.follow(wish)
        following_rate = axis.axis.rate
        assert abs(following) <= SPEED * 1.0001
        assert abs(following - value) <= ACCELERATION * DT * 1.001
        assert abs(following_rate - rate) <= JERK * DT * 1.001
        value, rate = following, following_rate


@pytest.mark.parametrize("start", [SPEED, -SPEED])
def test_the_stop_ramp_from_top_speed_takes_its_time_and_not_a_cycle_more(core: Core, start: float) -> None:
    axis = Axis(core, start)
    values = [axis.stop() for _ in range(15)]
    assert values[-1] == 0.0
    assert all(abs(b) < abs(a) for a, b in pairwise(values))
    assert values[13] != 0.0


def test_a_slower_start_stops_sooner_at_the_same_rate(core: Core) -> None:
    axis = Axis(core, 0.4)
    assert [axis.stop() for _ in range(8)][-1] == 0.0


def test_a_resumed_command_starts_where_the_ramp_was(core: Core) -> None:
    axis = Axis(core, 0.8)
    for _ in range(5):
        axis.stop()
    before = axis.axis.value
    assert abs(axis.follow(0.8) - before) <= JERK * DT * DT * 1.001
