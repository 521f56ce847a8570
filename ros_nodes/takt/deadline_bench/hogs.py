"""Processes that take processors or the disk from others, on order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_BURST = """
import os, sys, time
if int(sys.argv[1]):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(int(sys.argv[1])))
print("ready", flush=True)
for line in sys.stdin:
    end = time.monotonic() + float(line) / 1e3
    while time.monotonic() < end:
        pass
"""
_STEADY = "while True: pass"
_DISK = """
import os, sys
block = os.urandom(1 << 20)
while True:
    with open(sys.argv[1], "wb") as file:
        for _ in range(64):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
"""


class BurstHogs:
    """``count`` processes of SCHED_FIFO ``priority`` that stand ready and burn when told to."""

    def __init__(self, count: int, priority: int) -> None:
        command = [sys.executable, "-c", _BURST, str(priority)]
        self._processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
            for _ in range(count)
        ]
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.readline()

    def burn(self, milliseconds: float) -> None:
        """Each of them for so long; returns at once."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{milliseconds}\n")
            process.stdin.flush()

    def close(self) -> None:
        _end(self._processes)


class SteadyHogs:
    """``cpus`` processes that compute, and one that writes to the disk of ``folder`` and syncs, until closed."""

    def __init__(self, cpus: int, folder: Path) -> None:
        self._file = folder / "disk_hog"
        commands = [[sys.executable, "-c", _STEADY]] * cpus
        commands.append([sys.executable, "-c", _DISK, str(self._file)])
        self._processes = [subprocess.Popen(command) for command in commands]

    def close(self) -> None:
        _end(self._processes)
        self._file.unlink(missing_ok=True)


def _end(processes: list[subprocess.Popen[str]] | list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
        process.wait()
