"""When each line of the ledger came to be in its file, by a process that no hog holds up.

``python -m takt.deadline_bench.ledger_watch LEDGER`` looks at the file's size every 4 ms, above every loop and hog, and
says each growth on standard output: ROS time in ns and the size. It ends with its standard input.
"""

from __future__ import annotations

import gc
import json
import os
import select
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from takt.deadline_bench.score import Seen
from takt.realtime import apply_policy

_LOOK_S = 0.004
_ABOVE_ALL = 86
Growth = tuple[int, int]  # ROS ns, bytes


class LedgerWatch:
    """Watches from now until ``stop``; its clock is that of processes started now."""

    def __init__(self, ledger: Path, folder: Path) -> None:
        self._ledger, self._told = ledger, folder / "ledger_growth"
        command = [sys.executable, "-m", "takt.deadline_bench.ledger_watch", str(ledger)]
        with self._told.open("wb") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out)

    def stop(self) -> list[Seen]:
        """Every line of the ledger with the time at which it was there."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        rows = [line.split() for line in self._told.read_text().splitlines()]
        return seen(self._ledger.read_bytes(), [(int(at), int(size)) for at, size in rows])


def seen(content: bytes, growth: Sequence[Growth]) -> list[Seen]:
    """The lines of a file that grew so. What was never seen to be there is left out. Pure."""
    sizes, found, end = [size for _, size in growth], [], 0
    for line in content.splitlines(keepends=True):
        end += len(line)
        place = bisect_left(sizes, end)
        if place < len(sizes):
            found.append(Seen(json.loads(line), growth[place][0]))
    return found


def _watch(path: str) -> None:
    size, ended = 0, select.poll()
    ended.register(sys.stdin, select.POLLHUP)
    while not ended.poll(0):
        try:
            now = os.stat(path).st_size
        except FileNotFoundError:
            now = 0
        if now > size:
            size = now
            os.write(1, b"%d %d\n" % (time.time_ns(), size))
        time.sleep(_LOOK_S)


if __name__ == "__main__":
    apply_policy(_ABOVE_ALL)
    gc.disable()
    _watch(sys.argv[1])
