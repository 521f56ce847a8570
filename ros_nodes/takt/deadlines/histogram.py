"""A histogram of durations with fixed buckets: nothing is allocated while it counts."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping

_LOWEST_US = 1.0
_HIGHEST_US = 60e6
_BUCKETS_PER_DECADE = 48  # neighbours lie 4.9 % apart: finer than any percentile read off a shared machine
_MERGED = 4  # buckets in one range of ``spread``


def _bucket_edges_us() -> tuple[float, ...]:
    decades = math.log10(_HIGHEST_US / _LOWEST_US)
    count = math.ceil(decades * _BUCKETS_PER_DECADE)
    return tuple(_LOWEST_US * 10 ** (i / _BUCKETS_PER_DECADE) for i in range(count + 1))


_EDGES_US = _bucket_edges_us()


class Histogram:
    """Counts durations from 1 us to 60 s; percentiles are a bucket's upper edge, never above the largest seen."""

    __slots__ = ("_buckets", "count", "max_us", "sum_us")

    def __init__(self) -> None:
        self._buckets = [0] * (len(_EDGES_US) + 1)
        self.count = 0
        self.max_us = 0.0
        self.sum_us = 0.0

    def add(self, duration_us: float) -> None:
        """Count one duration; negative ones (a clock stepped) count as zero."""
        duration_us = max(duration_us, 0.0)
        self._buckets[bisect_left(_EDGES_US, duration_us)] += 1
        self.count += 1
        self.sum_us += duration_us
        if duration_us > self.max_us:
            self.max_us = duration_us

    def percentile_us(self, percent: float) -> float:
        """The duration that ``percent`` of the samples do not exceed; NaN while empty."""
        if not 0.0 < percent <= 100.0:
            raise ValueError(f"percent must lie in (0, 100], got {percent}")
        if self.count == 0:
            return math.nan
        rank = math.ceil(self.count * percent / 100.0)
        seen = 0
        for index, amount in enumerate(self._buckets):
            seen += amount
            if seen >= rank:
                return min(_EDGES_US[min(index, len(_EDGES_US) - 1)], self.max_us)
        return self.max_us

    def spread(self) -> str:
        """The distribution in words, for a diagnostic value: ``UPPER:COUNT`` in us for each range that holds any;
        a decade has twelve ranges."""
        words = []
        for first in range(0, len(self._buckets), _MERGED):
            count = sum(self._buckets[first : first + _MERGED])
            if count:
                edge_us = _EDGES_US[min(first + _MERGED - 1, len(_EDGES_US) - 1)]
                words.append(f"{edge_us:.3g}:{count}")
        return " ".join(words)

    def summary_ms(self) -> dict[str, float]:
        """``p50 p95 p99 max`` in ms and ``count``; zeros while empty, so that the count tells."""
        if self.count == 0:
            return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0, "count": 0}
        percentiles = {f"p{p}": round(self.percentile_us(p) / 1e3, 3) for p in (50, 95, 99)}
        return {**percentiles, "max": round(self.max_us / 1e3, 3), "count": self.count}


def exact_summary(samples: Mapping[int, float] | list[float]) -> dict[str, float]:
    """The same keys from raw samples (any unit), for reports that kept every one: nearest-rank percentiles."""
    values = sorted(samples.values() if isinstance(samples, Mapping) else samples)
    if not values:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0, "count": 0}
    ranked = {f"p{p}": values[math.ceil(len(values) * p / 100) - 1] for p in (50, 95, 99)}
    return {**{k: round(v, 3) for k, v in ranked.items()}, "max": round(values[-1], 3), "count": len(values)}
