"""From a node's stage clock over /diagnostics and the dashboard node to a scrape."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs the ROS wheels")

from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from takt.deadlines import StageClock  # noqa: E402
from takt.nodes.dashboard import DashboardNode  # noqa: E402
from takt.nodes.shell import publish_stage  # noqa: E402

LIMIT_S = 120.0


@pytest.fixture
def dashboard() -> Iterator[DashboardNode]:
    rclpy.init()
    made = DashboardNode(parameter_overrides=[rclpy.parameter.Parameter("port", value=0)])
    yield made
    made.destroy_node()
    rclpy.shutdown()


def test_a_nodes_stage_reaches_a_scrape(dashboard):
    planner, clock = rclpy.create_node("planner"), StageClock("plan", 10.0)
    for milliseconds in (2, 4, 60):
        clock.record(0, milliseconds * 1_000_000)
    clock.skip("stale")
    publish_stage(planner, clock, lambda: {"wakes_skipped": 7})
    executor = SingleThreadedExecutor()
    executor.add_node(dashboard)
    executor.add_node(planner)
    text, end = "", time.monotonic() + LIMIT_S
    while "takt_stage_misses_total" not in text and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
        with urllib.request.urlopen(dashboard.url + "metrics", timeout=LIMIT_S) as answer:
            text = answer.read().decode()
    executor.shutdown()
    planner.destroy_node()
    for row in (
        'takt_stage_duration_seconds{quantile="1",stage="plan"} 0.06',
        'takt_stage_duration_seconds_count{stage="plan"} 3.0',
        'takt_stage_misses_total{stage="plan"} 1.0',
        'takt_stage_skips_total{reason="stale",stage="plan"} 1.0',
        "takt_planner_skipped_wakes_total 7.0",
        'takt_diagnostic_level{status="planner: plan"} 1.0',
    ):
        assert row in text.splitlines(), row
