"""The histogram's percentiles against exact ones."""

from __future__ import annotations

import ctypes
import random

import pytest
from core_headers import Core


def fill(core: Core, samples_ns: list[int]) -> object:
    histogram = core.new("histogram")
    core.takt_histogram_reset(ctypes.byref(histogram))
    for sample in samples_ns:
        core.takt_histogram_add(ctypes.byref(histogram), sample)
    return histogram


@pytest.mark.parametrize("scale_ns", [5_000, 300_000, 80_000_000])
def test_percentiles_are_within_a_bin_of_the_exact_ones(core: Core, scale_ns: int) -> None:
    rng = random.Random(scale_ns)
    samples = sorted(int(rng.expovariate(1 / scale_ns)) for _ in range(5000))
    histogram = fill(core, samples)
    for quantile in (0.5, 0.95, 0.99):
        exact_us = samples[int(quantile * len(samples)) - 1] / 1e3
        found_us = core.takt_histogram_quantile_us(ctypes.byref(histogram), quantile)
        assert found_us == pytest.approx(exact_us, rel=0.07, abs=0.3)
    assert core.takt_histogram_max_us(ctypes.byref(histogram)) == pytest.approx(samples[-1] / 1e3, abs=0.3)
    assert core.takt_histogram_count(ctypes.byref(histogram)) == 5000


def test_edges(core: Core) -> None:
    empty = fill(core, [])
    assert core.takt_histogram_quantile_us(ctypes.byref(empty), 0.99) == 0.0
    one = fill(core, [1_000_000])
    assert core.takt_histogram_quantile_us(ctypes.byref(one), 0.5) <= 1000.0
    huge = fill(core, [2**64 - 1, 10**12])
    assert core.takt_histogram_quantile_us(ctypes.byref(huge), 0.5) > 4e6
    assert core.takt_histogram_max_us(ctypes.byref(huge)) > 1e9


def test_no_percentile_lies_above_the_largest_sample(core: Core) -> None:
    histogram = fill(core, [17_000] * 1000)
    assert core.takt_histogram_quantile_us(ctypes.byref(histogram), 1.0) <= 17.0
