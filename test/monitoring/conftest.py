"""What a whole robot says on /diagnostics, as text, the way the nodes and the board write it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import takt.contract
from takt.contract import Contract
from takt.contract.board_content import STATUSES
from takt.deadlines import StageClock
from takt.monitoring.samples import Heard

Statuses = dict[str, Heard]
BOARD_WORDS = {
    "rung": "NOMINAL",
    "reason": "none",
    "fault": "none",
    "armed": "true",
    "locked": "true",
    "state": "connected",
    "driver_enabled": "true",
    "encoder_left": "ok",
    "encoder_right": "ok",
    "supply_mv": "11900",
    "round_trip_us": "2100",
    "bound_us": "180",
    "drift_ppm": "12.5",
}


def _board(second: int) -> dict[str, dict[str, str]]:
    """Every key of every status, as takt.contract.board_content lists them; numbers grow with time."""
    return {
        status.name: {key: BOARD_WORDS.get(key, str(100 * second)) for key in status.values}
        for status in STATUSES
    }


def _stage(name: str, second: int, duration_ms: float = 4.0) -> dict[str, object]:
    clock = StageClock(name, 5.0)
    for number in range(30 * (second + 1)):
        clock.record(0, int(duration_ms * 1e6))
        if number % 10 == 0:
            clock.skip("stale")
    return {**clock.summary(), "fifo_asked": 45, "fifo_granted": 45}


def _host(second: int) -> dict[str, dict[str, object]]:
    captured = 30 * (second + 1)
    agent = {
        "device": "/dev/ttyACM0",
        "open": True,
        "sessions": 1,
        "sessions_opened": 1,
        "sessions_closed": 0,
    }
    agent |= {"reopened": 0, "rx": 70 * second, "tx": 90 * second, "queue_depth": 0, "retransmits": 0}
    agent |= {"bytes_rx": 9000 * second, "bytes_tx": 7000 * second, "rx_bytes_per_s": 9000}
    agent |= {
        "samples_to_ros": 6 * second,
        "samples_to_board": 5 * second,
        "crc_errors": 0,
        "framing_errors": 0,
    }
    agent |= {"drops": 2, "drops_no_session": 2, "rtt_min_ms": 0.9, "rtt_p50_ms": 1.1, "rtt_max_ms": 2.2}
    detector = {"model": "takt", "fault": "none", "breaker": "CLOSED", "breaker_opened": 0, "failed_nan": 0}
    planner = {"wake_late_p99_ms": 0.2, "wakes_skipped": 0, "odometry_restarts": 0, "reason": "following"}
    rungs = {f"seconds_{rung}": float(second) for rung in ("NOMINAL", "REDUCED", "HOLD", "SAFE")}
    return {
        "ladder": {"reason": "", "waiting_for": "", **rungs},
        "camera: capture": {**_stage("capture", second), "captured": captured, "source": "open"},
        "detector: detect": {**_stage("detect", second), "detected": captured, **detector},
        "planner: plan": {**_stage("plan", second), **planner},
        "agent: link": {**_stage("link", second), **agent, "clock_drift_ppm": -3.5},
        "agent: contract": {"boards_checked": 1},
        "recorder: recordings": {
            "taken": 400 * second,
            "dropped": 0,
            "held_bytes": 6_000_000,
            "recording": False,
            "turns_hz": 10.0,
            "folder": "/root/.ros/takt/recordings",
        },
    }


def speak(second: int, now_ns: int) -> Statuses:
    """All statuses after ``second`` seconds of a healthy run, heard at ``now_ns``."""
    spoken = {name: dict(values) for name, values in _board(second).items()} | _host(second)
    statuses = {
        name: Heard("OK", "", {key: str(value) for key, value in values.items()}, now_ns)
        for name, values in spoken.items()
    }
    return statuses | {"ladder": Heard("OK", "NOMINAL", statuses["ladder"].values, now_ns)}


@pytest.fixture(scope="session")
def contract() -> Contract:
    return takt.contract.load()


@pytest.fixture(scope="session")
def robot_speaks() -> Callable[[int, int], Statuses]:
    return speak
