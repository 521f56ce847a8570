"""Starts, watches, restarts and ends the processes of a graph."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from takt.errors import TaktError
from takt.graph import Parameter, Process
from takt.supervision.spare import module_of

_FIRST_BACK_OFF_S = 0.05
_LONGEST_BACK_OFF_S = 5.0
_RESTARTS_PER_MINUTE = 10
_SPARE_AFTER_S = 3.0  # a spare's start must not hold up the start of what it is for
_SPARES = (
    5  # so many are tried; one that dies of itself before it is needed will not live the next time either
)
_STEADY_AFTER_S = 20.0  # a process that lived this long starts its back-off anew
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass
class Kept:
    """One process and what became of it."""

    process: Process
    popen: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    restart_at_s: float | None = None
    back_off_s: float = _FIRST_BACK_OFF_S
    restarts_s: list[float] = field(default_factory=list)
    given_up: bool = False
    spare: subprocess.Popen[bytes] | None = None
    spares_died: int = 0


class ProcessKeeper:
    """Runs a graph. ``poll`` is called often and never blocks; times are seconds of the monotonic clock."""

    def __init__(self, graph: list[Process], log_dir: Path, tell: Callable[[str], None]) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self.kept = {process.name: Kept(process) for process in graph}
        self._log_dir = log_dir
        self._tell = tell
        self._commands = {process.name: command_line(process) for process in graph}

    def start(self) -> None:
        """Start everything in the order of the graph."""
        for kept in self.kept.values():
            self._spawn(kept, time.monotonic())

    def poll(self, now_s: float) -> list[str]:
        """Notice deaths, restart what is due; returns the names that died since the last call."""
        died = []
        for name, kept in self.kept.items():
            if kept.popen is not None and kept.popen.poll() is not None:
                died.append(name)
                self._bury(kept, now_s)
            if kept.restart_at_s is not None and now_s >= kept.restart_at_s:
                kept.restart_at_s = None
                self._spawn(kept, now_s)
            if kept.process.spare:
                self._keep_spare(kept, now_s)
        return died

    def stop(self, within_s: float = 2.0) -> None:
        """SIGINT to all, then SIGKILL to what is still there after ``within_s``."""
        for spare in [kept.spare for kept in self.kept.values() if kept.spare is not None]:
            spare.kill()
            spare.wait()
        running = [kept.popen for kept in self.kept.values() if kept.popen is not None]
        for popen in running:
            _signal_group(popen, signal.SIGINT)
        deadline_s = time.monotonic() + within_s
        for popen in running:
            try:
                popen.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._tell(f"pid {popen.pid} did not end on SIGINT: killed")
                _signal_group(popen, signal.SIGKILL)
                popen.wait()

    def pids(self) -> dict[str, int]:
        """The process ids of what is running."""
        return {name: kept.popen.pid for name, kept in self.kept.items() if kept.popen is not None}

    def _bury(self, kept: Kept, now_s: float) -> None:
        assert kept.popen is not None
        name, status = kept.process.name, kept.popen.returncode
        kept.popen = None
        if not kept.process.restart:
            self._tell(f"{name} ended with status {status}")
            return
        if now_s - kept.started_s > _STEADY_AFTER_S:
            kept.back_off_s = _FIRST_BACK_OFF_S
        kept.restarts_s = [s for s in kept.restarts_s if now_s - s < 60.0] + [now_s]
        if len(kept.restarts_s) > _RESTARTS_PER_MINUTE:
            kept.given_up = True
            self._tell(
                f"{name} died {len(kept.restarts_s)} times in a minute: given up, see {self._log(name)}"
            )
            return
        wait_s = kept.back_off_s
        if kept.spare is not None and wait_s == _FIRST_BACK_OFF_S:
            wait_s = 0.0
        self._tell(f"{name} ended with status {status}: restart in {wait_s:.2f} s")
        kept.restart_at_s = now_s + wait_s
        kept.back_off_s = min(2.0 * kept.back_off_s, _LONGEST_BACK_OFF_S)

    def _spawn(self, kept: Kept, now_s: float) -> None:
        command = self._commands[kept.process.name]
        kept.popen = _promoted(kept.spare, command[1:]) or self._start(kept, command)
        kept.spare = None
        kept.started_s = now_s

    def _keep_spare(self, kept: Kept, now_s: float) -> None:
        """Have one ready once the process itself is up."""
        if kept.spare is not None and kept.spare.poll() is not None:
            kept.spare, kept.spares_died = None, kept.spares_died + 1
        wanted = kept.popen is not None and now_s - kept.started_s > _SPARE_AFTER_S
        if wanted and kept.spare is None and kept.spares_died < _SPARES:
            module, prepare = module_of(kept.process.executable), json.dumps(kept.process.parameters)
            command = [sys.executable, "-m", "takt.supervision.spare", module, prepare]
            kept.spare = self._start(kept, command, subprocess.PIPE)

    def _start(
        self, kept: Kept, command: list[str], stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        with self._log(kept.process.name).open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a terminal's Ctrl-C reaches the supervisor alone, which ends the rest
                preexec_fn=_die_with_parent,
            )

    def _log(self, name: str) -> Path:
        return self._log_dir / f"{name}.log"


def _promoted(spare: subprocess.Popen[bytes] | None, arguments: list[str]) -> subprocess.Popen[bytes] | None:
    """The spare as the process itself from now on; None if there is none that lives."""
    if spare is None or spare.stdin is None or spare.poll() is not None:
        return None
    try:
        spare.stdin.write(json.dumps(arguments).encode() + b"\n")
        spare.stdin.close()
    except OSError:
        return None
    return spare


def command_line(process: Process) -> list[str]:
    """The command that starts a process. Raises TaktError when its program is missing."""
    program = process.executable
    start = [sys.executable, program] if program.endswith(".py") else [find_program(program)]
    command = [*start, *process.arguments]
    if process.ros:
        command += ["--ros-args", "-r", f"__node:={process.name}"]
        for key, value in process.parameters.items():
            command += ["-p", f"{key}:={_yaml_value(value)}"]
    return command


def find_program(executable: str) -> str:
    """Full path of a console script (beside this Python, else on PATH) or of a program given by path."""
    beside = Path(sys.executable).parent / executable
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(executable)
    if found is None:
        fix = "build the firmware: ./run firmware posix" if "firmware" in executable else "pip install ."
        raise TaktError(f"the program {executable} was not found", fix)
    return found


def _yaml_value(value: Parameter) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)


def _signal_group(popen: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(popen.pid, number)


def _die_with_parent() -> None:
    """In the child: the kernel kills it when the supervisor dies, so that nothing is ever left behind.

    The supervisor's own priority is not passed on: a start-up under SCHED_FIFO would hold up every loop.
    """
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
