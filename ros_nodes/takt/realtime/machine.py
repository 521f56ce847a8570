"""What happened to the whole machine, told by a bystander: a process that only wakes up on time.

Whatever makes it late, above every loop of ours, hit the machine and not a program. Beside its own lateness it samples
stolen time, the control group's throttling and memory pressure. Everybody reads its two journals.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from takt.errors import TaktError
from takt.frames.journal import Journal, Row

STALLS, SAMPLES = "stalls", "samples"
STALL_ROWS, SAMPLE_ROWS = 256, 256
STALL_WIDTH = 2  # when it woke (steady ns), how late (ns)
SAMPLE_WIDTH = 4  # when (steady ns), stolen, throttled, memory stalls; all cumulative ns
SHARED_NS = 20_000_000  # what hits the bystander this close to a loop of ours hit both
_LOOK_AGAIN_NS = 1_000_000_000
_NS = 1e-6  # ms


def journal_name(ring: str, what: str) -> str:
    """The bystander's journals belong to one robot, as its ring does."""
    return f"{ring}.{what}"


class MachineCounters:
    """Cumulative counters of the kernel, each 0 where it is not kept."""

    def __init__(self) -> None:
        self._tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        self._stat = _opened(Path("/proc/stat"))
        self._memory = _opened(Path("/proc/pressure/memory"))
        self._cpu, self._unit_ns = _own_cpu_stat()

    def read(self) -> tuple[int, int, int]:
        """Stolen, throttled, stalled for want of memory, in ns."""
        stolen = _words(self._stat, 200)
        throttled = _value(self._cpu, (b"throttled_usec", b"throttled_time")) * self._unit_ns
        return (int(stolen[8]) * self._tick_ns if len(stolen) > 8 else 0), throttled, self._memory_ns()

    def _memory_ns(self) -> int:
        words = _words(self._memory, 120)
        totals = [word for word in words if word.startswith(b"total=")]
        return int(totals[0][6:]) * 1000 if totals else 0


class MachineView:
    """A reader of the bystander's journals; without a bystander it finds nothing."""

    def __init__(self, ring: str) -> None:
        self._ring = ring
        self._journals: dict[str, Journal] = {}
        self._tried_ns = -_LOOK_AGAIN_NS

    def between(self, begin_ns: int, end_ns: int) -> dict[str, float]:
        """Evidence for a window of the steady clock: ``host_stall_ms`` and, where it happened, the other counters."""
        evidence = {"host_stall_ms": self.longest_stall_ns(begin_ns, end_ns) * _NS}
        samples = self._rows(SAMPLES, end_ns)
        before = [row for row in samples if row[0] <= begin_ns]
        after = [row for row in samples if row[0] > begin_ns]
        if before and after:
            first, last = before[-1], next((row for row in after if row[0] >= end_ns), after[-1])
            names = ("steal_ms", "throttled_ms", "memory_stall_ms")
            evidence |= {
                name: (b - a) * _NS for name, a, b in zip(names, first[1:], last[1:], strict=True) if b > a
            }
        return evidence

    def longest_stall_ns(self, begin_ns: int, end_ns: int) -> int:
        """The bystander's worst lateness that overlaps the window or comes within 20 ms of it; 0 without any."""
        near = [
            late_ns
            for woke_ns, late_ns in self._rows(STALLS, end_ns)
            if woke_ns >= begin_ns - SHARED_NS and woke_ns - late_ns <= end_ns + SHARED_NS
        ]
        return max(near, default=0)

    def close(self) -> None:
        for journal in self._journals.values():
            journal.close()
        self._journals.clear()

    def _rows(self, what: str, now_ns: int) -> list[Row]:
        if self._journals and now_ns - self._tried_ns > _LOOK_AGAIN_NS:
            self._tried_ns = now_ns
            if not all(journal.is_current() for journal in self._journals.values()):
                self.close()
        if not self._journals:
            self._attach(now_ns)
        journal = self._journals.get(what)
        return journal.since(0) if journal else []

    def _attach(self, now_ns: int) -> None:
        with contextlib.suppress(TaktError):  # no bystander yet, or none at all
            self._journals = {
                what: Journal.attach(journal_name(self._ring, what)) for what in (STALLS, SAMPLES)
            }


def cpu_pressure_ns() -> int:
    """How long some task has waited for a processor since boot; 0 where the kernel does not say."""
    try:
        words = Path("/proc/pressure/cpu").read_bytes().split()
    except OSError:
        return 0
    return next((int(word[6:]) * 1000 for word in words if word.startswith(b"total=")), 0)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _words(fd: int, size: int) -> list[bytes]:
    try:
        return os.pread(fd, size, 0).split() if fd >= 0 else []
    except OSError:
        return []


def _value(fd: int, names: tuple[bytes, ...]) -> int:
    words = _words(fd, 512)
    for name, number in zip(words, words[1:], strict=False):
        if name in names:
            return int(number)
    return 0


def _own_cpu_stat() -> tuple[int, int]:
    """This process's control group: an open cpu.stat, and the ns of its unit (version 2: us, version 1: ns)."""
    rows = Path("/proc/self/cgroup").read_text().splitlines() if Path("/proc/self/cgroup").exists() else []
    for row in rows:
        number, controllers, path = row.split(":", 2)
        if number == "0":
            fd = _opened(Path("/sys/fs/cgroup") / path.lstrip("/") / "cpu.stat")
            unit_ns = 1000
        elif "cpu" in controllers.split(","):
            fd = _opened(Path("/sys/fs/cgroup") / controllers / path.lstrip("/") / "cpu.stat")
            unit_ns = 1
        else:
            continue
        if fd >= 0:
            return fd, unit_ns
    return -1, 0
