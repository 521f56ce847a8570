"""The bench of the link: its report, and a few seconds of it with a real agent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from takt.errors import TaktError
from takt.link_proofs import bench
from takt.link_proofs.bench_side import processor_ns

BUILD = Path(__file__).resolve().parents[2] / "build/firmware"


def test_the_other_agent_s_figures_stand_beside_ours_with_their_quotients(tmp_path):
    made = bench.Bench(tmp_path, 1, ["agent", "{dev}"], 1.0, 1)
    made.figures["ours"] = {"echo_p50_us": 300.0, "echo_count": 5, "lost_1000_hz": 2, "recoveries_ok": 7}
    made.figures["peer"] = {"echo_p50_us": 200.0, "echo_count": 4, "lost_1000_hz": 0}
    report = made.report()
    assert report["peer_echo_p50_us"] == 200.0 and report["ratio_echo_p50_us"] == 1.5
    assert report["peer_lost_1000_hz"] == 0 and "ratio_lost_1000_hz" not in report
    assert report["recoveries_ok"] == 7 and "ratio_echo_count" not in report


def test_percentiles_come_with_their_count_and_samples_are_kept(tmp_path):
    samples = bench.Samples()
    samples.add("echo", np.arange(100.0))
    samples.add("echo", np.arange(100.0, 200.0))
    assert samples.percentiles("echo", "echo") == {
        "echo_p50_us": 99.5,
        "echo_p99_us": 197.0,
        "echo_count": 200,
    }
    assert samples.percentiles("none", "none") == {"none_count": 0}
    samples.save(tmp_path / "raw")
    assert len((tmp_path / "raw/echo.txt").read_text().splitlines()) == 200


def test_processor_time_of_a_process_grows_with_its_work():
    before_ns = processor_ns(os.getpid())
    sum(range(2_000_000))
    assert processor_ns(os.getpid()) - before_ns > 1_000_000


@pytest.mark.parametrize("arguments", [["--agent-cmd", "agent"], ["--scale", "0"]])
def test_a_command_line_that_measures_nothing(arguments):
    with pytest.raises(TaktError):
        bench.main(arguments)


@pytest.mark.system
def test_a_second_of_echo_and_throughput(tmp_path, more_domains):
    pytest.importorskip("rclpy", reason="ROS 2 is not available to Python")
    if not (BUILD / "libtakt_meter.so").exists():
        pytest.skip("the link meter is not built: ./run firmware")
    made = bench.Bench(tmp_path, more_domains(3), None, 0.02, 1, rounds=1)
    made._with_sides(False, [made._echoes, made._throughput])
    report = made.report()
    for key in (
        "echo_best_effort_p99_us",
        "echo_reliable_p50_us",
        "cpu_percent_100_hz",
        "cpu_over_bare_ratio",
        "reliable_samples_per_s",
    ):
        assert report[key] > 0.0
    assert report["echo_best_effort_count"] > 0
