"""The simulated ends of a troubled run: firmware, plant and line live on when the supervisor dies, as real ones do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from takt.graph import Process
from takt.supervision.processes import ProcessKeeper

_BOARD = "firmware"


class Ends:
    """``poll`` is called often. The board can be without power for a while, and then forgets what it retained."""

    def __init__(
        self, graph: list[Process], log_dir: Path, retained: Path, tell: Callable[[str], None]
    ) -> None:
        self._keeper = ProcessKeeper(graph, log_dir, tell)
        self._retained = retained
        self._power_at_s = 0.0

    def start(self) -> None:
        self._keeper.start()

    def poll(self) -> None:
        now_s = time.monotonic()
        for name in self._keeper.poll(now_s):
            if name == _BOARD and now_s < self._power_at_s:
                self._retained.unlink(missing_ok=True)
                self._keeper.kept[_BOARD].restart_at_s = self._power_at_s

    def pids(self) -> dict[str, int]:
        return self._keeper.pids()

    def cut_power(self, seconds: float) -> None:
        """The board stops where it is; its memory is empty when the power is back."""
        self._power_at_s = time.monotonic() + seconds
        os.kill(self._keeper.pids()[_BOARD], signal.SIGKILL)

    def stop(self) -> None:
        self._keeper.stop()
