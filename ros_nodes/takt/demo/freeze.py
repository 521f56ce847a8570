"""`takt prove frozen-model`: the detector stopped (SIGSTOP) for ten seconds of a run; the media path must not notice.

Judged from the ring and from the plant's own record: capture keeps its rate and its time, the wheels' setpoint goes to
zero in time, and the first result after SIGCONT belongs to a fresh frame.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from takt.demo.kills import _wait_until_armed, judge
from takt.errors import TaktError
from takt.frames import FrameRing
from takt.simulation import plant_log

_BEFORE_S, _FROZEN_S, _AFTER_S = 20.0, 10.0, 15.0
_LOOK_S = 0.004
_HOLD_LIMIT_MS = 400.0
_RATE_SHARE = 0.99
_CAPTURE_RISE_MS = 5.0


class _Watcher:
    """Every frame's capture time and the first result of each frame, read off the ring while the run goes on."""

    def __init__(self, ring: FrameRing) -> None:
        self._ring, self._last, self._result = ring, ring.newest_sequence, 0
        self.captures: list[tuple[int, float]] = []  # capture stamp in ROS ns, ms until it was in the ring
        self.results: list[tuple[int, int]] = []  # capture stamp, when its result was attached

    def watch(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            for sequence in range(self._last + 1, self._ring.newest_sequence + 1):
                header = self._ring.header(sequence)
                if header is not None:
                    took_ms = (header.capture_exit_ns - header.capture_enter_ns) / 1e6
                    self.captures.append((header.capture_stamp_ns, took_ms))
                self._last = sequence
            newest = self._ring.newest_attached()
            if newest is not None and newest.sequence != self._result:
                self._result = newest.sequence
                self.results.append((newest.capture_stamp_ns, newest.detect_exit_ns))
            time.sleep(_LOOK_S)


def main(argv: list[str]) -> int:
    """Exit status 0 when every limit was kept in each of ``--count`` runs of about a minute."""
    parser = argparse.ArgumentParser(prog="takt prove frozen-model", description=__doc__)
    parser.add_argument("--count", type=int, default=1, help="runs, seeds 1 to N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(argv)
    runs = [freeze(seed) for seed in range(1, options.count + 1)]
    report = {"ok": all(one["ok"] for one in runs), "runs": runs}
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0 if report["ok"] else 1


def freeze(seed: int) -> dict[str, Any]:
    """One demo run with a frozen detector in its middle, and what came of it."""
    run_dir = Path(tempfile.mkdtemp(prefix="takt-freeze-"))
    seconds = _BEFORE_S + _FROZEN_S + _AFTER_S
    command = [sys.executable, "-m", "takt.cli", "demo", "--headless", "--run-dir", str(run_dir)]
    with (run_dir / "demo.log").open("wb") as log:
        demo = subprocess.Popen(
            [*command, "--seconds", str(seconds), "--seed", str(seed)], stdout=log, stderr=log
        )
    victim = 0
    try:
        _wait_until_armed(run_dir, demo)
        victim = json.loads((run_dir / "processes.json").read_text())["detector"]
        watcher = _Watcher(FrameRing.attach(_ring_name(run_dir)))
        watcher.watch(_BEFORE_S)
        stopped_ns = time.time_ns()
        os.kill(victim, signal.SIGSTOP)
        watcher.watch(_FROZEN_S)
        resumed_ns = time.time_ns()
        os.kill(victim, signal.SIGCONT)
        watcher.watch(_AFTER_S / 3)
        demo.wait(60.0)
    finally:
        if demo.poll() is None:
            if victim:
                os.kill(victim, signal.SIGCONT)
            demo.send_signal(signal.SIGINT)
            demo.wait(20.0)
    hold_ms = judge(plant_log.read(run_dir / "plant.log"), "detector", stopped_ns, True).setpoint_zero_ms
    return judged(watcher.captures, watcher.results, (stopped_ns, resumed_ns), hold_ms)


def judged(
    captures: list[tuple[int, float]],
    results: list[tuple[int, int]],
    frozen_ns: tuple[int, int],
    hold_ms: float | None,
    rate_hz: float = 30.0,
) -> dict[str, Any]:
    """The figures and whether each limit was kept; stamps in ROS ns, ``frozen_ns`` from and to."""
    stamps = np.array([stamp for stamp, _ in captures], np.int64)
    took_ms = np.array([ms for _, ms in captures])
    frozen = (stamps >= frozen_ns[0]) & (stamps < frozen_ns[1])
    before = stamps < frozen_ns[0]
    first = next(((stamp, at) for stamp, at in results if at >= frozen_ns[1]), None)
    seconds = (frozen_ns[1] - frozen_ns[0]) / 1e9
    figures: dict[str, Any] = {
        "capture_rate_share_frozen": round(float(frozen.sum()) / (seconds * rate_hz), 4),
        "capture_p99_before_ms": round(float(np.percentile(took_ms[before], 99)), 3),
        "capture_p99_frozen_ms": round(float(np.percentile(took_ms[frozen], 99)), 3),
        "frames_before": int(before.sum()),
        "frames_frozen": int(frozen.sum()),
        "setpoint_zero_ms": hold_ms,
        "first_result_age_ms": None if first is None else round((first[1] - first[0]) / 1e6, 2),
    }
    figures["ok"] = (
        figures["capture_rate_share_frozen"] >= _RATE_SHARE
        and figures["capture_p99_frozen_ms"] <= figures["capture_p99_before_ms"] + _CAPTURE_RISE_MS
        and hold_ms is not None
        and hold_ms <= _HOLD_LIMIT_MS
        and first is not None
        and figures["first_result_age_ms"] <= 2e3 / rate_hz
    )
    return figures


def _ring_name(run_dir: Path) -> str:
    """The ring that the run's graph gives to its camera."""
    for file in sorted(run_dir.rglob("*.json")):
        try:
            rows = json.loads(file.read_text())
        except ValueError:
            continue
        for row in rows if isinstance(rows, list) else ():
            if row.get("name") == "camera":
                return str(row["parameters"]["ring"])
    raise TaktError(f"{run_dir} holds no graph with a camera", "let `takt demo` pass first")
