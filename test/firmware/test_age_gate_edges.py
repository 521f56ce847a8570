"""The age gate to the last digit: limits that belong to the good side, and configurations at their ends."""

from __future__ import annotations

import ctypes

import pytest
from core_headers import Core

MS = 1_000_000
ROS_NOW = 1_700_000_000 * 1000 * MS


def verdict(core: Core, command: dict, ros: dict, config: dict, now_ns: int = 60_000 * MS) -> str:
    limits = core.takt_control_config_from_contract().gate
    for name, value in config.items():
        setattr(limits, name, value)
    held = core.new("command", **{"sequence": 1, "received_ns": now_ns, "stamp_ns": ROS_NOW, **command})
    clock = core.new("ros_time", **{"locked": True, "now_ns": ROS_NOW, "bound_ns": 0, **ros})
    found = core.takt_age_gate(ctypes.byref(limits), ctypes.byref(held), ctypes.byref(clock), now_ns)
    return str(core.takt_gate_name(found).decode())


@pytest.mark.parametrize(
    ("field", "limit"),
    [("speed_m_s", "speed_absurd_m_s"), ("yaw_rate_rad_s", "yaw_rate_absurd_rad_s")],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_limit_itself_is_no_garbage(core: Core, field: str, limit: str, sign: float) -> None:
    assert verdict(core, {field: sign * 4.0}, {}, {limit: 4.0}) == "applied"
    assert verdict(core, {field: sign * 4.000001}, {}, {limit: 4.0}) == "nan"


def test_a_command_of_this_very_moment_is_silent_where_no_silence_is_allowed(core: Core) -> None:
    assert verdict(core, {}, {}, {"silence_ns": 0}) == "silence"
    assert verdict(core, {}, {}, {"silence_ns": 1}) == "applied"


def test_the_first_nanosecond_of_ros_time_is_a_time(core: Core) -> None:
    assert verdict(core, {"stamp_ns": 1}, {"now_ns": 1}, {}) == "applied"
    assert verdict(core, {"stamp_ns": 1}, {"now_ns": 0}, {}) == "clock"


def test_a_number_beyond_the_table_has_a_name(core: Core) -> None:
    count = int(core.values["TAKT_GATE_COUNT"])
    assert core.takt_gate_name(count) == b"unknown" and core.takt_gate_name(count - 1) == b"silence"
