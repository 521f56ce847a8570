"""The shim steps ROS time of the processes that are started under it, and of no other clock or process."""

import shutil
import subprocess
import sys
import time

import pytest

from takt.deadline_bench.clock_step import SteppedClock

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no compiler here")
ASK = "import time; print(time.time_ns() - time.monotonic_ns())"


def difference_ns():
    return int(subprocess.run([sys.executable, "-c", ASK], check=True, capture_output=True, text=True).stdout)


def test_a_step_is_seen_by_children_and_taken_back(tmp_path):
    here_ns = time.time_ns() - time.monotonic_ns()
    clock = SteppedClock(tmp_path)
    try:
        clock.step(60_000_000_000)
        clock.step(3_000_000_000)
        assert clock.offset_ns == 63_000_000_000
        assert abs(difference_ns() - here_ns - 63_000_000_000) < 5_000_000_000
        assert abs(time.time_ns() - time.monotonic_ns() - here_ns) < 5_000_000_000
    finally:
        clock.close()
    assert abs(difference_ns() - here_ns) < 5_000_000_000
