"""Faults in the running demo, one after the other, and when each computer came to which rung."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from takt.deadlines import Rung
from takt.errors import TaktError
from takt.simulation import plant_log
from takt.trouble.ladder_twin import Reached
from takt.trouble.reactions import Reaction

_FIRST_S, _APART_S = 7.0, 9.0
_MOVING_RAD_S, _STANDING_RAD_S = 0.5, 0.2
_AFTER_S = 0.7  # a board that was without power tells its rung when it has started
PER_RUN = 7


def arguments(cases: Sequence[Reaction], seed: int) -> list[str]:
    """Of the demo that lives all cases."""
    words = ["--seed", str(seed), "--seconds", f"{_FIRST_S + len(cases) * _APART_S:g}"]
    for place, case in enumerate(cases):
        at_s = _FIRST_S + place * _APART_S
        words += ["--fault", f"{case.kind}@{at_s:g}+{case.seconds:g}:{case.strength:g}"]
    return words


def live(cases: Sequence[Reaction], seed: int, run_dir: Path) -> list[Reached]:
    """One demo; what each fault led to, in order. Raises TaktError when the run or an injection did not come about."""
    command = [sys.executable, "-m", "takt.cli", "demo", "--headless", "--run-dir", str(run_dir)]
    command += ["--json", str(run_dir / "report.json"), *arguments(cases, seed)]
    with (run_dir / "demo.log").open("wb") as log:
        subprocess.run(command, stdout=log, stderr=log)
    try:
        report = json.loads((run_dir / "report.json").read_text())
    except (OSError, ValueError):
        raise TaktError(f"the demo did not end well, see {run_dir}", "let `takt demo` pass first") from None
    told = report["trouble"]
    if len(told["injected"]) != len(cases):
        raise TaktError(f"not every fault was brought in: {told['not_done']}", f"see {run_dir}")
    log_of = plant_log.records_of(run_dir / "plant.log")
    rows = zip(cases, told["injected"], strict=True)
    return [reached(case, one["at_ns"], log_of, told["host_rungs"], seed) for case, one in rows]


def reached(
    case: Reaction,
    at_ns: int,
    log: np.ndarray[Any, np.dtype[np.void]],
    host_rungs: Sequence[tuple[int, str, str]],
    seed: int,
) -> Reached:
    """``log``: the plant's records; ``host_rungs``: (ROS ns, rung, reason) as they were heard."""
    until_ns = at_ns + round((case.seconds + _AFTER_S) * 1e9)
    first = int(np.searchsorted(log["stamp_ns"], at_ns))
    window = log[first : int(np.searchsorted(log["stamp_ns"], until_ns))]
    from_ns = _driven_ns(case, at_ns, window)
    since_ms = (window["stamp_ns"] - from_ns) / 1e6
    before = log[max(first - 50, 0) : first]["setpoint_rad_s"]
    found = Reached(case.kind, seed, bool(np.abs(before).max(initial=0.0) > _MOVING_RAD_S))
    for rung in np.unique(window["rung"]):
        found.board_ms[int(rung)] = round(float(since_ms[np.argmax(window["rung"] == rung)]), 1)
    standing = [(stamp_ns, rung) for stamp_ns, rung, _ in host_rungs if stamp_ns <= at_ns]
    found.host_ms[int(Rung[standing[-1][1]]) if standing else int(Rung.SAFE)] = 0.0
    for stamp_ns, rung, _ in host_rungs:
        if at_ns < stamp_ns <= until_ns:
            found.host_ms.setdefault(int(Rung[rung]), round((stamp_ns - from_ns) / 1e6, 1))
    quiet = ~window["driver_enabled"] | (np.abs(window["setpoint_rad_s"]).max(axis=1) == 0.0)
    found.setpoint_zero_ms = _first_ms(quiet, since_ms)
    still = quiet & (np.abs(window["wheel_speed_rad_s"]).max(axis=1) < _STANDING_RAD_S)
    found.standing_ms = _first_ms(still, since_ms)
    return found


def _driven_ns(case: Reaction, at_ns: int, window: np.ndarray[Any, Any]) -> int:
    """From when the case's times count: the fault, or the first record after it in which a wheel is driven so hard."""
    driven = np.abs(window["duty"]).max(axis=1, initial=0.0) >= case.driven_duty
    return int(window["stamp_ns"][np.argmax(driven)]) if case.driven_duty and driven.any() else at_ns


def _first_ms(holds: np.ndarray[Any, Any], since_ms: np.ndarray[Any, Any]) -> float | None:
    return round(float(since_ms[np.argmax(holds)]), 1) if holds.any() else None
