"""What the machine gave during a run: steal time, a bare C loop beside it, scheduling asked and granted.

So that a noisy machine can be told from a slow program.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import takt.contract

_REFERENCE_PRIORITY = 85  # above every loop of ours: what hits it is the machine's doing


class Machine:
    """``begin`` and ``end`` enclose the run; ``note_scheduling`` is called while the processes still live."""

    def __init__(self, run_dir: Path, reference_loop: Path) -> None:
        self._run_dir = run_dir
        self._reference_loop = reference_loop
        self._lateness_file = run_dir / "reference_loop.json"
        self._loop: subprocess.Popen[bytes] | None = None
        self._steal_before = 0
        self._steal_ticks = 0
        self._scheduling: dict[str, dict[str, int]] = {}

    def begin(self) -> None:
        """Start the reference loop and note the steal counter."""
        self._steal_before = _steal_ticks()
        if self._reference_loop.is_file():
            command = [str(self._reference_loop), "--fifo", str(_REFERENCE_PRIORITY)]
            command += ["--json", str(self._lateness_file)]
            self._loop = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def note_scheduling(self, pids: Mapping[str, int]) -> None:
        """Read from the kernel which class each process really has; the highest thread counts."""
        asked = takt.contract.load().scheduling
        for name, pid in pids.items():
            if hasattr(asked, name):
                self._scheduling[name] = {"asked": getattr(asked, name), "granted": _highest_fifo(pid)}

    def end(self) -> None:
        """Stop the reference loop; it writes its percentiles as it ends."""
        self._steal_ticks = _steal_ticks() - self._steal_before
        if self._loop is not None:
            self._loop.send_signal(signal.SIGINT)
            try:
                self._loop.wait(1.0)
            except subprocess.TimeoutExpired:
                self._loop.kill()
                self._loop.wait()

    def report(self) -> dict[str, Any]:
        """For the JSON: scheduling, steal time in ms (all processors summed), the C loop's lateness in us."""
        lateness = json.loads(self._lateness_file.read_text()) if self._lateness_file.is_file() else None
        steal_ms = self._steal_ticks * 1000 // os.sysconf("SC_CLK_TCK")
        return {"scheduling": self._scheduling, "steal_ms": steal_ms, "reference_loop_us": lateness}


def _steal_ticks() -> int:
    with open("/proc/stat") as stat:
        return int(stat.readline().split()[8])


def _highest_fifo(pid: int) -> int:
    """The highest SCHED_FIFO priority among a process's threads; 0 when it has none or is gone."""
    try:
        threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
        return max((os.sched_getparam(thread).sched_priority for thread in threads), default=0)
    except (ProcessLookupError, FileNotFoundError):
        return 0
