"""Fixed histogram of durations (firmware/core, histogram.c): 16 bins of 256 ns, then 16 a doubling, up to 4.3 s."""

from array import array

from micropython import const

_BINS = const(336)
_LINEAR = const(16)
_UNIT_US = 0.256


def _start_us(index):
    if index < _LINEAR:
        return index * _UNIT_US
    shift = (index - _LINEAR) // _LINEAR
    return ((_LINEAR + (index - _LINEAR) % _LINEAR) << shift) * _UNIT_US


class Histogram:
    def __init__(self):
        self.bins = array("I", [0] * _BINS)
        self.count = 0
        self.max_units = 0

    def add(self, duration_ns):
        units = duration_ns >> 8
        if units > self.max_units:
            self.max_units = units
        shift = 0
        while units >= 2 * _LINEAR:
            units >>= 1
            shift += 1
        index = units + shift * _LINEAR
        self.bins[index if index < _BINS else _BINS - 1] += 1
        self.count += 1

    def quantile_us(self, quantile):
        """Duration below which the share ``quantile`` of the samples lies; 0 without samples."""
        most = self.max_us()
        rank = quantile * self.count
        below = 0
        for index in range(_BINS):
            inside = self.bins[index]
            if inside and below + inside >= rank:
                start = _start_us(index)
                return min(most, start + (_start_us(index + 1) - start) * (rank - below) / inside)
            below += inside
        return most

    def max_us(self):
        return self.max_units * _UNIT_US
