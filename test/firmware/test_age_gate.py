"""The age gate: every reason for a refusal, on both sides of its border."""

from __future__ import annotations

import ctypes

import pytest
from core_headers import Core

MS = 1_000_000
ROS_NOW = 1_700_000_000_000_000_000
BOARD_NOW = 60_000 * MS
BOUND = 1 * MS
MAX_AGE = 200 * MS


def verdict(core: Core, *, command: dict | None = None, ros: dict | None = None) -> str:
    config = core.takt_control_config_from_contract().gate
    fields = {
        "sequence": 1,
        "received_ns": BOARD_NOW - 10 * MS,
        "stamp_ns": ROS_NOW - 50 * MS,
        "speed_m_s": 0.5,
        "yaw_rate_rad_s": -1.0,
    }
    held = core.new("command", **{**fields, **(command or {})})
    clock = core.new("ros_time", **{"locked": True, "now_ns": ROS_NOW, "bound_ns": BOUND, **(ros or {})})
    result = core.takt_age_gate(ctypes.byref(config), ctypes.byref(held), ctypes.byref(clock), BOARD_NOW)
    return core.takt_gate_name(result).decode()


@pytest.mark.parametrize(
    ("command", "ros", "expected"),
    [
        ({}, {}, "applied"),
        ({"sequence": 0}, {}, "no_command"),
        # stale: clock bound counted against the command
        ({"stamp_ns": ROS_NOW + BOUND - MAX_AGE}, {}, "applied"),
        ({"stamp_ns": ROS_NOW + BOUND - MAX_AGE - 1}, {}, "stale"),
        ({"stamp_ns": 1}, {}, "stale"),
        # future: only the clock's own error is forgiven
        ({"stamp_ns": ROS_NOW + BOUND}, {}, "applied"),
        ({"stamp_ns": ROS_NOW + BOUND + 1}, {}, "future"),
        ({"stamp_ns": 2**63 - 1}, {}, "future"),
        # zero: never set
        ({"stamp_ns": 0}, {}, "zero"),
        ({"stamp_ns": -1}, {}, "zero"),
        ({"stamp_ns": -(2**63)}, {}, "zero"),
        # the clock
        ({}, {"locked": False}, "clock"),
        ({}, {"now_ns": 0}, "clock"),
        ({"stamp_ns": ROS_NOW}, {"bound_ns": 10 * MS}, "applied"),
        ({"stamp_ns": ROS_NOW}, {"bound_ns": 10 * MS + 1}, "clock"),
        ({}, {"bound_ns": 2**64 - 1}, "clock"),
        # numbers
        ({"speed_m_s": float("nan")}, {}, "nan"),
        ({"speed_m_s": float("inf")}, {}, "nan"),
        ({"yaw_rate_rad_s": float("-inf")}, {}, "nan"),
        ({"yaw_rate_rad_s": float("nan")}, {}, "nan"),
        ({"speed_m_s": 0.8 * 9.99}, {}, "applied"),
        ({"speed_m_s": -0.8 * 10.01}, {}, "nan"),
        ({"yaw_rate_rad_s": 2.5 * 10.01}, {}, "nan"),
        # silence
        ({"received_ns": BOARD_NOW - 100 * MS + 1}, {}, "applied"),
        ({"received_ns": BOARD_NOW - 100 * MS}, {}, "silence"),
        ({"received_ns": BOARD_NOW + 5 * MS}, {}, "applied"),  # the link thread's now may be a moment later
    ],
)
def test_verdicts(core: Core, command: dict, ros: dict, expected: str) -> None:
    assert verdict(core, command=command, ros=ros) == expected


def test_a_nan_is_refused_whatever_else_is_wrong(core: Core) -> None:
    assert verdict(core, command={"speed_m_s": float("nan"), "stamp_ns": 0}, ros={"locked": False}) == "nan"


def test_unknown_verdicts_have_a_name(core: Core) -> None:
    assert core.takt_gate_name(99) == b"unknown"
