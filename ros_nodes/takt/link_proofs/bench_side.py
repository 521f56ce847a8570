"""One agent under measurement: its process, its port, the meter on the other end, and the ROS ends that answer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from takt.errors import TaktError
from takt.line_simulator.control import send_order
from takt.link.transports.pty_line import PtyEnd
from takt.link.transports.serial_line import SerialLine
from takt.link_proofs.meter import CONNECTED, Meter, Run, View, now_ns
from takt.link_proofs.rig import AgentProcess, enter_fifo, environment

AGENT_FIFO, END_FIFO, METER_FIFO = 60, 55, 50
DRIFT_PPM = 80.0  # of the board's clock on a limited line
_UP_LIMIT_S = 240.0
_BAUD = 921_600


def processor_ns(pid: int) -> int:
    """Processor time of all threads of a process, in ns."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total


@contextlib.contextmanager
def at_priority(priority: int) -> Iterator[None]:
    """SCHED_FIFO for the calling thread meanwhile, where that is permitted; children start in the normal class."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class RosEnd:
    """A process of takt.nodes.link_ends, all its threads at ``fifo`` as an agent's are."""

    def __init__(self, mode: str, domain: int, *arguments: str, fifo: int = END_FIFO) -> None:
        command = [sys.executable, "-m", "takt.nodes.link_ends", mode, "--fifo", str(fifo), *arguments]
        self.process = subprocess.Popen(
            command,
            env=environment(domain),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=partial(enter_fifo, fifo),
        )

    def stop(self) -> None:
        """SIGINT, and SIGKILL if that does not end it."""
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3.0)
            return
        self.process.kill()
        self.process.wait()


class Side:
    """An agent and its meter in a ROS domain of their own. ``command``: another agent; its client asks for the domain.

    ``limited``: over a simulated line at 921600 baud instead of a plain pty, with a board clock that runs fast.
    """

    def __init__(
        self, name: str, folder: Path, domain: int, command: list[str] | None = None, limited: bool = False
    ) -> None:
        self.name, self.domain = name, domain
        self._drift_ppm = DRIFT_PPM if limited else 0.0
        self.control = folder / f"{name}.sock"
        device, self._line, self._pty, self._port = folder / f"{name}.agent", None, None, None
        if limited:
            board = folder / f"{name}.board"
            self._line = _start_line(device, board, self.control)
            self._port = SerialLine(str(board), _BAUD)
            self._port.open()
            self.fd = self._port.fileno()
        else:
            self._pty = PtyEnd(device)
            self.fd = self._pty.fileno()
        self.agent = AgentProcess(device, folder / f"{name}.log", domain, command, fifo=AGENT_FIFO)
        self.meter = Meter(domain=domain if command else 255, now_ns=now_ns(self._drift_ppm), any_order=True)
        self._end = RosEnd("echo", domain)

    def connect(self) -> None:
        """Until pongs come on both kinds of stream. Raises TaktError when they do not."""
        until_s = time.monotonic() + _UP_LIMIT_S
        while time.monotonic() < until_s:
            if self._view().state != CONNECTED:
                self.loop(0.1)
            elif all(self.echo(0.1, 50.0, reliable=kind).round_trips_us.size for kind in (False, True)):
                return
        raise TaktError(
            f"no echo through the {self.name} agent within {_UP_LIMIT_S:.0f} s", "let it work by hand first"
        )

    def loop(self, seconds: float, *, count: int = 0, hz: float = 0.0, reliable: bool = False) -> Run:
        """:meth:`Meter.loop` on this side's line and clock."""
        return self.meter.loop(
            self.fd, seconds=seconds, count=count, hz=hz, reliable=reliable, drift_ppm=self._drift_ppm
        )

    def echo(self, seconds: float, hz: float, *, reliable: bool = False) -> Run:
        """Pings at a rate; the clock is read meanwhile."""
        with at_priority(METER_FIFO):
            return self.loop(seconds + 5.0, count=max(int(seconds * hz), 1), hz=hz, reliable=reliable)

    def _view(self) -> View:
        return self.meter.view(now_ns(self._drift_ppm))

    def counts(self, reliable: bool) -> tuple[int, int]:
        """Pings published and pongs heard so far."""
        count = self._view().counts[int(reliable)]
        return int(count.published), int(count.heard)

    @property
    def pids(self) -> tuple[int, int]:
        """Of the agent and of the ROS end."""
        return self.agent.pid, self._end.process.pid

    def replace_end(self, mode: str) -> None:
        self._end.stop()
        self._end = RosEnd(mode, self.domain)

    def order(self, order: dict[str, object]) -> None:
        """To the simulated line."""
        send_order(self.control, order)

    def close(self) -> None:
        self._end.stop()
        self.agent.stop()
        if self._port:
            self._port.close()
        if self._pty:
            self._pty.close()
        if self._line:
            self._line.send_signal(signal.SIGINT)
            self._line.wait(60.0)


def _start_line(agent: Path, board: Path, control: Path) -> subprocess.Popen[bytes]:
    arguments = ["--a", str(agent), "--b", str(board), "--baud", str(_BAUD), "--control", str(control)]
    line = subprocess.Popen(
        [sys.executable, "-m", "takt.cli", "line", *arguments],
        env=environment(0),
        stdout=subprocess.PIPE,
    )
    assert line.stdout
    line.stdout.readline()  # it says so when both ends are there
    return line
