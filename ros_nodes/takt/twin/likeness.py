"""Do two samples come from the same distribution, as far as anybody can tell and as nearly as anybody needs?

The test: of the two empirical distribution functions F and G, F(x) <= G(x + shift) + noise for every x, and the same
the other way. ``shift`` is the stated tolerance in the quantity's own unit; ``noise`` is what sampling alone explains:
the two-sample Kolmogorov-Smirnov bound at one percent for the effective sizes. A time series has fewer independent
samples than samples: its length over its integrated autocorrelation time (Geyer's initial positive sequence, 1992).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

_ALPHA = 0.01
_LEAST = 4.0  # independent samples below which nothing can be said


@dataclass(frozen=True)
class Likeness:
    """``excess``: by how much the distribution functions differ beyond ``shift``; it may be ``noise`` at most."""

    quantity: str
    shift: float
    samples: tuple[int, int]
    effective: tuple[float, float]
    quantiles: tuple[tuple[float, float, float], tuple[float, float, float]]  # p50, p95, p99 of each
    distance: float  # Kolmogorov-Smirnov, without the shift
    excess: float
    noise: float

    @property
    def agrees(self) -> bool:
        return min(self.effective) >= _LEAST and self.excess <= self.noise


def compare(quantity: str, one: Sequence[Series], other: Sequence[Series], shift: float) -> Likeness:
    """Each side is a list of time series, one for each run."""
    a, b = _joined(one), _joined(other)
    effective = sum(map(effective_size, one)), sum(map(effective_size, other))
    return Likeness(
        quantity,
        shift,
        (len(a), len(b)),
        (round(effective[0], 1), round(effective[1], 1)),
        (_quantiles(a), _quantiles(b)),
        round(excess(a, b, 0.0), 4),
        round(excess(a, b, shift), 4),
        round(noise(*effective), 4),
    )


def effective_size(series: Series) -> float:
    """How many independent samples tell as much of the mean as this series does."""
    n = len(series)
    centred = series - series.mean() if n else series
    power = float(centred @ centred)
    if n < 4 or power == 0.0:
        return float(min(n, 1))
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    correlation = np.fft.irfft(spectrum, size)[:n] / power
    pairs = correlation[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0.0)
    kept = pairs[: negative[0]] if len(negative) else pairs
    return n / max(2.0 * float(kept.sum()) - 1.0, 1.0)


def excess(a: Series, b: Series, shift: float) -> float:
    """Largest amount by which one distribution function exceeds the other one ``shift`` further on."""
    if len(a) == 0 or len(b) == 0:
        return 1.0
    return max(_above(a, b, shift), _above(b, a, shift), 0.0)


def _above(a: Series, b: Series, shift: float) -> float:
    """sup F_a(x) - F_b(x + shift); it is reached at a value of ``a``."""
    a, b = np.sort(a), np.sort(b)
    own = np.searchsorted(a, a, side="right") / len(a)
    other = np.searchsorted(b, a + shift, side="right") / len(b)
    return float(np.max(own - other))


def noise(n: float, m: float) -> float:
    """The Kolmogorov-Smirnov bound for two samples of these sizes."""
    if min(n, m) < 1.0:
        return 1.0
    return math.sqrt(-math.log(_ALPHA / 2.0) / 2.0 * (n + m) / (n * m))


def _joined(runs: Sequence[Series]) -> Series:
    return np.concatenate([np.asarray(run, np.float64) for run in runs]) if runs else np.zeros(0)


def _quantiles(values: Series) -> tuple[float, float, float]:
    if len(values) == 0:
        return (math.nan,) * 3
    p50, p95, p99 = (round(float(value), 4) for value in np.percentile(values, (50, 95, 99)))
    return p50, p95, p99
