"""Plots: well-formed, every value within the frame, no peak lost by thinning."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from takt.report import plot
from takt.report.plot import Mark, Scale


def numbers(svg: str, attribute: str) -> list[float]:
    return [float(value) for value in re.findall(rf' {attribute}="([-0-9.e]+)"', svg)]


@pytest.mark.parametrize("values", [[0.0], [5.0] * 1000, [0.1, 0.2, 9000.0], list(range(500))])
def test_every_sample_of_a_histogram_is_in_a_bar(values):
    svg = plot.histogram([float(value) for value in values], "ms", [Mark(3.0, "budget <3>")])
    root = ElementTree.fromstring(svg)
    titles = [one.text for one in root.iter("title")]
    assert sum(int(title.split()[0]) for title in titles) == len(values)
    assert "budget &lt;3&gt;" in svg
    assert all(0 <= x <= plot.WIDTH for x in numbers(svg, "x"))


def test_without_samples_a_plot_says_so():
    assert "no samples" in plot.histogram([], "ms")
    assert "not told" in plot.curves([("a", [])], "ms")


def test_a_long_curve_keeps_its_peaks():
    line = [(n / 100.0, 1.0) for n in range(100_000)]
    line[54_321] = (543.21, 99.0)
    line[777] = (7.77, -3.0)
    kept = plot.thinned(line)
    assert len(kept) <= 1000 and (543.21, 99.0) in kept and (7.77, -3.0) in kept
    assert kept == sorted(kept)


def test_curves_and_lanes_are_well_formed():
    ElementTree.fromstring(plot.curves([("a & b", [(0.0, 1.0), (1.0, -2.0)]), ("c", [(0.5, 3.0)])], "ms"))
    ElementTree.fromstring(plot.lanes([("host", [(0.0, 3.0, "safe", 'SAFE: "<link>"')])], (0.0, 3.0)))


@pytest.mark.parametrize("low, high", [(0.0, 1.0), (0.0, 0.003), (-7.0, 12_000.0), (5.0, 5.0)])
def test_ticks_are_round_and_few(low, high):
    ticks = Scale(low, high, 0.0, 100.0).ticks()
    assert len(ticks) <= 11 and all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
