"""Repeats a life of deadline monitor and ledger: OPERATIONS RESULTS COUNT (files, number).

An operation is seven unsigned 64-bit numbers: what (0 cycle, 1 confirm, 2 reset), then the numbers that it needs. The
answer to each is what parity_life.py on the host reads from C.
"""

import struct
import sys

from takt_board.deadlines import DeadlineMonitor
from takt_board.ledger import STORE_BYTES, Ledger, Record

_CYCLE = 0
_CONFIRM = 1
_C_CAUSES = 4  # C knows no `gc`
ANSWER = struct.calcsize("<43Q")


def _record(ledger, index, record):
    if index >= ledger.pending():
        return (0,) * 10
    r = ledger.at(index, record)
    return (r.previous, r.first, r.last, r.release_ns, r.late_ns, r.cycle) + tuple(r.counts[:_C_CAUSES])


class Life:
    def __init__(self, period_ns, window_cycles, miss_limit):
        self.settings = period_ns, window_cycles, miss_limit
        self.store = bytearray(STORE_BYTES)
        self.record = Record()
        self.boot()

    def boot(self):
        self.monitor = DeadlineMonitor(*self.settings)
        self.ledger = Ledger(self.store)

    def cycle(self, release_ns, start_ns, start_cpu_ns, end_ns, end_cpu_ns):
        monitor, ledger = self.monitor, self.ledger
        monitor.begin(release_ns, start_ns, start_cpu_ns)
        if monitor.skipped_count:
            ledger.append_skipped(monitor, release_ns)
        if monitor.end(end_ns, end_cpu_ns):
            ledger.append(monitor.miss_cause, monitor.cycle, release_ns, monitor.miss_late_ns)
        if ledger.gap_open:
            ledger.settle()

    def answer(self, now_ns, released):
        m, ledger = self.monitor, self.ledger
        missed = m.missed
        numbers = (
            released,
            m.skipped_count,
            m.skipped_first if m.skipped_count else 0,
            m.skipped_first_ns if m.skipped_count else 0,
            missed,
            m.miss_cause if missed else 0,
            m.miss_late_ns if missed else 0,
            m.cycle,
            m.cycles,
            m.window_misses,
            m.limit_reached(),
            m.next_release(now_ns),
            m.missed_all(),
        ) + tuple(m.misses[:_C_CAUSES])
        kept = (
            ledger.boot_count,
            ledger.sequence,
            ledger.previous,
            ledger.confirmed,
            ledger.gap_open,
            ledger.pending(),
        )
        newest = _record(ledger, max(0, ledger.pending() - 1), self.record)
        return struct.pack("<43Q", *(numbers + kept + newest + _record(ledger, 0, self.record)))


def repeat(operations, results, count, life):
    line = bytearray(56)
    for _ in range(count):
        operations.readinto(line)
        words = struct.unpack("<7Q", line)
        released = 0
        if words[0] == _CYCLE:
            life.cycle(*words[1:6])
        elif words[0] == _CONFIRM:
            released = life.ledger.confirm(words[1])
        else:
            life.boot()
        results.write(life.answer(words[6], released))


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as operations, open(sys.argv[2], "wb") as results:
        repeat(operations, results, int(sys.argv[3]), Life(*[int(word) for word in sys.argv[4:7]]))
