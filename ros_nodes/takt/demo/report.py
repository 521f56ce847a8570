"""Puts together what a run measured: the JSON of `--json` and the table that a person reads."""

from __future__ import annotations

from typing import Any

from takt.deadlines.histogram import exact_summary
from takt.demo.frame_log import FrameRecord

Values = dict[str, str]
_PERCENTILES = ("p50", "p95", "p99", "max")


def stage_of(values: Values) -> dict[str, float]:
    """A stage's summary out of its diagnostic values; an absent stage has count 0."""
    summary: dict[str, float] = {key: float(values.get(key, 0.0)) for key in _PERCENTILES}
    return {**summary, "count": int(float(values.get("count", 0)))}


def latency(
    frames: list[FrameRecord], diagnostics: dict[str, Values], photon_to_motor_ms: dict[int, float]
) -> dict[str, dict[str, float]]:
    """Each stage's distribution: capture and detect frame by frame, photon to motor sample by sample."""
    return {
        "capture": exact_summary([frame.capture_ms for frame in frames]),
        "detect": exact_summary([frame.detect_ms for frame in frames if frame.detect_ms is not None]),
        "plan": stage_of(diagnostics.get("planner: plan", {})),
        "link": stage_of(diagnostics.get("agent: link", {})),
        "photon_to_motor": exact_summary(photon_to_motor_ms),
    }


def control(loop: Values, timing: Values, period_ms: float) -> dict[str, Any]:
    """The board's own account of its loop: counters and the spread of its timing."""

    def spread(name: str) -> dict[str, float]:
        return {key: float(timing.get(f"{name}_{key}_us", 0.0)) for key in _PERCENTILES}

    return {
        "period_ms": period_ms,
        "cycles": int(loop.get("cycles", 0)),
        "misses": int(loop.get("misses", 0)),
        "seconds_since_firmware_start": round(int(loop.get("uptime_ms", 0)) / 1e3, 3),
        "release_jitter_us": spread("release_jitter"),
        "execution_us": spread("execution"),
        "misses_by_cause": {
            key.removeprefix("miss_"): int(value) for key, value in loop.items() if key.startswith("miss_")
        },
    }


def link(board: Values, clock: Values, agent: Values) -> dict[str, Any]:
    """Both ends' counters: what the board received and sent, errors of either side."""

    def number(values: Values, key: str) -> int:
        return int(float(values.get(key, 0)))

    return {
        "rx": number(board, "rx"),
        "tx": number(board, "tx"),
        "crc_errors": number(board, "crc_errors") + number(agent, "crc_errors"),
        "retransmits": number(board, "retransmits") + number(agent, "retransmits"),
        "reconnects": number(board, "reconnects"),
        "clock_error_bound_us": float(clock.get("bound_us", "nan")),
        "round_trip_us": float(board.get("round_trip_us", "nan")),
    }


def table(report: dict[str, Any]) -> str:
    """The summary that a person reads at the end of a run."""
    mission, state, loop = report["mission"], report["state"], report["control"]
    lines = [
        "",
        f"  seed {report['seed']}, {report['seconds']:g} s",
        f"  target visible     {mission['target_visible_ratio']:.1%} of frames",
        f"  distance error     p50 {mission['distance_error_m']['p50']} m, p95 {mission['distance_error_m']['p95']} m",
        f"  way                target {mission['target_path_m']} m, robot {mission['robot_path_m']} m, "
        f"{mission['collisions']} collisions",
        f"  control loop       {loop['cycles']} cycles, {loop['misses']} misses, release jitter p99 "
        f"{loop['release_jitter_us']['p99']:g} us, max {loop['release_jitter_us']['max']:g} us",
        "",
        "  stage              p50      p95      p99      max  ms   count",
    ]
    for name, figures in report["latency_ms"].items():
        cells = "".join(f"{figures[key]:9.2f}" for key in _PERCENTILES)
        lines.append(f"  {name:15s}{cells} {figures['count']:11d}")
    spent = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in state["seconds_in"].items())
    lines += ["", f"  final state        {state['final']}  ({spent})", ""]
    return "\n".join(lines)
