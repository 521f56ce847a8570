"""ROS input as file descriptors: the middleware itself writes to an eventfd when something arrives.

rcl lets a C function be called for each arrival. libc's ``eventfd_write(fd, n)`` has the very shape that is wanted
(the callback's first argument is ours to choose: the descriptor; the second is the number of arrivals), so that no
Python runs in the middleware's threads and one poll serves serial lines and ROS alike. The sum that the eventfd keeps
says how many messages there are to take: none is looked for in vain. Where that is not to be had (a
middleware without such callbacks, 32-bit arguments) a thread with a :class:`WaitLoop` does the same, slower.
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from rclpy.context import Context

from takt.link.transports.reactor import Reactor
from takt.nodes.wait_loop import Take, WaitLoop

_BATCH = 8  # takes from one end before the others have their turn
_TURN_NS = 200_000_000
_END_S = 2.0
_SETTERS = {
    "subscription": "rcl_subscription_set_on_new_message_callback",
    "client": "rcl_client_set_on_new_response_callback",
    "service": "rcl_service_set_on_new_request_callback",
}


@lru_cache(maxsize=1)
def _setters() -> dict[str, Any]:
    """The three functions of the rcl library that rclpy has loaded; empty where they cannot be used."""
    if struct.calcsize("P") != 8:
        return {}
    loaded = {
        line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "librcl" in line
    }
    for path in sorted(loaded):
        if os.path.basename(path).startswith(("librcl.so", "librcl-")):
            library = ctypes.CDLL(path)
            found = {kind: getattr(library, name, None) for kind, name in _SETTERS.items()}
            for function in found.values():
                if function is None:
                    return {}
                function.argtypes = [ctypes.c_void_p] * 3
            return found
    return {}


@lru_cache(maxsize=1)
def _eventfd_write() -> int:
    return ctypes.cast(ctypes.CDLL(None).eventfd_write, ctypes.c_void_p).value or 0


class _Arrivals:
    """One end's eventfd, as the reactor serves it."""

    def __init__(self, end: Any, take: Take) -> None:
        self._handle, self._take = end.handle, take
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def on_events(self, events: int) -> None:
        """Take what has arrived, but no more than a batch: the other ends want their turn."""
        try:
            arrived = os.eventfd_read(self.descriptor)
        except BlockingIOError:  # the event was an earlier owner's of this number
            return
        for _ in range(min(arrived, _BATCH)):
            if not self._take(self._handle):  # newer ones have pushed it out of the history
                return
        if arrived > _BATCH:
            os.eventfd_write(self.descriptor, arrived - _BATCH)


class RosEvents:
    """Ends of any context, served by ``reactor``, with its lock held."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._arrivals: dict[Any, tuple[str, _Arrivals]] = {}  # by the end
        self._loops: dict[Context, WaitLoop] = {}
        self._threads: list[threading.Thread] = []

    def watch(self, kind: str, end: Any, take: Take, context: Context) -> None:
        """Serve ``end`` (a rclpy subscription, client or service) from now on."""
        if not self._arm(kind, end, take):
            self._loop(context).watch(kind, end, take)

    def _arm(self, kind: str, end: Any, take: Take) -> bool:
        setter = _setters().get(kind)
        if setter is None:
            return False
        arrivals = _Arrivals(end, take)
        with end.handle:
            refused = setter(end.handle.pointer, _eventfd_write(), arrivals.descriptor)
        if refused:
            os.close(arrivals.descriptor)
            return False
        self._arrivals[end] = kind, arrivals
        self._reactor.register(arrivals.descriptor, arrivals.on_events)
        return True

    def _loop(self, context: Context) -> WaitLoop:
        if context not in self._loops:
            loop = self._loops[context] = WaitLoop(context)
            loop.serve_with(self._reactor.lock, self._reactor.push)
            thread = threading.Thread(target=_turn_until_ended, args=(loop,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self._loops[context]

    def forget(self, end: Any) -> None:
        """Serve ``end`` no more; call it before destroying the end."""
        found = self._arrivals.pop(end, None)
        if found is None:
            for loop in self._loops.values():
                loop.forget(end)
            return
        kind, arrivals = found
        with end.handle:
            _setters()[kind](end.handle.pointer, None, None)
        self._reactor.unregister(arrivals.descriptor)
        os.close(arrivals.descriptor)

    def close(self) -> None:
        for end in list(self._arrivals):
            self.forget(end)
        for loop in self._loops.values():
            loop.end()
        for thread in self._threads:
            thread.join(_END_S)  # a thread that waits in the middleware must not outlive the interpreter


def _turn_until_ended(loop: WaitLoop) -> None:
    while loop.turn(_TURN_NS):
        pass
    loop.close()
