"""Reads this run's misses back from the ledger, for a dashboard that was started again in the middle of it.

A demo's ledger is that of one run. A robot's goes on from run to run: whoever starts the dashboard there (`ros2
launch`, systemd) starts it again when it died, and began before the run's first miss, so the run is as old as that
process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from takt.deadlines.miss import Miss

MOST_BYTES = 8 << 20  # of the ledger's end: some 20 000 misses, read in well under a second


def misses_since(path: Path, since_ns: int, most_bytes: int = MOST_BYTES) -> Iterator[Miss]:
    """The misses of the ledger that are not older than ``since_ns`` (ROS time), oldest first, out of its last
    ``most_bytes``. Nothing where there is no such file; a line that is not whole, or no miss, is passed over."""
    try:
        with path.open("rb") as file:
            begin = max(0, os.fstat(file.fileno()).st_size - most_bytes)
            file.seek(begin)
            if begin > 0:
                file.readline()  # the rest of a line
            content = file.read()
    except OSError:
        return
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        try:
            miss = Miss.from_json(line)
        except ValueError:
            continue
        if miss.at_ns >= since_ns:
            yield miss


def run_began_ns(parent: int | None = None, now_ns: int | None = None) -> int:
    """ROS time at which the parent of this process began; of a process without one, when the computer began."""
    pid = os.getppid() if parent is None else parent
    awake_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        began_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        began_s = 0.0
    return (time.time_ns() if now_ns is None else now_ns) - round((awake_s - began_s) * 1e9)
