"""Statuses become metrics: nothing the board says is lost, units are right, the silent are not taken for well."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from takt.contract.board_content import STATUSES
from takt.monitoring import readings
from takt.monitoring.exposition import text
from takt.monitoring.metrics import COUNTER, METRICS, SUMMARY
from takt.monitoring.samples import Heard, samples

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
NOW_NS = 1_700_000_000_000_000_000


@pytest.fixture
def found(contract, robot_speaks):
    return samples(robot_speaks(9, NOW_NS), contract, NOW_NS)


def value(found, metric: str, **labels: str) -> float:
    matches = [s.value for s in found if s.metric == metric and s.labels == labels and not s.is_count]
    assert len(matches) == 1, (metric, labels, matches)
    return matches[0]


@pytest.mark.parametrize("status", STATUSES, ids=lambda status: status.name)
def test_every_key_of_the_board_is_a_metric_or_left_out_on_purpose(status):
    patterns = [reading.key for reading in readings.BOARD[status.name]]
    taken = {key for key in status.values if any(fnmatch(key, pattern) for pattern in patterns)}
    assert taken | readings.LEFT_OUT.get(status.name, set()) == set(status.values)
    assert not taken & readings.LEFT_OUT.get(status.name, set())


def test_every_metric_is_spoken_by_a_whole_robot(found):
    assert {sample.metric for sample in found} | {"takt_board_fault"} == set(METRICS)


def test_labels_are_those_of_the_table(found):
    for sample in found:
        own = set(METRICS[sample.metric].labels)
        assert set(sample.labels) - {"quantile"} == own, sample
        assert ("quantile" in sample.labels) == (
            METRICS[sample.metric].kind == SUMMARY and not sample.is_count
        ), sample


def test_names_follow_the_conventions():
    for metric in METRICS.values():
        assert metric.name.endswith("_total") == (metric.kind == COUNTER), metric.name
        assert not any(unit in metric.name.split("_") for unit in ("ms", "us", "ppm", "mv")), metric.name


def test_units_become_base_units(found):
    assert value(found, "takt_stage_duration_seconds", stage="plan", quantile="0.99") == pytest.approx(
        0.004, rel=0.05
    )
    assert value(found, "takt_stage_budget_seconds", stage="detect") == pytest.approx(0.033)
    assert value(found, "takt_link_round_trip_seconds") == pytest.approx(2.1e-3)
    assert value(found, "takt_agent_round_trip_seconds", line="/dev/ttyACM0", quantile="1") == pytest.approx(
        2.2e-3
    )
    assert value(found, "takt_clock_bound_seconds") == pytest.approx(180e-6)
    assert value(found, "takt_clock_drift_ratio") == pytest.approx(12.5e-6)
    assert value(found, "takt_supply_volts") == pytest.approx(11.9)
    assert value(found, "takt_board_uptime_seconds") == pytest.approx(0.9)
    assert value(found, "takt_board_misses_total", cause="own_overrun") == 900
    assert value(found, "takt_photon_to_motor_seconds", quantile="0.99") == pytest.approx(900e-6)


def test_words_become_numbers_and_labels(contract):
    statuses = {
        "ladder": Heard("WARN", "HOLD", {"reason": "perception stale"}, NOW_NS),
        "base: safety": Heard(
            "ERROR", "", {"rung": "SAFE", "reason": "fault", "fault": "stall", "armed": "false"}, NOW_NS
        ),
        "base: link": Heard("ERROR", "", {"state": "seeking"}, NOW_NS),
        "detector: detect": Heard("OK", "", {"breaker": "OPEN"}, NOW_NS),
    }
    found = samples(statuses, contract, NOW_NS)
    assert value(found, "takt_ladder_rung", computer="host") == 2
    assert value(found, "takt_ladder_rung", computer="board") == 3
    assert value(found, "takt_ladder_rung_info", computer="host", rung="HOLD", reason="perception stale") == 1
    assert value(found, "takt_board_fault", fault="stall") == 1
    assert value(found, "takt_board_armed") == 0 and value(found, "takt_link_connected") == 0
    assert value(found, "takt_detector_breaker_state") == 1
    assert value(found, "takt_diagnostic_level", status="base: safety") == 2


def test_the_last_words_of_a_dead_node_are_no_news(contract, robot_speaks):
    oldest_ns = contract.topics["diagnostics"].max_age_ms * 1_000_000
    statuses = robot_speaks(1, NOW_NS)
    fresh = {s.metric for s in samples(statuses, contract, NOW_NS + oldest_ns)}
    stale = samples(statuses, contract, NOW_NS + oldest_ns + 1_000_000)
    assert "takt_ladder_rung" in fresh
    assert {s.metric for s in stale} == {
        "takt_contract_info",
        "takt_misses_total",  # counted by the dashboard itself
        "takt_stage_budget_seconds",
        "takt_diagnostic_age_seconds",
    }
    assert value(stale, "takt_diagnostic_age_seconds", status="ladder") == pytest.approx(
        oldest_ns / 1e9 + 1e-3
    )


@pytest.mark.parametrize("nonsense", ["nan", "inf", "-inf", "", "many", "0x10"])
def test_what_is_no_number_is_no_sample(contract, nonsense):
    found = samples({"base: loop": Heard("OK", "", {"cycles": nonsense}, NOW_NS)}, contract, NOW_NS)
    assert "takt_board_cycles_total" not in {s.metric for s in found}


def test_what_was_never_skipped_is_0_and_not_absent(contract):
    """So that its panel has data on a healthy robot, and a rate sees the first one."""
    told = Heard("OK", "", {"p99": "3", "count": "5", "skipped_stale": "2", "skipped_bad_luck": "1"}, NOW_NS)
    found = samples({"detector: detect": told}, contract, NOW_NS)
    counts = {s.labels["reason"]: s.value for s in found if s.metric == "takt_stage_skips_total"}
    assert counts == {"stale": 2.0, "breaker": 0.0, "recycled": 0.0, "bad_luck": 1.0}


def test_a_stage_told_twice_is_one_series(contract):
    """Prometheus refuses a series that a scrape brings twice."""
    told = {
        f"{node}: plan": Heard("OK", "", {"p99": "3", "count": "5"}, NOW_NS) for node in ("planner", "other")
    }
    rows = text(samples(told, contract, NOW_NS)).decode().splitlines()
    series = [row.rpartition(" ")[0] for row in rows if not row.startswith("#")]
    assert len(series) == len(set(series))


def test_the_exposition_escapes_and_types(contract):
    heard = Heard("OK", "", {"device": 'C:\\new "line"\n', "sessions_opened": "3"}, NOW_NS)
    rows = text(samples({"agent: link": heard}, contract, NOW_NS)).decode().splitlines()
    assert "# TYPE takt_agent_sessions_opened_total counter" in rows
    assert 'takt_agent_sessions_opened_total{line="C:\\\\new \\"line\\"\\n"} 3.0' in rows


@pytest.mark.parametrize("folder", ["core/src", "micropython"])
def test_the_words_that_become_numbers_are_those_of_the_firmware(folder):
    source = "\n".join(
        path.read_text() for path in sorted((FIRMWARE / folder).rglob("*.[cp]*")) if path.is_file()
    )
    words = {word for rows in readings.BOARD.values() for reading in rows for word in reading.words} - {"*"}
    assert words >= {"NOMINAL", "connected", "true"}
    missing = {word for word in words if f'"{word}"' not in source}
    assert not missing


def test_misses_are_counted_by_cause_and_what_never_came_is_nought(contract):
    found = samples({}, contract, NOW_NS, {"planner": {"gc_pause": 3}, "lidar": {"own_work": 1}})
    assert value(found, "takt_misses_total", source="planner", cause="gc_pause") == 3.0
    assert value(found, "takt_misses_total", source="planner", cause="unknown") == 0.0
    assert value(found, "takt_misses_total", source="camera", cause="inference") == 0.0
    assert value(found, "takt_misses_total", source="lidar", cause="own_work") == 1.0
