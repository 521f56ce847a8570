"""What a fault of the running demo acts with: signals to processes, orders to line, plant and board, calls to ROS."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from takt.errors import TaktError
from takt.line_simulator.control import send_order
from takt.trouble.sockets import BOARD_SOCKET, LINE_SOCKET, PLANT_SOCKET
from takt.twin.episode import LineQuality

HOST = ("camera", "detector", "planner", "agent", "supervisor", "dashboard")


class Robot(Protocol):
    """What goes over ROS. Nothing of it waits for an answer."""

    def set_fault(self, node: str, fault: str) -> None: ...
    def press_stop(self) -> None: ...
    def take_stop_back(self) -> None: ...
    def clear_fault(self) -> None: ...
    def arm(self) -> None: ...
    def intrude(self, command: tuple[float, float, int] | None) -> None:
        """Publish (m/s, rad/s, stamp in ns; 0: none, negative: so much older than now) at 50 Hz; None ends it."""


class Hands:
    """``pids`` gives the present process ids by name; ``power`` switches the board off for so many seconds."""

    def __init__(
        self,
        run_dir: Path,
        pids: Callable[[], Mapping[str, int]],
        robot: Robot,
        power: Callable[[float], None],
        quality: LineQuality,
    ) -> None:
        self._run_dir, self._pids, self.robot, self.cut_power = run_dir, pids, robot, power
        self.quality = quality
        self._stopped: set[int] = set()
        self._stutter: dict[str, threading.Event] = {}

    # -------------------------------------------------------------- processes

    def runs(self, name: str) -> bool:
        return name in self._pids()

    def kill(self, name: str) -> None:
        """kill -9. Raises TaktError when it does not run."""
        os.kill(self._pid(name), signal.SIGKILL)

    def freeze(self, *names: str) -> None:
        """SIGSTOP; those that do not run are left out, unless it is the only one."""
        for name in names:
            if len(names) == 1 or self.runs(name):
                pid = self._pid(name)
                self._stopped.add(pid)
                os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to all that was stopped."""
        for event in self._stutter.values():
            event.set()
        self._stutter.clear()
        for pid in self._stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._stopped.clear()

    def stutter(self, name: str, run_s: float, stand_s: float) -> None:
        """Let it run and stand still by turns until ``thaw``, as a process does that gets too little of a processor."""
        pid, over = self._pid(name), threading.Event()
        self._stopped.add(pid)
        self._stutter[name] = over

        def turns() -> None:
            with contextlib.suppress(ProcessLookupError):
                while not over.is_set():
                    os.kill(pid, signal.SIGSTOP)
                    over.wait(stand_s)
                    os.kill(pid, signal.SIGCONT)
                    over.wait(run_s)

        threading.Thread(target=turns, name=f"stutter {name}", daemon=True).start()

    def _pid(self, name: str) -> int:
        pid = self._pids().get(name)
        if pid is None:
            raise TaktError(f"{name} does not run", "choose another second for this fault, or a run with it")
        return pid

    # ------------------------------------------------------------ the far ends

    def line(self, **order: Any) -> None:
        """One order to the line simulator between agent and board."""
        send_order(self._run_dir / LINE_SOCKET, order)

    def delay_line(self, more_ms: float, *ways: str) -> None:
        for way in ways:
            self.line(delay_ms=[way, self.quality.latency_ms + more_ms])

    def mend_line(self) -> None:
        """The line as the run began with it."""
        usual = self.quality
        rates = {"drop": usual.drop_rate, "flip": usual.flip_rate, "duplicate": usual.duplicate_rate}
        self.line(mend=True, rates=rates, baud=usual.baud)
        self.delay_line(0.0, "a_to_b", "b_to_a")

    def plant(self, **order: Any) -> None:
        """One order to motors and encoders: a fault by its name, with seconds."""
        self._send(PLANT_SOCKET, json.dumps(order))

    def board(self, order: str) -> None:
        """One order to the firmware: WHAT MILLISECONDS."""
        self._send(BOARD_SOCKET, order)

    def _send(self, name: str, text: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.setblocking(False)
            try:
                own.sendto(text.encode(), str(self._run_dir / name))
            except OSError as error:
                raise TaktError(
                    f"nobody hears orders at {name} ({error})", "see the logs of the run"
                ) from None
