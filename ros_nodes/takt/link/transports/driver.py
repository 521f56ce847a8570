"""Runs an agent core on a line: one thread waits for bytes, and whoever has something to send writes at once."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable

from takt.errors import TaktError
from takt.link.agent import AgentCore
from takt.link.transports import Line, LineLost

REOPEN_S = 0.05
MOVED_CHECK_NS = 500_000_000
_WRONG = select.POLLERR | select.POLLHUP | select.POLLNVAL


class LineDriver:
    """Owns the line. ``lock`` guards the core: hold it around every touch of it, and call :meth:`push` after.

    A sample that comes from ROS is written by the thread that brought it; only what the line did not take
    waits for the driver's own thread.
    """

    def __init__(
        self,
        core: AgentCore,
        line: Line,
        *,
        on_state: Callable[[bool, str], None] | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.core, self.line = core, line
        self.lock = threading.RLock()
        self.is_open = False
        self.reopened = -1
        self.failure: BaseException | None = None
        self._on_state = on_state or (lambda is_open, text: None)
        self._clock_ns = clock_ns
        self._leftover = b""
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"line {line.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the line. The core and its sessions stay."""
        self._stopping = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        with self.lock:
            self.line.close()

    def push(self) -> bool:
        """Send what the core has ready. Call with the lock held; returns whether all of it went to the line."""
        self.core.run(self._clock_ns())
        done = self._write_out()
        if not done and self.is_open:
            self._wake()  # the own thread waits for room
        return done

    # ----------------------------------------------------------- own thread

    def _run(self) -> None:
        try:
            while not self._stopping:
                if self.is_open or self._try_open():
                    self._serve()
        except BaseException as failure:
            self.failure = failure
            self._on_state(False, str(failure))

    def _try_open(self) -> bool:
        try:
            with self.lock:
                self.line.open()
                self.is_open = True
                self.reopened += 1
                self._leftover = b""
                self.core.line_found(self._clock_ns())
        except LineLost:
            self._pause(REOPEN_S)
        except TaktError as error:  # it may be mended while we wait: permissions, another program
            self._on_state(False, str(error))
            self._pause(1.0)
        else:
            self._on_state(True, f"{self.line.name} is open")
        return self.is_open

    def _pause(self, seconds: float) -> None:
        with self.lock:
            self.core.run(self._clock_ns())
        select.select([self._wake_read], [], [], seconds)
        self._drain_wakes()

    def _serve(self) -> None:
        """Wait for input, room for output, or the core's next event; then do what there is to do."""
        poller = select.poll()
        poller.register(self._wake_read, select.POLLIN)
        descriptor = self.line.fileno()
        checked_ns = self._clock_ns()
        try:
            while not self._stopping:
                poller.register(descriptor, select.POLLIN | (select.POLLOUT if self._leftover else 0))
                wait_ns = max(self.core.next_event_ns() - self._clock_ns(), 0)
                events = dict(poller.poll(wait_ns // 1_000_000 + 1))
                self._step(events.get(descriptor, 0))
                if self._wake_read in events:
                    self._drain_wakes()
                if self._clock_ns() - checked_ns > MOVED_CHECK_NS:
                    checked_ns = self._clock_ns()
                    if self.line.moved():
                        raise LineLost(f"{self.line.name} leads elsewhere now")
        except LineLost as lost:
            self._lose(str(lost))

    def _step(self, events: int) -> None:
        with self.lock:
            data = self.line.read() if events & (select.POLLIN | _WRONG) else b""
            now_ns = self._clock_ns()
            if data:
                self.core.receive(data, now_ns)
            self.core.run(now_ns)
            self._write_out()

    def _lose(self, reason: str) -> None:
        with self.lock:
            self.line.close()
            self.is_open = False
            self._leftover = b""
            self.core.line_lost(self._clock_ns())
        if not self._stopping:
            self._on_state(False, reason)

    def _write_out(self) -> bool:
        """Write until the line takes no more. While something is left over nothing new is built.

        So the core's queues, where newer samples replace older ones, are where the waiting is done.
        """
        if not self.is_open:
            return False
        try:
            while True:
                data = self._leftover or self.core.transmit()
                if not data:
                    return True
                taken = self.line.write(data)
                self._leftover = data[taken:]
                if self._leftover:
                    return False
        except LineLost:
            self._leftover = b""  # the own thread meets the same error when it reads
            return False

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway
            os.write(self._wake_write, b"\0")

    def _drain_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 65536)
