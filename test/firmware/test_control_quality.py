"""The wheel controller on the plant model keeps what docs/firmware.md says of it, and so does its bench."""

from __future__ import annotations

from pathlib import Path

import pytest

import takt.contract
from takt.errors import TaktError
from takt.simulation import control_bench
from takt.simulation.wheel_control import FeedForwardControl, FirmwareControl, SimplePidControl, WheelControl

CONTRACT = takt.contract.load()


@pytest.fixture
def make(core_library: Path) -> control_bench.Make:
    return lambda: FirmwareControl(core_library, CONTRACT)


@pytest.mark.parametrize("setpoint", [3.0, 16.0])
def test_a_step_reaches_90_percent_soon_and_overshoots_little(
    make: control_bench.Make, setpoint: float
) -> None:
    found = control_bench.step_response(CONTRACT, make, setpoint)
    assert found["rise_90_ms"] is not None and found["rise_90_ms"] <= 200.0
    assert found["overshoot_percent"] is not None and found["overshoot_percent"] <= 5.0
    assert found["error_after_2_s_percent"] is not None and found["error_after_2_s_percent"] <= 1.0


def test_five_seconds_of_saturation_leave_no_wind_up(make: control_bench.Make) -> None:
    assert control_bench.wind_up(CONTRACT, make)["above_5_percent_ms"] <= 100.0


def test_resuming_jumps_by_less_than_a_slew_step(make: control_bench.Make) -> None:
    step = CONTRACT.control.duty_slew_per_s / CONTRACT.control.rate_hz
    assert control_bench.resume(CONTRACT, make)["largest_jump"] < step


def test_the_bench_can_tell_good_from_bad() -> None:
    """The rivals fail where they must: no feed-forward is slow, no feedback leaves an error and never recovers."""
    slow = control_bench.step_response(CONTRACT, lambda: SimplePidControl(CONTRACT), 8.0)
    assert slow["rise_90_ms"] is not None and slow["rise_90_ms"] > 1000.0
    pushed = control_bench.disturbance(CONTRACT, lambda: FeedForwardControl(CONTRACT))
    assert pushed["recovery_ms"] is None


def test_a_jump_is_measured(core_library: Path) -> None:
    class Jumpy(FeedForwardControl):
        def step(self, setpoint_rad_s: float, measured_rad_s: float, dt_s: float) -> float:
            return 0.9

    def make() -> WheelControl:
        return Jumpy(CONTRACT)

    assert control_bench.resume(CONTRACT, make)["largest_jump"] == pytest.approx(0.5)


def test_a_missing_library_names_cause_and_fix(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match="library"):
        FirmwareControl(tmp_path / "none.so", CONTRACT)
