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
SLACK_NS = 10_000_000  # timers may be late by this: input mostly comes first, and nothing wakes us for them

OnState = Callable[[bool, str], None]
OnSent = Callable[
    [AgentCore, bool], None
]  # it holds samples of the watched topic; whether all went to the line


class LineDriver:
    """One byte stream and its core. Call :meth:`push` after every touch of the core from elsewhere."""

    def __init__(
        self,
        core: AgentCore,
        line: Line,
        reactor: Reactor,
        *,
        on_state: OnState | None = None,
        on_sent: OnSent | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.core, self.line = core, line
        self.is_open = False
        self.reopened = -1
        self._reactor = reactor
        self._on_state = on_state or (lambda is_open, text: None)
        self._on_sent = on_sent or _forget_sent
        self._clock_ns = clock_ns
        self._leftover = b""
        self._descriptor = -1
        self._wanting = False  # to be called when there is room for output
        self._look_ns = 0  # when to try to open it, or to see whether its name leads elsewhere now
        self._told = ""
        self.due_ns = 0
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

    def push(self) -> bool:
        """Do what time asks for and send what the core has ready; returns whether all of it went to the line.

        While something is left over nothing new is built: so the core's queues, where newer samples replace older
        ones, are where the waiting is done.
        """
        now_ns = self._clock_ns()
        core = self.core
        if now_ns >= core.due_ns:
            core.run(now_ns)
        if now_ns >= self._look_ns:
            self._look(now_ns)
        done = self.is_open and (not self._leftover or self._write(self._leftover))
        if done and core.pending.output and (data := core.transmit(now_ns)):
            done = self._write(data)
        if core.sent_stamps:
            self._on_sent(core, done)
        if self._wanting == done and self.is_open:
            self._wanting = not done
            self._reactor.want_output(self._descriptor, self._wanting)
        self.due_ns = min(core.due_ns + SLACK_NS, self._look_ns)
        return done

    def close(self) -> None:
        """Let go of the line. The core and its sessions stay."""
        self._reactor.remove(self)
        self._drop_descriptor()
        self.line.close()
        self.is_open = False

    # ------------------------------------------------------------------ own

    def _look(self, now_ns: int) -> None:
        """Open the line, or see whether its name leads elsewhere now."""
        if not self.is_open:
            self._try_open(now_ns)
        elif self.line.moved():
            self._lose(f"{self.line.name} leads elsewhere now")
        else:
            self._look_ns = now_ns + MOVED_CHECK_NS

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

    def _write(self, data: bytes) -> bool:
        """Write what the line takes and keep the rest; returns whether there is none."""
        try:
            self._leftover = data[self.line.write(data) :]
        except LineLost as lost:
            self._lose(str(lost))
            return False
        return not self._leftover


def _forget_sent(core: AgentCore, written: bool) -> None:
    core.sent_stamps.clear()
    core.sent_samples.clear()


assert READABLE & select.EPOLLHUP, "a hang-up is found by reading"
