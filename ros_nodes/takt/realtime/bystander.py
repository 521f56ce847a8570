"""`takt_bystander`: wakes a hundred times a second above every loop of ours, and writes down how late it was.

Its two journals (takt.realtime.machine) let every node tell a stall of the machine from one of its own making.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Callable

from takt.errors import guarded
from takt.frames.journal import Journal
from takt.realtime import machine
from takt.realtime.policy import apply_policy

PERIOD_NS = 10_000_000
STALL_NS = 1_000_000  # less is every Linux's daily bread
SAMPLE_EVERY = 5  # periods: 20 times a second, and after every stall
_HIGHEST = 85  # above every loop of ours, and below the board's own watchdog thread and the kernel's


class Bystander:
    """``turn`` waits for the next release and writes what there is to write."""

    def __init__(
        self,
        stalls: Journal,
        samples: Journal,
        read: Callable[[], tuple[int, int, int]],
        fifo: bool,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._stalls, self._samples, self._read, self._fifo = stalls, samples, read, fifo
        self._clock_ns, self._sleep = clock_ns, sleep
        self._due_ns = (clock_ns() // PERIOD_NS + 1) * PERIOD_NS
        self._count = 0

    def turn(self, waited_ns: Callable[[], int] = lambda: 0) -> None:
        """``waited_ns``: how long this thread has been kept from a processor so far. Without SCHED_FIFO that part of
        its lateness is other programs', and no stall of the machine."""
        before_ns = 0 if self._fifo else waited_ns()
        self._sleep(max(0, self._due_ns - self._clock_ns()) / 1e9)
        woke_ns = self._clock_ns()
        late_ns = woke_ns - self._due_ns - (0 if self._fifo else waited_ns() - before_ns)
        self._due_ns += max(1, -(-(woke_ns - self._due_ns) // PERIOD_NS)) * PERIOD_NS
        self._count += 1
        if late_ns > STALL_NS:
            self._stalls.append(woke_ns, late_ns)
        if late_ns > STALL_NS or self._count % SAMPLE_EVERY == 0:
            self._samples.append(woke_ns, *self._read())


def main() -> None:
    sys.exit(guarded(_run))


def _run() -> int:
    parser = argparse.ArgumentParser(prog="takt_bystander", description=__doc__)
    parser.add_argument(
        "--ring", default="takt_camera", help="the robot's ring, whose name the journals carry"
    )
    given = parser.parse_args()
    stalls = Journal.create(
        machine.journal_name(given.ring, machine.STALLS), machine.STALL_WIDTH, machine.STALL_ROWS
    )
    samples = Journal.create(
        machine.journal_name(given.ring, machine.SAMPLES), machine.SAMPLE_WIDTH, machine.SAMPLE_ROWS
    )
    ended: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, _frame: ended.append(caught))
    granted = apply_policy(_HIGHEST)
    gc.disable()  # nothing here makes cycles
    print(granted.describe(), flush=True)
    bystander = Bystander(stalls, samples, machine.MachineCounters().read, granted.fifo_priority > 0)
    schedstat = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    while not ended:
        bystander.turn(lambda: int(os.pread(schedstat, 64, 0).split()[1]))
    return 0


if __name__ == "__main__":
    main()
