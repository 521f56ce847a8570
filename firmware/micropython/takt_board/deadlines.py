"""Deadline monitor: every cycle against its own place on an absolute grid (firmware/core, deadline_monitor.c).

One cause more than in C: `gc`, a cycle that would have been in time, or releases that would not have passed, had no
collection run. Collections are noted by whoever starts them, so the monitor knows each one.
"""

from array import array

from micropython import const

from takt_board.histogram import Histogram

OWN_OVERRUN = const(0)  # the cycle's own processor time exceeds the period
LATE_RELEASE = const(1)  # it started so late that even its own processor time did not fit any more
PREEMPTED = const(2)  # it would have fitted, had others not run in between
SKIPPED = const(3)  # it never ran
GC = const(4)  # in time, had no memory been collected
CAUSES = (b"own_overrun", b"late_release", b"preempted", b"skipped", b"gc")


class DeadlineMonitor:
    """``skipped_*``: releases that passed before the newest cycle; ``miss_*``: what became of it."""

    def __init__(self, period_ns, window_cycles, miss_limit):
        self.period_ns = period_ns
        self.miss_limit = miss_limit
        self.release_ns = 0  # of the present or last cycle
        self.start_ns = 0
        self.start_cpu_ns = 0
        self.cycle = 0  # its place on the grid
        self.cycles = 0  # that ran
        self.running = False
        self.misses = array("I", [0] * len(CAUSES))
        self.window = bytearray(window_cycles)
        self.window_at = 0
        self.window_misses = 0
        self.jitter = Histogram()
        self.execution = Histogram()
        self.gc_pauses = Histogram()
        self.gc_ns = 0  # collected since the last cycle ended
        self.skipped_count = 0
        self.skipped_first = 0
        self.skipped_first_ns = 0
        self.skipped_cause = SKIPPED
        self.missed = False
        self.miss_cause = OWN_OVERRUN
        self.miss_late_ns = 0

    def note_gc(self, pause_ns):
        """A collection of ``pause_ns`` ran."""
        self.gc_ns += pause_ns
        self.gc_pauses.add(pause_ns)

    def begin(self, release_ns, start_ns, cpu_ns):
        """The cycle released at ``release_ns`` starts. ``cpu_ns``: processor time used so far."""
        self.skipped_count = 0
        if self.running:
            self._skip_between(release_ns)
        self.running = True
        self.cycles += 1
        self.release_ns = release_ns
        self.start_ns = start_ns
        self.start_cpu_ns = cpu_ns
        self.jitter.add(start_ns - release_ns if start_ns > release_ns else 0)

    def _skip_between(self, release_ns):
        places = (release_ns - self.release_ns) // self.period_ns
        if places > 1:
            count = places - 1
            self.skipped_count = count
            self.skipped_first = self.cycle + 1
            self.skipped_first_ns = self.release_ns + self.period_ns
            self.skipped_cause = GC if self.gc_ns >= count * self.period_ns else SKIPPED
            for _ in range(min(count, len(self.window))):
                self._note(1)
            self.misses[self.skipped_cause] += count
        self.cycle += places

    def _note(self, missed):
        at = self.window_at
        self.window_misses += missed - self.window[at]
        self.window[at] = missed
        at += 1
        self.window_at = at if at < len(self.window) else 0

    def end(self, end_ns, cpu_ns):
        """The cycle ends; True when it is a miss. Without knowledge of processor time give elapsed time twice."""
        response_ns = end_ns - self.release_ns
        self.execution.add(end_ns - self.start_ns)
        self.missed = response_ns > self.period_ns
        self._note(1 if self.missed else 0)
        if self.missed:
            self.miss_cause = self._find_cause(response_ns, cpu_ns - self.start_cpu_ns)
            self.miss_late_ns = response_ns - self.period_ns
            self.misses[self.miss_cause] += 1
        self.gc_ns = 0
        return self.missed

    def _find_cause(self, response_ns, cpu_ns):
        """The first whose removal alone would have made the cycle end in time."""
        if self.gc_ns and response_ns - self.gc_ns <= self.period_ns:
            return GC
        if cpu_ns > self.period_ns:
            return OWN_OVERRUN
        late_start_ns = self.start_ns - self.release_ns
        return LATE_RELEASE if late_start_ns + cpu_ns > self.period_ns else PREEMPTED

    def next_release(self, now_ns):
        """The first release that has not passed."""
        period_ns = self.period_ns
        elapsed_ns = now_ns - self.release_ns
        places = (elapsed_ns + period_ns - 1) // period_ns if elapsed_ns > 0 else 0
        if self.running and places < 1:
            places = 1
        return self.release_ns + places * period_ns

    def limit_reached(self):
        return self.window_misses >= self.miss_limit

    def missed_all(self):
        return sum(self.misses)
