"""Runs of the real demo for the system tests: real processes, real serial line, real detector."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LEFT_OUT = 0.02  # of the releases of a loop that does nothing; none on a machine that is fit
FIRMWARE = ROOT / "build/firmware/takt_firmware"


@dataclass
class DemoRun:
    """A running demo. ``wait_until_armed`` and ``finish`` have limits far above what they need."""

    popen: subprocess.Popen[str]
    run_dir: Path

    def pids(self) -> dict[str, int]:
        file = self.run_dir / "processes.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def everything(self) -> list[int]:
        """Every process of the run: those kept, and the supervisor above them."""
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()
        return [*self.pids().values(), *(int(pid) for pid in children)]

    def log(self) -> str:
        return (self.run_dir / "log/supervisor.log").read_text(errors="replace")

    def wait_for_line(self, text: str, limit_s: float = 240.0) -> None:
        end_s = time.monotonic() + limit_s
        log = self.run_dir / "log/supervisor.log"
        while not (log.exists() and text in self.log()):
            assert self.popen.poll() is None, f"the demo ended early: {self.popen.communicate()}"
            assert time.monotonic() < end_s, f"never said {text!r}:\n{self.log()}"
            time.sleep(0.05)

    def finish(self, limit_s: float = 400.0) -> tuple[int, str, str]:
        out, err = self.popen.communicate(timeout=limit_s)
        return self.popen.returncode, out, err

    def report(self) -> dict[str, Any]:
        return json.loads((self.run_dir / "report.json").read_text())


@pytest.fixture(scope="session")
def skip_without_real_time() -> Callable[[Path], None]:
    """For a run that failed, by its folder: skips where the bare C loop beside it could not keep its 10 ms either.

    A machine that refuses SCHED_FIFO and has more to do than processors drives no robot, and a run on it shows nothing.
    """

    def skip(run_dir: Path) -> None:
        loop = json.loads((run_dir / "reference_loop.json").read_text())
        share = loop["skipped"] / max(loop["cycles"] + loop["skipped"], 1)
        if share > MOST_LEFT_OUT:
            pytest.skip(f"no real time on this machine: a bare loop beside the robot left out {share:.0%}")

    return skip


@pytest.fixture(scope="module")
def start_demo(tmp_path_factory):
    """Start a demo with the given arguments, headless unless it is to have a page; whatever still runs at the end is
    killed."""
    if not FIRMWARE.exists():
        pytest.fail("the posix firmware is not built: ./run firmware posix")
    started: list[DemoRun] = []

    def start(*arguments: str, headless: bool = True) -> DemoRun:
        run_dir = tmp_path_factory.mktemp("run")
        command = [sys.executable, "-m", "takt.cli", "demo", "--run-dir", str(run_dir)]
        command += ["--headless"] if headless else []
        command += ["--json", str(run_dir / "report.json"), *arguments]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'ros_nodes'}:{os.environ.get('PYTHONPATH', '')}"}
        popen = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        started.append(DemoRun(popen, run_dir))
        return started[-1]

    yield start
    for run in started:
        if run.popen.poll() is None:
            run.popen.send_signal(signal.SIGINT)
            try:
                run.popen.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                run.popen.kill()
