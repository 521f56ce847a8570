"""A node's own thread: started and stopped with the lifecycle, and never silently dead."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable


class Worker:
    """Runs ``work`` in a thread until ``stop``; ``work`` asks ``ended`` and returns soon after it is set."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._name, self._work = name, work
        self.ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a worker can be started again after ``stop``."""
        self.ended.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended; harmless when there is none."""
        self.ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            self._work()
        except Exception:
            # A process whose work is dead must not look alive: it ends in order, and who watches it starts it again.
            traceback.print_exc()
            os.kill(os.getpid(), signal.SIGTERM)
