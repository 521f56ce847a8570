"""A time limit on one run of a model: past it, the run is cancelled; if even that does not help, the process ends.

onnxruntime looks at a flag between two operators, so a slow model ends soon after. A model that hangs inside an
operator never looks: then nothing in this process can end it, and who watches the process starts it again. The media
path is in another process and notices nothing of either.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class TimeLimit:
    """``over`` around each run. ``gave_up`` is called, from the guard's thread, for a run that cannot be cancelled."""

    def __init__(self, limit_s: float, hopeless_s: float, gave_up: Callable[[], object]) -> None:
        self._limit_s, self._hopeless_s, self._gave_up = limit_s, hopeless_s, gave_up
        self._changed = threading.Condition()
        self._began_s: float | None = None
        self._cancel: Callable[[], object] = lambda: None
        self._cancelled = self._ended = False
        self._thread = threading.Thread(target=self._guard, name="time-limit", daemon=True)
        self._thread.start()

    @contextmanager
    def over(self, cancel: Callable[[], object]) -> Iterator[None]:
        """``cancel`` is called from another thread when the body takes longer than the limit."""
        with self._changed:
            self._began_s, self._cancel, self._cancelled = time.monotonic(), cancel, False
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._began_s = None

    def close(self) -> None:
        """End the guard."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _guard(self) -> None:
        with self._changed:
            while not self._ended:
                self._changed.wait(self._due_s())
                if self._began_s is None:
                    continue
                if self._due_s() == 0.0:
                    self._act()

    def _act(self) -> None:
        """First cancel, and from then on count anew: a process that was stopped for long is not hopeless yet."""
        if not self._cancelled:
            self._cancelled, self._began_s = True, time.monotonic()
            self._cancel()
        else:
            self._began_s = None
            self._gave_up()

    def _due_s(self) -> float | None:
        """Until the next moment that matters; None while nothing runs. A run that ends early wakes nobody."""
        if self._began_s is None:
            return None
        age_s = time.monotonic() - self._began_s
        return max(0.0, (self._hopeless_s if self._cancelled else self._limit_s) - age_s)
