"""ROS input as file descriptors: the middleware itself writes to an eventfd when something arrives.

rcl lets a C function be called for each arrival. libc's ``eventfd_write(fd, n)`` has the very shape that is wanted
(the callback's first argument is ours to choose: the descriptor; the second is the number of arrivals), so that no
Python runs in the middleware's threads and one poll serves serial lines and ROS alike. Where that is not to be had (a
middleware without such callbacks, 32-bit arguments) a thread with a :class:`WaitLoop` does the same, slower.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any

from rclpy.context import Context

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


class RosEvents:
    """Ends of any context, served by whoever polls :meth:`fileno`.

    ``lock`` and ``after``: held around, and called after, what the stand-in thread takes.
    """

    def __init__(self, lock: AbstractContextManager[Any], after: Callable[[], None]) -> None:
        self._epoll = select.epoll()
        self._ends: dict[int, tuple[Any, Take]] = {}  # by eventfd
        self._descriptors: dict[Any, tuple[str, int]] = {}
        self._lock, self._after = lock, after
        self._loops: dict[Context, WaitLoop] = {}
        self._threads: list[threading.Thread] = []

    def fileno(self) -> int:
        return self._epoll.fileno()

    def watch(self, kind: str, end: Any, take: Take, context: Context) -> None:
        """Serve ``end`` (a rclpy subscription, client or service) from now on."""
        if not self._arm(kind, end, take):
            self._loop(context).watch(kind, end, take)

    def _arm(self, kind: str, end: Any, take: Take) -> bool:
        setter = _setters().get(kind)
        if setter is None:
            return False
        descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        with end.handle:
            refused = setter(end.handle.pointer, _eventfd_write(), descriptor)
        if refused:
            os.close(descriptor)
            return False
        self._ends[descriptor] = end, take
        self._descriptors[end] = kind, descriptor
        self._epoll.register(descriptor, select.EPOLLIN)
        return True

    def _loop(self, context: Context) -> WaitLoop:
        if context not in self._loops:
            loop = self._loops[context] = WaitLoop(context)
            loop.serve_with(self._lock, self._after)
            thread = threading.Thread(target=_turn_until_ended, args=(loop,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self._loops[context]

    def forget(self, end: Any) -> None:
        """Serve ``end`` no more; call it before destroying the end."""
        kind, descriptor = self._descriptors.pop(end, ("", -1))
        if descriptor < 0:
            for loop in self._loops.values():
                loop.forget(end)
            return
        with end.handle:
            _setters()[kind](end.handle.pointer, None, None)
        del self._ends[descriptor]
        self._epoll.unregister(descriptor)
        os.close(descriptor)

    def serve(self) -> None:
        """Take what has arrived, some from each end."""
        for descriptor, _ in self._epoll.poll(0):
            found = self._ends.get(descriptor)
            if found is None:
                continue  # forgotten while an earlier one was served
            os.eventfd_read(descriptor)
            end, take = found
            handle = end.handle
            with handle:
                for _ in range(_BATCH):
                    if not take(handle):
                        break
                else:
                    os.eventfd_write(descriptor, 1)

    def close(self) -> None:
        for end in list(self._descriptors):
            self.forget(end)
        for loop in self._loops.values():
            loop.end()
        for thread in self._threads:
            thread.join(_END_S)  # a thread that waits in the middleware must not outlive the interpreter
        self._epoll.close()


def _turn_until_ended(loop: WaitLoop) -> None:
    while loop.turn(_TURN_NS):
        pass
    loop.close()
