"""`takt prove kills`: kill -9 of each process in mid-run, and what the plant's own record says came of it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from takt.errors import TaktError
from takt.simulation import plant_log

VICTIMS = ("firmware", "agent", "detector", "camera")
_SETTLE_S = 6.0  # of following before the first kill
_APART_S = 14.0  # between kills: recovery is allowed 10 s
_MOVING_RAD_S = 0.5
_STANDING_RAD_S = 0.2
_SETPOINT_LIMIT_MS = {"firmware": 300.0, "agent": 300.0, "detector": 400.0, "camera": 400.0}
_STAND_LIMIT_MS = 500.0
_RECOVERY_LIMIT_S = 10.0
_END_LIMIT_S = 240.0  # a busy machine writes the report slowly


@dataclass(frozen=True)
class Outcome:
    """What followed one kill. Times count from the kill; None: it never came."""

    victim: str
    was_moving: bool
    setpoint_zero_ms: float | None  # for the firmware: the driver counts as off
    standing_after_ms: float | None  # from there until the wheels stand
    following_after_s: float | None
    others_lived: bool

    def holds(self) -> bool:
        """True when each limit was kept."""
        times = (
            (self.setpoint_zero_ms, _SETPOINT_LIMIT_MS[self.victim]),
            (self.standing_after_ms, _STAND_LIMIT_MS),
            (self.following_after_s, _RECOVERY_LIMIT_S),
        )
        return self.others_lived and all(value is not None and value <= limit for value, limit in times)


def judge(log: Mapping[str, np.ndarray], victim: str, killed_ns: int, others_lived: bool) -> Outcome:
    """Read one kill off the plant's log (arrays as plant_log.read gives them; stamps in ROS ns)."""
    after = np.searchsorted(log["stamp_ns"], killed_ns)
    since_ms = (log["stamp_ns"][after:] - killed_ns) / 1e6
    setpoint = np.abs(log["setpoint_rad_s"][after:]).max(axis=1)
    wheels = np.abs(log["wheel_speed_rad_s"][after:]).max(axis=1)
    off = ~log["driver_enabled"][after:].astype(bool)
    quiet = (off | (setpoint == 0.0)) if victim == "firmware" else (setpoint == 0.0)
    before = slice(max(after - 50, 0), after)
    was_moving = bool(np.abs(log["setpoint_rad_s"][before]).max(initial=0.0) > _MOVING_RAD_S)
    stop = _first(quiet)
    if stop is None:
        return Outcome(victim, was_moving, None, None, None, others_lived)
    stand = _first(wheels[stop:] < _STANDING_RAD_S)
    again = _first((setpoint[stop:] > _MOVING_RAD_S) & ~off[stop:])
    return Outcome(
        victim=victim,
        was_moving=was_moving,
        setpoint_zero_ms=round(float(since_ms[stop]), 1),
        standing_after_ms=None if stand is None else round(float(since_ms[stop + stand] - since_ms[stop]), 1),
        following_after_s=None if again is None else round(float(since_ms[stop + again]) / 1e3, 2),
        others_lived=others_lived,
    )


def _first(holds: np.ndarray) -> int | None:
    return int(np.argmax(holds)) if holds.any() else None


def kill_in_turn(seed: int, run_dir: Path, victims: tuple[str, ...] = VICTIMS) -> list[Outcome]:
    """One demo run in which each victim is killed once; the plant's log is read when the run has ended."""
    seconds = _SETTLE_S + _APART_S * len(victims)
    command = [sys.executable, "-m", "takt.cli", "demo", "--headless", "--run-dir", str(run_dir)]
    command += ["--seconds", str(seconds), "--seed", str(seed)]
    with (run_dir / "demo.log").open("wb") as log:
        demo = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_armed(run_dir, demo)
        time.sleep(_SETTLE_S)
        kills = [_kill(run_dir, victim) for victim in victims]
        demo.wait(_END_LIMIT_S)
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.wait(_END_LIMIT_S)
    record = plant_log.read(run_dir / "plant.log")
    return [judge(record, victim, killed_ns, lived) for victim, killed_ns, lived in kills]


def _wait_until_armed(run_dir: Path, demo: subprocess.Popen[bytes], limit_s: float = 240.0) -> None:
    log, end_s = run_dir / "log/supervisor.log", time.monotonic() + limit_s
    while not (log.exists() and b"board armed" in log.read_bytes()):
        if demo.poll() is not None or time.monotonic() > end_s:
            raise TaktError(f"the demo did not arm, see {run_dir / 'demo.log'}", "let `takt demo` pass first")
        time.sleep(0.1)


def _kill(run_dir: Path, victim: str) -> tuple[str, int, bool]:
    before = json.loads((run_dir / "processes.json").read_text())
    killed_ns = time.time_ns()
    os.kill(before[victim], signal.SIGKILL)
    time.sleep(_APART_S)
    after = json.loads((run_dir / "processes.json").read_text())
    lived = all(after.get(name) == pid for name, pid in before.items() if name != victim)
    return victim, killed_ns, lived


def main(argv: list[str]) -> int:
    """``--count N`` rounds over all victims, seeds 1 to N; 0 when every limit was kept every time."""
    parser = argparse.ArgumentParser(prog="takt prove kills", description=__doc__)
    parser.add_argument("--count", type=int, default=5, help="rounds; each kills every process once")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    given = parser.parse_args(argv)
    outcomes: list[Outcome] = []
    for seed in range(1, given.count + 1):
        run_dir = Path(tempfile.mkdtemp(prefix="takt-kills-"))
        for outcome in kill_in_turn(seed, run_dir):
            outcomes.append(outcome)
            print(f"seed {seed}  {outcome}  {'ok' if outcome.holds() else 'FAILED'}", flush=True)
    result = summary(outcomes)
    print(json.dumps(result, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps({**result, "kills": [asdict(o) for o in outcomes]}, indent=1) + "\n")
    return 0 if result["held"] == result["kills_tried"] else 1


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Counts, and each victim's times: median and worst."""
    result: dict[str, Any] = {"kills_tried": len(outcomes), "held": sum(o.holds() for o in outcomes)}
    for victim in dict.fromkeys(o.victim for o in outcomes):
        own = [o for o in outcomes if o.victim == victim]
        for key in ("setpoint_zero_ms", "standing_after_ms", "following_after_s"):
            values = [value for o in own if (value := getattr(o, key)) is not None]
            if values:
                result[f"{victim}_{key}"] = {"median": statistics.median(values), "max": max(values)}
    return result
