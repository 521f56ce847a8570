"""Debian's promtool accepts the rules; each alert fires on its fault, and none on a healthy robot."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess

import pytest
import yaml

from takt.monitoring import alerts, panels
from takt.monitoring.metrics import METRICS

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="needs promtool (Debian package prometheus)")
MINUTE = 60

# alert -> series that break it, as start+step x samples of a second each
FAULTS = {
    "TaktDown": {'up{job="takt"}': "0x60"},
    "TaktStatusSilent": {'takt_diagnostic_age_seconds{status="ladder"}': "6x60"},
    "TaktContractMismatch": {'takt_diagnostic_level{status="agent: contract"}': "2x60"},
    "TaktSafe": {'takt_ladder_rung{computer="board"}': "3x60"},
    "TaktHold": {'takt_ladder_rung{computer="host"}': "2x60"},
    "TaktReduced": {'takt_ladder_rung{computer="host"}': "1x60"},
    "TaktBoardMissesAtLimit": {'takt_board_misses_total{cause="preempted"}': "0+1x60"},
    "TaktBoardMiss": {'takt_board_misses_total{cause="preempted"}': "0x40 1x20"},
    "TaktBoardSlow": {"takt_board_cycles_total": "0+95x60"},
    "TaktRecorderLoses": {"takt_recorder_dropped_total": "0x40 9x20"},
    "TaktRecorderFails": {'takt_diagnostic_level{status="recorder: recordings"}': "1x60"},
    "TaktBoardFault": {'takt_board_fault{fault="stall"}': "1x60"},
    "TaktPhotonToMotorOverBudget": {'takt_photon_to_motor_seconds{quantile="0.99"}': "0.11x60"},
    "TaktFramesSkipped": {
        'takt_stage_skips_total{stage="detect",reason="stale"}': "0+20x60",
        "takt_camera_frames_total": "0+30x60",
    },
    "TaktCameraSlow": {"takt_camera_frames_total": "0+20x60"},
    "TaktModelSetAside": {"takt_detector_breaker_state": "1x60"},
    "TaktLinkDown": {"takt_link_connected": "0x60"},
    "TaktLinkSlow": {"takt_link_round_trip_seconds": "0.03x60"},
    "TaktLinkCorrupts": {
        "takt_link_crc_errors_total": "0+2x60",
        'takt_link_messages_total{direction="rx"}': "0+100x60",
    },
    "TaktClockUnlocked": {"takt_clock_locked": "0x60"},
    "TaktClockBoundWide": {"takt_clock_bound_seconds": "0.02x60"},
    "TaktClockDrifts": {"takt_clock_drift_ratio": "-0.0002x60"},
    "TaktSupplyLow": {"takt_supply_volts": "10.2x60"},
}
STAGE_FAULT = {
    'takt_stage_misses_total{stage="detect"}': "0+1x60",
    'takt_stage_duration_seconds_count{stage="detect"}': "0+30x60",
}
WELL = {
    'up{job="takt"}': "1x60",
    'takt_diagnostic_age_seconds{status="ladder"}': "1x60",
    'takt_diagnostic_level{status="agent: contract"}': "0x60",
    'takt_ladder_rung{computer="host"}': "0x60",
    'takt_board_misses_total{cause="preempted"}': "7x60",
    "takt_board_cycles_total": "0+100x60",
    'takt_photon_to_motor_seconds{quantile="0.99"}': "0.03x60",
    'takt_stage_skips_total{stage="detect",reason="stale"}': "0+1x60",
    'takt_stage_misses_total{stage="detect"}': "3x60",
    'takt_stage_duration_seconds_count{stage="detect"}': "0+30x60",
    "takt_camera_frames_total": "0+30x60",
    "takt_detector_breaker_state": "0x60",
    "takt_link_connected": "1x60",
    "takt_link_round_trip_seconds": "0.002x60",
    "takt_link_crc_errors_total": "1x60",
    'takt_link_messages_total{direction="rx"}': "0+100x60",
    "takt_clock_locked": "1x60",
    "takt_clock_bound_seconds": "0.0002x60",
    "takt_clock_drift_ratio": "0.00002x60",
    "takt_supply_volts": "11.9x60",
    "takt_recorder_dropped_total": "4x60",
    'takt_diagnostic_level{status="recorder: recordings"}': "0x60",
}


def repeated(values: str) -> str:
    """promtool's `a+bxn` for each part; a bare value repeats."""
    return " ".join(part if "+" in part else part.replace("x", "+0x") for part in values.split())


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=600)


def case(name: str, series: dict[str, str], firing: list[str]) -> dict[str, object]:
    """After a minute of ``series``, exactly the alerts ``firing`` fire (asked through ALERTS, labels left out)."""
    given = [{"series": one, "values": repeated(values)} for one, values in series.items()]
    query = 'count by (alertname) (ALERTS{alertstate="firing"})'
    seen = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(firing)]
    return {
        "name": name,
        "interval": "1s",
        "input_series": given,
        "promql_expr_test": [{"expr": query, "eval_time": f"{MINUTE - 1}s", "exp_samples": seen}],
    }


@needs_promtool
def test_each_alert_fires_on_its_fault_and_none_on_a_healthy_robot(contract, tmp_path):
    (tmp_path / alerts.RULES_FILE).write_text(alerts.rules_text(contract))
    also = {"TaktBoardMissesAtLimit": ["TaktBoardMiss"]}  # many misses are misses
    cases = [case(name, series, [name, *also.get(name, [])]) for name, series in FAULTS.items()]
    cases += [case("stage", STAGE_FAULT, ["TaktStageOverBudget"]), case("well", WELL, [])]
    tests = {"rule_files": [alerts.RULES_FILE], "evaluation_interval": "1s", "tests": cases}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    done = promtool("test", "rules", str(tmp_path / "tests.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_accepts_rules_and_configuration(contract, tmp_path):
    (tmp_path / alerts.RULES_FILE).write_text(alerts.rules_text(contract))
    (tmp_path / alerts.CONFIG_FILE).write_text(alerts.config_text())
    done = promtool("check", "config", str(tmp_path / alerts.CONFIG_FILE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts.alerts(contract))} rules found" in done.stdout


@needs_promtool
def test_promtool_refuses_a_broken_rule(contract, tmp_path):
    """The check above can fail."""
    broken = alerts.rules_text(contract).replace("takt_ladder_rung == 3", "takt_ladder_rung == == 3")
    (tmp_path / alerts.RULES_FILE).write_text(broken)
    assert promtool("check", "rules", str(tmp_path / alerts.RULES_FILE)).returncode != 0


def test_every_alert_has_a_fault(contract):
    assert {alert.name for alert in alerts.alerts(contract)} == {*FAULTS, "TaktStageOverBudget"}


def test_budgets_and_limits_are_the_contracts(contract):
    detect = dataclasses.replace(contract.stages["detect"], budget_ms=47.0)
    whole = dataclasses.replace(contract.stages["photon_to_motor"], budget_ms=123.0)
    stages = {**contract.stages, "detect": detect, "photon_to_motor": whole}
    link = dataclasses.replace(contract.link, clock_bound_limit_ms=7)
    changed = dataclasses.replace(contract, stages=stages, link=link)
    rules, page = alerts.rules_text(changed), panels.dashboard_text(changed)
    assert "> 0.123" in rules and "47 ms" in rules and "takt_clock_bound_seconds > 0.007" in rules
    assert "budget 47 ms" in page and '"value": 0.123' in page and '"value": 0.007' in page


def test_a_board_that_measures_no_supply_has_no_such_alert(contract):
    safety = dataclasses.replace(contract.safety, supply_low_mv=0)
    changed = dataclasses.replace(contract, safety=safety)
    assert "TaktSupplyLow" not in {alert.name for alert in alerts.alerts(changed)}


def test_queries_name_metrics_that_exist(contract):
    queries = [alert.expression for alert in alerts.alerts(contract)]
    queries += [query for panel in panels.panels(contract) for query in panel.queries]
    named = {name for query in queries for name in re.findall(r"takt_\w+", query)}
    assert {name.removesuffix("_count") for name in named} <= set(METRICS)
