"""The test of likeness: what it must not tell apart, and what it must."""

from __future__ import annotations

import numpy as np
import pytest

from takt.errors import TaktError
from takt.twin.episode import Episode, FaultPlan
from takt.twin.likeness import compare, effective_size, excess, noise
from takt.twin.likeness_bench import judged, main
from takt.twin.run_samples import RunSamples, of_twin


def wandering(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    """A first-order autoregressive series; its integrated autocorrelation time is (1 + memory) / (1 - memory)."""
    values, state = np.empty(count), 0.0
    for place in range(count):
        state = memory * state + rng.normal()
        values[place] = state
    return values


def test_effective_size_is_that_of_theory():
    rng = np.random.default_rng(1)
    for memory, expected in ((0.0, 1.0), (0.5, 1 / 3), (0.9, 1 / 19)):
        sizes = [effective_size(wandering(rng, 4000, memory)) / 4000 for _ in range(20)]
        assert np.mean(sizes) == pytest.approx(expected, rel=0.25)
    assert effective_size(np.ones(100)) == 1.0
    assert effective_size(np.zeros(0)) == 0.0


def test_excess_is_kolmogorovs_distance_and_forgives_a_shift():
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0])
    assert excess(a, b, 0.0) == 0.5
    assert excess(a, b, 1.0) == 0.25
    assert excess(a, b, 2.0) == 0.0
    assert noise(100, 100) == pytest.approx(1.6276 * np.sqrt(2 / 100), rel=1e-3)


def test_equal_sources_are_rarely_told_apart_and_others_are():
    rng = np.random.default_rng(7)
    alike = [
        compare("x", [wandering(rng, 600, 0.8)], [wandering(rng, 600, 0.8)], 0.0).agrees for _ in range(100)
    ]
    assert sum(alike) >= 95
    far = [
        compare("x", [wandering(rng, 600, 0.8)], [wandering(rng, 600, 0.8) + 3.0], 0.5).agrees
        for _ in range(50)
    ]
    assert sum(far) == 0


def sample(error_m: float, down_ms: float | None) -> RunSamples:
    rng = np.random.default_rng(3)
    return RunSamples("s", 1, rng.normal(error_m, 0.02, 300), rng.normal(18.0, 2.0, 700), down_ms, None)


def test_a_report_tells_what_differs():
    report = judged([(sample(0.0, 200.0), sample(0.02, 230.0))])
    assert report["agree"] == report["compared"] == 4
    report = judged([(sample(0.0, 200.0), sample(0.2, None))])
    wrong = [
        one["quantity"]
        for row in report["scenarios"]
        for one in (*row["distributions"], *row["times"])
        if not one["agrees"]
    ]
    assert wrong == ["distance error m", "down ms"]


def test_a_twins_run_is_sampled(library, shipped_contract):
    episode = Episode("cut", seed=4, seconds=20.0, faults=(FaultPlan("line_cut", 8.0, 1.0),))
    found = of_twin(library, shipped_contract, episode)
    assert len(found.error_m) == 150
    assert 300 < len(found.age_ms) < 620
    assert 5.0 < np.median(found.age_ms) < 40.0
    assert found.down_ms is not None and 70.0 < found.down_ms < 220.0
    assert found.recovery_s is not None and 1.0 < found.recovery_s < 4.0


def test_without_runs_it_says_so(library, tmp_path):
    with pytest.raises(TaktError, match="holds no finished run"):
        main(["--runs", str(tmp_path), "--library", str(library)])
    with pytest.raises(TaktError, match="there is no scenario"):
        main(["--only", "nothing", "--library", str(library)])
