"""Wheel check: what no whole wheel can do is found in time and named; what a pushed or blocked robot does is not."""

from __future__ import annotations

import ctypes

import pytest
from core_headers import Core

NAMES = ("OK", "STALL", "BROKEN_WIRE", "WRONG_SIGN", "RUNAWAY", "IMPOSSIBLE")
FF = 0.04


class Wheel:
    """One wheel's check, fed by hand; positions follow the speeds unless given."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.config = core.takt_control_config_from_contract().check
        self.state = core.new("wheel_check")
        self.counts = 0

    def step(
        self, duty: float, speed: float, setpoint: float | None = None, counts: int | None = None
    ) -> bool:
        """One sample; True: a fault in this cycle."""
        self.counts += round(speed * 6.5) if counts is None else counts
        view = self.core.new(
            "wheel_view",
            duty=duty,
            speed_rad_s=speed,
            setpoint_rad_s=(duty if setpoint is None else setpoint),
            position_counts=self.counts,
        )
        return bool(
            self.core.takt_wheel_check_step(*(ctypes.byref(x) for x in (self.state, self.config, view)))
        )

    def until_fault(self, limit: int, *args: float, **given: float) -> int:
        for cycle in range(1, limit + 1):
            if self.step(*args, **given):
                return cycle
        return 0

    @property
    def found(self) -> str:
        return NAMES[self.state.found]


@pytest.fixture
def wheel(core: Core) -> Wheel:
    made = Wheel(core)
    assert (made.config.dead_cycles, made.config.contrary_cycles) == (7, 3)
    return made


def test_a_wheel_that_answers_is_fine(wheel: Wheel) -> None:
    for sign in (1, -1):
        for speed in [*range(16), *range(16, 0, -1)]:
            assert not wheel.step(sign * (FF * speed + 0.15), sign * speed)
    assert wheel.found == "OK"


def test_counts_that_cease_at_speed_are_a_broken_wire(wheel: Wheel) -> None:
    for _ in range(5):
        wheel.step(0.4, 10.0)
    wheel.step(0.4, 3.0)  # the wire broke within this window
    assert wheel.until_fault(20, 0.6, 0.0) == 7
    assert wheel.found == "BROKEN_WIRE"


def test_a_wheel_that_never_turned_is_a_stall(wheel: Wheel) -> None:
    assert wheel.until_fault(20, 0.3, 0.0) == 7
    assert wheel.found == "STALL"
    wheel.step(0.3, 10.0)
    assert wheel.found == "STALL", "the first finding stays for the report"
    wheel.core.takt_wheel_check_reset(ctypes.byref(wheel.state))
    assert wheel.found == "OK"


def test_one_channel_that_still_toggles_does_not_hide_it(wheel: Wheel) -> None:
    found = [wheel.step(0.3, 0.15, counts=-1 if cycle % 2 else 1) for cycle in range(7)]
    assert found == [False] * 6 + [True]


def test_a_wheel_that_rocks_by_two_counts_is_no_stall(wheel: Wheel) -> None:
    for counts in [1, 1, -1, -1] * 20:
        assert not wheel.step(0.5, 0.15, counts=counts)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_wheel_that_creeps_against_a_wall_is_no_stall(wheel: Wheel, direction: int) -> None:
    for _ in range(100):
        assert not wheel.step(direction * 0.4, direction * 0.15, counts=direction)
    assert wheel.found == "OK"


def test_little_effort_may_stand_still(wheel: Wheel) -> None:
    limit = wheel.config.dead_effort
    assert wheel.until_fault(50, limit * 0.999, 0.0) == 0
    assert wheel.until_fault(50, -limit, 0.0) == 7, "the limit itself counts, in both directions"


def test_effort_against_the_setpoint_is_an_integrator_letting_go(wheel: Wheel) -> None:
    assert wheel.until_fault(50, 0.4, 0.0, setpoint=-2.0) == 0
    assert wheel.until_fault(50, 0.4, 0.0, setpoint=0.0) == 0


def test_a_reversed_encoder_is_found_in_three_cycles(wheel: Wheel) -> None:
    for _ in range(3):
        wheel.step(0.5, 10.0)
    assert wheel.until_fault(10, 0.9, -10.0, setpoint=10.0) == 3
    assert wheel.found == "WRONG_SIGN"


def test_a_wheel_that_runs_on_against_the_duty_is_a_runaway(wheel: Wheel) -> None:
    assert wheel.until_fault(10, 0.0, 16.0, setpoint=8.0) == 3
    assert wheel.found == "RUNAWAY"


def test_hard_braking_slows_and_is_fine(wheel: Wheel) -> None:
    speed = 22.0
    while speed > 0.0:
        assert not wheel.step(-0.5, speed, setpoint=0.0)
        speed -= 0.4
    assert wheel.found == "OK"


@pytest.mark.parametrize(("loss", "fault"), [(0.29, True), (0.31, False)])
def test_slower_by_the_acceleration_limit_counts_as_slowing(wheel: Wheel, loss: float, fault: bool) -> None:
    wheel.step(0.6, 15.5)
    assert wheel.until_fault(6, -0.6, 15.0, setpoint=0.0) in (3, 4)
    wheel.core.takt_wheel_check_reset(ctypes.byref(wheel.state))
    wheel.state.last_rad_s = 15.0
    found = [wheel.step(-0.6, 15.0 - loss * cycle, setpoint=0.0) for cycle in range(1, 7)]
    assert any(found) is fault


def test_being_pushed_backwards_with_less_than_the_tyres_hold_is_fine(wheel: Wheel) -> None:
    for _ in range(50):
        assert not wheel.step(0.3, -5.0, setpoint=4.0)
    assert wheel.found == "OK"


def test_a_wheel_that_slowed_down_before_it_stopped_gets_half_a_second(wheel: Wheel) -> None:
    for speed in (10.0, 10.0, 7.0, 4.0, 1.2):
        assert not wheel.step(0.5, speed)
    assert wheel.until_fault(100, 0.5, 0.0) == 50
    assert wheel.found == "STALL"


def test_standing_at_rest_for_long_it_is_judged_soon_again(wheel: Wheel) -> None:
    for speed in (10.0, 7.0, 4.0, 1.2):
        wheel.step(0.1, speed)
    for _ in range(100):
        assert not wheel.step(0.0, 0.0)
    assert wheel.until_fault(100, 0.5, 0.0) == 7


def test_a_robot_thrown_back_by_a_wall_is_not_a_reversed_encoder(wheel: Wheel) -> None:
    """Head-on at 0.8 m/s on a flat battery: for three cycles the wheels turned back at 0.4 rad/s under full duty."""
    for speed in (13.5, 4.8, 1.2, -0.12, -0.34, -0.4, -0.5, -0.3):
        assert not wheel.step(1.0, speed, setpoint=16.0)
    assert not any(wheel.step(1.0, -0.99, setpoint=16.0) for _ in range(10))
    assert wheel.until_fault(10, 1.0, -1.0, setpoint=16.0) == 3
