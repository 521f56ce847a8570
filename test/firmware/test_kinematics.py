"""Differential drive, both ways."""

from __future__ import annotations

import ctypes

import pytest
from core_headers import Core

RADIUS, SEPARATION, LIMIT = 0.05, 0.26, 22.0


def config(core: Core) -> object:
    return core.new(
        "kinematics_config",
        wheel_radius_m=RADIUS,
        wheel_separation_m=SEPARATION,
        wheel_speed_limit_rad_s=LIMIT,
    )


def to_wheels(core: Core, speed: float, yaw_rate: float) -> tuple[float, float]:
    wheels = (ctypes.c_float * 2)()
    body = core.new("body", speed_m_s=speed, yaw_rate_rad_s=yaw_rate)
    core.takt_body_to_wheels(ctypes.byref(config(core)), body, wheels)
    return wheels[0], wheels[1]


def to_body(core: Core, wheels: tuple[float, float]) -> tuple[float, float]:
    body = core.takt_wheels_to_body(ctypes.byref(config(core)), (ctypes.c_float * 2)(*wheels))
    return body.speed_m_s, body.yaw_rate_rad_s


@pytest.mark.parametrize(
    ("speed", "yaw_rate", "left", "right"),
    [(0.5, 0.0, 10.0, 10.0), (0.0, 1.0, -2.6, 2.6), (-0.3, -2.0, -0.8, -11.2), (0.0, 0.0, 0.0, 0.0)],
)
def test_to_wheels(core: Core, speed: float, yaw_rate: float, left: float, right: float) -> None:
    assert to_wheels(core, speed, yaw_rate) == pytest.approx((left, right), abs=1e-5)


@pytest.mark.parametrize("motion", [(0.5, 0.7), (-0.2, 2.5), (0.0, -1.0)])
def test_there_and_back(core: Core, motion: tuple[float, float]) -> None:
    assert to_body(core, to_wheels(core, *motion)) == pytest.approx(motion, abs=1e-5)


@pytest.mark.parametrize(("speed", "yaw_rate"), [(0.8, 2.5), (-0.8, 2.5), (3.0, 0.1)])
def test_past_the_wheel_limit_it_is_slower_on_the_same_curve(
    core: Core, speed: float, yaw_rate: float
) -> None:
    wheels = to_wheels(core, speed, yaw_rate)
    assert max(map(abs, wheels)) == pytest.approx(LIMIT)
    reached_speed, reached_yaw = to_body(core, wheels)
    assert reached_yaw / reached_speed == pytest.approx(yaw_rate / speed, rel=1e-4)
