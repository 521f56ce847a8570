"""One poll for all lines of an agent, and for whatever else has a file descriptor."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR

_THREAD_TURN_NS = 100_000_000
_BATCH = 64  # events of one turn; epoll goes round, so that those left out come first the next time

OnEvents = Callable[[int], None]


class Driver(Protocol):
    """A line with its core, as the reactor sees it. ``due_ns``: when :meth:`push` wants to be called at the latest."""

    due_ns: int

    def push(self) -> bool:
        """Do what time asks for, and send what there is."""
        ...


class Reactor:
    """Serves everything on the thread that calls :meth:`turn`; ``lock`` is held except while waiting.

    A turn ends with :meth:`push`, so that what its events brought to any core goes out in as few writes as can be.
    Another thread that touches a core takes ``lock``, and pushes or calls :meth:`wake` when it is done.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.lock = threading.RLock()
        self._clock_ns = clock_ns
        self._epoll = select.epoll()
        self._handlers: dict[int, OnEvents] = {}
        self._drivers: list[Driver] = []
        self.rested_ns = 0  # time spent waiting for input, since the start
        self.woken_ns = 0  # when the newest wait ended
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.register(self._wake, lambda events: self._drain())

    def add(self, driver: Driver) -> None:
        self._drivers.append(driver)

    def remove(self, driver: Driver) -> None:
        if driver in self._drivers:
            self._drivers.remove(driver)

    def register(self, descriptor: int, on_events: OnEvents) -> None:
        self._handlers[descriptor] = on_events
        self._epoll.register(descriptor, select.EPOLLIN)

    def unregister(self, descriptor: int) -> None:
        self._handlers.pop(descriptor, None)
        with contextlib.suppress(OSError, ValueError):  # closed by its own end already
            self._epoll.unregister(descriptor)

    def want_output(self, descriptor: int, wanted: bool) -> None:
        """Have the handler called when there is room for output."""
        self._epoll.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

    def wake(self) -> None:
        """End a wait, from any thread."""
        os.eventfd_write(self._wake, 1)

    def turn(self, timeout_ns: int) -> None:
        """Wait for input at most so long, then do all that there is to do."""
        now_ns = self._clock_ns()
        until_ns = now_ns + timeout_ns
        for driver in self._drivers:
            if driver.due_ns < until_ns:
                until_ns = driver.due_ns
        events = self._epoll.poll(max(until_ns - now_ns, 0) / 1e9, _BATCH)
        self.woken_ns = self._clock_ns()
        self.rested_ns += self.woken_ns - now_ns
        with self.lock:
            for descriptor, happened in events:
                handler = self._handlers.get(descriptor)
                if handler:
                    handler(happened)
            for driver in self._drivers:
                driver.push()

    def push(self) -> None:
        """Let every line do what time asks for and send what it has. Call with the lock held."""
        for driver in self._drivers:
            driver.push()

    def close(self) -> None:
        self._epoll.close()
        os.close(self._wake)

    def _drain(self) -> None:
        os.eventfd_read(self._wake)


@contextlib.contextmanager
def running(reactor: Reactor) -> Iterator[None]:
    """Turn ``reactor`` on a thread of its own for the time of a ``with`` block."""
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            reactor.turn(_THREAD_TURN_NS)

    thread = threading.Thread(target=turn, name="reactor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        reactor.wake()
        thread.join()
