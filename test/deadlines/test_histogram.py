"""Histogram: percentiles against exact ones, edges, and what an empty one says."""

import math
import random

import pytest

from takt.deadlines import Histogram
from takt.deadlines.histogram import exact_summary


def test_percentiles_are_within_one_bucket_of_the_exact_ones():
    rng = random.Random(1)
    samples = [rng.lognormvariate(6.0, 1.5) for _ in range(20_000)]
    histogram = Histogram()
    for sample in samples:
        histogram.add(sample)
    ranked = sorted(samples)
    for percent in (1, 50, 95, 99, 99.9, 100):
        exact = ranked[math.ceil(len(ranked) * percent / 100) - 1]
        assert exact * 0.9999 <= histogram.percentile_us(percent) <= exact * 1.06


def test_a_percentile_never_exceeds_the_largest_sample():
    histogram = Histogram()
    histogram.add(1000.3)
    assert histogram.percentile_us(50) == histogram.percentile_us(100) == 1000.3


def test_samples_outside_the_range_are_counted_not_lost():
    histogram = Histogram()
    for sample in (-5.0, 0.0, 0.2, 1e9):
        histogram.add(sample)
    assert histogram.count == 4
    assert histogram.max_us == 1e9
    assert histogram.percentile_us(50) <= 1.0


def test_an_empty_histogram_says_so():
    assert math.isnan(Histogram().percentile_us(50))
    assert Histogram().summary_ms()["count"] == 0


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_a_percentile_out_of_range_is_refused(percent):
    with pytest.raises(ValueError, match="percent"):
        Histogram().percentile_us(percent)


def test_exact_summary_uses_the_nearest_rank():
    summary = exact_summary([float(n) for n in range(1, 101)])
    assert summary == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0, "count": 100}
    assert exact_summary([])["count"] == 0
