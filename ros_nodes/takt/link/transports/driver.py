"""Runs an agent core on a line: opens and reopens it, reads, writes. It never waits: a :class:`Reactor` does."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from takt.errors import TaktError
from takt.link.agent import AgentCore
from takt.link.transports import Line, LineLost
from takt.link.transports.reactor import READABLE, Reactor

REOPEN_NS = 50_000_000
MEND_NS = 1_000_000_000  # between tries where a person has to change something
MOVED_CHECK_NS = 500_000_000

OnState = Callable[[bool, str], None]


class LineDriver:
    """One byte stream and its core. Call :meth:`push` after every touch of the core from elsewhere."""

    def __init__(
        self,
        core: AgentCore,
        line: Line,
        reactor: Reactor,
        *,
        on_state: OnState | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.core, self.line = core, line
        self.is_open = False
        self.reopened = -1
        self._reactor = reactor
        self._on_state = on_state or (lambda is_open, text: None)
        self._clock_ns = clock_ns
        self._leftover = b""
        self._descriptor = -1
        self._wanting = False  # to be called when there is room for output
        self._look_ns = 0  # when to try to open it, or to see whether its name leads elsewhere now
        self._told = ""
        reactor.add(self)

    @property
    def name(self) -> str:
        return self.line.name

    # ------------------------------------------------------------ reactor's

    def on_events(self, events: int) -> None:
        """Input, or room for output."""
        try:
            if events & READABLE:
                data = self.line.read()
                if data:
                    self.core.receive(data, self._clock_ns())
        except LineLost as lost:
            self._lose(str(lost))

    def tend(self, now_ns: int) -> None:
        """What time asks for: heartbeats, opening, looking after a name that moved."""
        self.core.run(now_ns)
        if now_ns < self._look_ns:
            return
        if not self.is_open:
            self._try_open(now_ns)
        elif self.line.moved():
            self._lose(f"{self.line.name} leads elsewhere now")
        else:
            self._look_ns = now_ns + MOVED_CHECK_NS

    def next_event_ns(self) -> int:
        return min(self.core.next_event_ns(), self._look_ns)

    def push(self) -> bool:
        """Send what the core has ready; returns whether all of it went to the line."""
        done = self._write_out()
        if self.is_open and bool(self._leftover) != self._wanting:
            self._wanting = bool(self._leftover)
            self._reactor.want_output(self._descriptor, self._wanting)
        return done

    def close(self) -> None:
        """Let go of the line. The core and its sessions stay."""
        self._reactor.remove(self)
        self._drop_descriptor()
        self.line.close()
        self.is_open = False

    # ------------------------------------------------------------------ own

    def _try_open(self, now_ns: int) -> None:
        self._look_ns = now_ns + REOPEN_NS
        try:
            self.line.open()
        except LineLost:
            return
        except TaktError as error:  # it may be mended while we wait: permissions, another program
            self._look_ns = now_ns + MEND_NS
            self._tell(False, str(error))
            return
        self.is_open = True
        self.reopened += 1
        self._leftover = b""
        self._descriptor = self.line.fileno()
        self._wanting = False
        self._reactor.register(self._descriptor, self.on_events)
        self.core.line_found(now_ns)
        self._look_ns = now_ns + MOVED_CHECK_NS
        self._tell(True, f"{self.line.name} is open")

    def _drop_descriptor(self) -> None:
        if self._descriptor >= 0:
            self._reactor.unregister(self._descriptor)
            self._descriptor = -1

    def _lose(self, reason: str) -> None:
        self._drop_descriptor()
        self.line.close()
        self.is_open = False
        self._leftover = b""
        self._look_ns = 0
        self.core.line_lost(self._clock_ns())
        self._tell(False, reason)

    def _tell(self, is_open: bool, text: str) -> None:
        """Say it once, not at every try."""
        if text != self._told:
            self._told = text
            self._on_state(is_open, text)

    def _write_out(self) -> bool:
        """Write until the line takes no more. While something is left over nothing new is built.

        So the core's queues, where newer samples replace older ones, are where the waiting is done.
        """
        if not self.is_open:
            return False
        try:
            if self._leftover:
                self._leftover = self._leftover[self.line.write(self._leftover) :]
                if self._leftover:
                    return False
            data = self.core.transmit()
            if data:
                self._leftover = data[self.line.write(data) :]
            return not self._leftover
        except LineLost as lost:
            self._lose(str(lost))
            return False


assert READABLE & select.EPOLLHUP, "a hang-up is found by reading"
