"""Reading a kill off the plant's log: on made-up records whose answer is known."""

import numpy as np

from takt.demo.kills import Outcome, judge, summary

MS = 1_000_000


def record(stop_ms, stand_ms, again_ms, off_from_ms=None):
    """2 ms rows: the kill comes at 1000 ms; setpoint zero at stop_ms, wheels at rest at stand_ms, again at again_ms."""
    time_ms = np.arange(0, 6000, 2)
    setpoint = np.where((time_ms < 1000 + stop_ms) | (time_ms >= 1000 + again_ms), 5.0, 0.0)
    wheels = np.where((time_ms < 1000 + stand_ms) | (time_ms >= 1000 + again_ms), 5.0, 0.0)
    enabled = np.ones(len(time_ms), bool)
    if off_from_ms is not None:
        enabled[(time_ms >= 1000 + off_from_ms) & (time_ms < 1000 + again_ms)] = False
    return {
        "stamp_ns": time_ms * MS,
        "setpoint_rad_s": np.column_stack([setpoint, setpoint]),
        "wheel_speed_rad_s": np.column_stack([wheels, -wheels]),
        "driver_enabled": enabled,
    }


def test_times_are_read_from_the_kill_on():
    outcome = judge(record(250, 600, 3000), "agent", 1000 * MS, True)
    assert outcome == Outcome("agent", True, 250.0, 350.0, 3.0, True)
    assert outcome.holds()


def test_a_silent_firmware_counts_from_the_driver_off():
    outcome = judge(record(4000, 300, 4000, off_from_ms=100), "firmware", 1000 * MS, True)
    assert outcome.setpoint_zero_ms == 100.0
    assert outcome.standing_after_ms == 200.0


def test_each_broken_limit_is_a_failure():
    assert not judge(record(302, 600, 3000), "agent", 1000 * MS, True).holds()
    assert judge(record(398, 600, 3000), "camera", 1000 * MS, True).holds()
    assert not judge(record(200, 702, 3000), "agent", 1000 * MS, True).holds()
    assert not judge(record(200, 600, 99_999), "agent", 1000 * MS, True).holds()
    assert not judge(record(200, 600, 3000), "agent", 1000 * MS, False).holds()
    assert not judge(record(99_999, 600, 99_999), "agent", 1000 * MS, True).holds()


def test_the_summary_names_median_and_worst():
    outcomes = [judge(record(stop, 600, 3000), "agent", 1000 * MS, True) for stop in (200, 220, 310)]
    result = summary(outcomes)
    assert (result["kills_tried"], result["held"]) == (3, 2)
    assert result["agent_setpoint_zero_ms"] == {"median": 220.0, "max": 310.0}
