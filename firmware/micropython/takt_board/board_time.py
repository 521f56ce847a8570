"""Board time in ns from wrap-safe ticks: steady, about 0 at start, never wraps."""

from time import ticks_diff, ticks_us


class BoardTime:
    """Ticks wrap after 18 minutes on a 32-bit board; an anchor that every cycle renews is never that old.

    Two anchors in turn: a cycle that cuts into now_ns() writes the one that is not being read.
    """

    def __init__(self):
        self._ticks = [ticks_us(), 0]
        self._ns = [0, 0]
        self._newest = 0

    def now_ns(self):
        newest = self._newest
        return self._ns[newest] + ticks_diff(ticks_us(), self._ticks[newest]) * 1000

    def renew(self):
        """Once in each cycle."""
        ticks = ticks_us()
        old = self._newest
        new = 1 - old
        self._ns[new] = self._ns[old] + ticks_diff(ticks, self._ticks[old]) * 1000
        self._ticks[new] = ticks
        self._newest = new
