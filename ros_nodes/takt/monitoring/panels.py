"""Grafana's dashboard, from the contract: rows of panels with the budgets and limits drawn in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from takt.contract.sections import Contract

DASHBOARD_FILE = "takt_dashboard.json"
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_COLUMNS, _WIDTH, _HEIGHT = 24, 8, 7
_RUNGS = {"0": "NOMINAL", "1": "REDUCED", "2": "HOLD", "3": "SAFE"}


@dataclass(frozen=True)
class Panel:
    """``queries``: expression -> legend. ``unit`` as Grafana names it. ``limit`` is drawn as a line."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    limit: float | None = None
    kind: str = "timeseries"
    words: dict[str, str] | None = None


def panels(contract: Contract) -> list[Panel]:
    """In reading order: how is the robot, what was late, and then part by part."""
    return [*_overview(contract), *_lateness(contract), *_link(contract), *_parts(contract), *_own(contract)]


def _overview(contract: Contract) -> list[Panel]:
    ms = contract.stages["photon_to_motor"].budget_ms
    return [
        Panel(
            "Ladder",
            {"takt_ladder_rung": "{{computer}}"},
            kind="state-timeline",
            words=_RUNGS,
        ),
        Panel("Rung and reason", {"takt_ladder_rung_info": "{{computer}} {{rung}} {{reason}}"}, kind="stat"),
        Panel(
            "Photon to motor",
            {"takt_photon_to_motor_seconds": "quantile {{quantile}}"},
            "s",
            ms / 1e3,
        ),
    ]


def _lateness(contract: Contract) -> list[Panel]:
    stages = [
        Panel(
            f"{name}: duration, budget {contract.stages[name].budget_ms:g} ms",
            {f'takt_stage_duration_seconds{{stage="{name}"}}': "quantile {{quantile}}"},
            "s",
            contract.stages[name].budget_ms / 1e3,
        )
        for name in ("capture", "detect", "plan", "link")
    ]
    share = "rate(takt_stage_misses_total[1m]) / rate(takt_stage_duration_seconds_count[1m])"
    return [
        *stages,
        Panel("Passes over budget", {share: "{{stage}}"}, "percentunit", 0.01),
        Panel("Skipped", {"rate(takt_stage_skips_total[1m])": "{{stage}} {{reason}}"}, "cps"),
        Panel(
            "Misses and who was to blame",
            {
                "sum by (source) (increase(takt_misses_total[1m]))": "{{source}}",
                "increase(takt_misses_total[1m]) > 0": "{{source}}: {{cause}}",
            },
        ),
        Panel("Board: missed cycles", {"increase(takt_board_misses_total[1m])": "{{cause}}"}),
        Panel(
            "Board: control cycles per second",
            {"rate(takt_board_cycles_total[10s])": "cycles"},
            "cps",
            contract.control.rate_hz,
        ),
        Panel(
            "Board: a cycle's lateness and duration",
            {
                "takt_board_release_jitter_seconds": "late, quantile {{quantile}}",
                "takt_board_execution_seconds": "duration, quantile {{quantile}}",
            },
            "s",
            contract.stages["apply"].budget_ms / 1e3,
        ),
    ]


def _link(contract: Contract) -> list[Panel]:
    bound_s = contract.link.clock_bound_limit_ms / 1e3
    return [
        Panel(
            "Link: round trip",
            {
                "takt_link_round_trip_seconds": "board",
                "takt_agent_round_trip_seconds": "agent {{line}}, quantile {{quantile}}",
            },
            "s",
            2 * bound_s,
        ),
        Panel(
            "Link: bytes, of 10 bits each",
            {"rate(takt_agent_bytes_total[30s])": "{{line}} {{direction}}"},
            "Bps",
            contract.link.baud / 10,
        ),
        Panel(
            "Link: errors",
            {
                "rate(takt_link_crc_errors_total[1m])": "board: CRC",
                "rate(takt_link_retransmits_total[1m])": "board: again",
                "rate(takt_link_dropped_total[1m])": "board: dropped",
                "rate(takt_agent_crc_errors_total[1m])": "agent: CRC",
                "rate(takt_agent_drops_total[1m])": "agent: {{reason}}",
            },
            "cps",
        ),
        Panel(
            "Link: sessions", {"takt_agent_sessions": "{{line}}", "takt_link_connected": "board connected"}
        ),
        Panel("Clock: error bound", {"takt_clock_bound_seconds": "bound"}, "s", bound_s),
        Panel(
            "Clock: drift",
            {"takt_clock_drift_ratio * 1e6": "board", "takt_agent_clock_drift_ratio * 1e6": "agent {{line}}"},
            "ppm",
            contract.link.clock_drift_limit_ppm,
        ),
    ]


def _parts(contract: Contract) -> list[Panel]:
    return [
        Panel(
            "Wheels",
            {
                "takt_wheel_setpoint_radians_per_second": "{{wheel}} wanted",
                "takt_wheel_speed_radians_per_second": "{{wheel}}",
            },
            "rotrads",
            contract.limits.wheel_speed_rad_s,
        ),
        Panel("Supply", {"takt_supply_volts": "supply"}, "volt", contract.safety.supply_low_mv / 1e3),
        Panel(
            "Pictures per second",
            {
                "rate(takt_camera_frames_total[30s])": "taken",
                "rate(takt_detector_frames_total[30s])": "looked through",
            },
            "cps",
            contract.robot.camera_rate_hz,
        ),
        Panel("Commands refused", {"rate(takt_board_refused_commands_total[1m])": "{{reason}}"}, "cps"),
        Panel(
            "Model set aside",
            {"takt_detector_breaker_state": "breaker"},
            kind="state-timeline",
            words={"0": "CLOSED", "1": "OPEN", "2": "HALF_OPEN"},
        ),
    ]


def _own(contract: Contract) -> list[Panel]:
    """Of what watches the others."""
    oldest_s = contract.topics["diagnostics"].max_age_ms / 1e3
    return [
        Panel(
            "Recorder: memory",
            {"takt_recorder_memory_bytes": "held"},
            "bytes",
            contract.recording.memory_mib * 1024 * 1024,
        ),
        Panel(
            "Recorder: messages per second",
            {
                "rate(takt_recorder_messages_total[30s])": "taken",
                "rate(takt_recorder_dropped_total[1m])": "lost",
            },
            "cps",
        ),
        Panel("Age of each status", {"takt_diagnostic_age_seconds": "{{status}}"}, "s", oldest_s),
    ]


def dashboard_text(contract: Contract) -> str:
    """config/generated/takt_dashboard.json, to be imported or provisioned; it asks for the data source."""
    head = json.dumps("Takt; generated by `takt contract generate`, do not edit")
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    model = {
        "title": "Takt",
        "uid": "takt",
        "tags": ["takt", "ros2"],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "templating": {"list": [source]},
        "panels": list(_laid_out(panels(contract))),
    }
    return f'{{"description": {head},\n' + json.dumps(model, indent=1).removeprefix("{\n") + "\n"


def _laid_out(shown: Iterable[Panel]) -> Iterable[dict[str, Any]]:
    for number, panel in enumerate(shown):
        place = number * _WIDTH
        position = {"x": place % _COLUMNS, "y": place // _COLUMNS * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
        yield {"id": number + 1, "gridPos": position, **_model(panel)}


def _model(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.limit is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.limit}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        defaults["custom"] = {"thresholdsStyle": {"mode": "dashed"}}
    if panel.words is not None:
        mapped = {value: {"text": word, "index": int(value)} for value, word in panel.words.items()}
        defaults["mappings"] = [{"type": "value", "options": mapped}]
    targets = [
        {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
        for index, (query, legend) in enumerate(panel.queries.items())
    ]
    options = {"textMode": "name"} if panel.kind == "stat" else {}
    return {
        "title": panel.title,
        "type": panel.kind,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": targets,
    }
