"""The thread that waits for the disk, so that nobody else has to."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from takt.recording.sample import Sample
from takt.recording.tape import Tape

_Step = Callable[[], None]


class Scribe:
    """A :class:`takt.recording.black_box.Deck` that writes a tape. ``dropped``: samples that a slow disk cost."""

    def __init__(self, tape: Tape, pending_max_bytes: int) -> None:
        self._tape = tape
        self._pending_max_bytes = pending_max_bytes
        self._pending_bytes = 0
        self._lock = threading.Lock()
        self._steps: queue.SimpleQueue[_Step | None] = queue.SimpleQueue()
        self.dropped = 0
        self.failure = ""
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)
        self._thread.start()

    def open(self, word: str, cause: str) -> None:
        self._steps.put(lambda: self._tape.open(word, cause, time.time_ns()))

    def note(self, cause: str) -> None:
        self._steps.put(lambda: self._tape.note(cause))

    def write(self, samples: list[Sample]) -> None:
        size = sum(len(sample.data) for sample in samples)
        with self._lock:
            if self._pending_bytes + size > self._pending_max_bytes:
                self.dropped += len(samples)
                return
            self._pending_bytes += size
        self._steps.put(lambda: self._write(samples, size))

    def flush(self) -> None:
        self._steps.put(self._tape.flush)

    def finish(self, ended: str, dropped: int) -> None:
        self._steps.put(lambda: self._tape.finish(ended, time.time_ns(), dropped + self.dropped))

    def close(self, within_s: float) -> bool:
        """Do what was asked so far, then end; False when the disk took longer than ``within_s``."""
        self._steps.put(None)
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _write(self, samples: list[Sample], size: int) -> None:
        try:
            self._tape.write(samples, time.time_ns())
        finally:
            with self._lock:
                self._pending_bytes -= size

    def _run(self) -> None:
        while (step := self._steps.get()) is not None:
            try:
                step()
                self.failure = ""
            except OSError as error:
                self._tape.abandon()
                self.failure = f"recording to {self._tape.folder} fails: {error.strerror or error}"
                self._tape.tell(self.failure)
