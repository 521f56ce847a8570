"""Wheel encoders: position and speed from counts, by the samples' own time stamps (firmware/core, encoder.c)."""

from array import array

from micropython import const

HISTORY = const(4)  # samples to choose the base of the difference from
_WRAP = const(1 << 32)
_HALF = const(1 << 31)


class Sample:
    """The newest encoder sample; ``present`` False: there is none yet."""

    def __init__(self):
        self.present = False
        self.sequence = 0
        self.sample_ns = 0
        self.received_ns = 0
        self.left = 0
        self.right = 0
        self.supply_mv = 0
        self.e_stop = False
        self.motor_fault = False


def counts_between(start, end):
    """Difference of counters that wrap at 32 bits."""
    return ((end - start + _HALF) & (_WRAP - 1)) - _HALF


class Encoder:
    def __init__(self, rad_per_count, window_ns, gap_ns, implausible_rad_s, implausible_limit, silent_cycles):
        self.rad_per_count_ns = rad_per_count * 1e9
        self.window_ns = window_ns
        self.gap_ns = gap_ns
        self.fastest = implausible_rad_s
        self.slowest = -implausible_rad_s
        self.implausible_limit = implausible_limit
        self.silent_cycles = silent_cycles
        self.history_ns = [0] * HISTORY  # newest first
        self.history_left = array("i", [0] * HISTORY)
        self.history_right = array("i", [0] * HISTORY)
        self.newest_sequence = 0
        self.held = 0
        self.left_counts = 0  # since start-up; does not jump when the counter starts anew
        self.right_counts = 0
        self.left_rad_s = 0.0
        self.right_rad_s = 0.0
        self.cycles_without_sample = 0
        self.implausible_in_row = 0
        self.left_wild = False  # wheels of the newest sample that could not be true
        self.right_wild = False
        self.fresh = False  # a sample in this cycle, and the estimate is of it
        self.silent = True
        self.fault = False

    def update(self, sample):
        """Once in each control cycle, with the newest sample."""
        self.fresh = False
        if not sample.present or (
            self.held and sample.sequence == self.newest_sequence and sample.sample_ns == self.history_ns[0]
        ):
            self._note_silence()
            return
        self.cycles_without_sample = 0
        self.silent = False
        if self.held == 0 or not 0 < sample.sample_ns - self.history_ns[0] <= self.gap_ns:
            self.held = 0
            self.left_rad_s = 0.0
            self.right_rad_s = 0.0
            self._remember(sample)
        elif self._estimate(sample):
            self._remember(sample)
        else:
            self._doubt(sample)

    def _note_silence(self):
        if self.cycles_without_sample < self.silent_cycles:
            self.cycles_without_sample += 1
        if self.cycles_without_sample >= self.silent_cycles:
            self.silent = True
            self.left_rad_s = 0.0
            self.right_rad_s = 0.0

    def _estimate(self, sample):
        """Speed against the newest sample that is at least a window old; False when no wheel turns that fast."""
        history_ns = self.history_ns
        base = 0
        while base + 1 < self.held and sample.sample_ns - history_ns[base] < self.window_ns:
            base += 1
        factor = self.rad_per_count_ns / (sample.sample_ns - history_ns[base])
        left = counts_between(self.history_left[base], sample.left) * factor
        right = counts_between(self.history_right[base], sample.right) * factor
        self.left_wild = not self.slowest <= left <= self.fastest
        self.right_wild = not self.slowest <= right <= self.fastest
        if self.left_wild or self.right_wild:
            return False
        self.left_counts += counts_between(self.history_left[0], sample.left)
        self.right_counts += counts_between(self.history_right[0], sample.right)
        self.left_rad_s = left
        self.right_rad_s = right
        self.implausible_in_row = 0
        self.fault = False
        self.fresh = True
        return True

    def _doubt(self, sample):
        """A wild sample is dropped; a row of them is a fault, and the estimate starts anew from there."""
        self.implausible_in_row += 1
        if self.implausible_in_row >= self.implausible_limit:
            self.fault = True
            self.held = 0
            self.implausible_in_row = 0
            self._remember(sample)

    def _remember(self, sample):
        for i in range(HISTORY - 1, 0, -1):
            self.history_ns[i] = self.history_ns[i - 1]
            self.history_left[i] = self.history_left[i - 1]
            self.history_right[i] = self.history_right[i - 1]
        self.history_ns[0] = sample.sample_ns
        self.history_left[0] = sample.left
        self.history_right[0] = sample.right
        self.newest_sequence = sample.sequence
        if self.held < HISTORY:
            self.held += 1
