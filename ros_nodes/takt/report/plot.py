"""Plots as inline SVG, by a few lines of our own: the page must open without a network and stay small.

Every function takes plain numbers and returns the text of one ``<svg>`` element. Colours are classes of the page's
style.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 860, 64, 14, 12, 26
_MOST_POINTS = 900  # of a curve: about one a pixel
Point = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A line across a plot at a value, such as a budget."""

    value: float
    label: str
    kind: str = "limit"


@dataclass(frozen=True)
class Scale:
    """Maps low..high onto pixels from..to."""

    low: float
    high: float
    start_px: float
    end_px: float

    def __call__(self, value: float) -> float:
        span = (self.high - self.low) or 1.0
        return round(self.start_px + (value - self.low) / span * (self.end_px - self.start_px), 2)

    def ticks(self, count: int = 5) -> list[float]:
        """Round numbers within the range: steps of 1, 2 or 5 times a power of ten."""
        span = (self.high - self.low) or 1.0
        raw = span / count
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def histogram(values: Sequence[float], unit: str, marks: Sequence[Mark] = (), bins: int = 80) -> str:
    """How often each value came; the counts' axis is logarithmic, so that one outlier in ten thousand is seen."""
    if not values:
        return _empty("no samples")
    height = 190
    high = max(max(values), *(mark.value for mark in marks), 1e-9) * 1.02
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, max(0, int(value / high * bins)))] += 1
    x = Scale(0.0, high, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, math.log10(max(counts) + 1), height - BOTTOM, TOP)
    bars = [
        f'<rect class="bar" x="{x(place * high / bins)}" y="{y(math.log10(count + 1))}" '
        f'width="{max(1.0, x(high / bins) - x(0) - 0.6):.2f}" '
        f'height="{y(0) - y(math.log10(count + 1)):.2f}"><title>{count} from '
        f"{place * high / bins:.2f} to {(place + 1) * high / bins:.2f} {escape(unit)}</title></rect>"
        for place, count in enumerate(counts)
        if count
    ]
    decades = [10**power for power in range(len(str(max(counts))))]
    axis = [_y_tick(y(math.log10(number + 1)), str(number)) for number in decades]
    axis.append(f'<text class="unit" x="4" y="{TOP + 8}">count, log</text>')
    return _svg(height, [*axis, *_x_axis(x, height, unit), *bars, *_uprights(marks, x, height)])


def curves(
    lines: Sequence[tuple[str, Sequence[Point]]], unit: str, marks: Sequence[Mark] = (), dots: bool = False
) -> str:
    """Values over seconds. A long line is thinned to the least and the greatest of each stretch: no peak is lost."""
    points = [point for _, line in lines for point in line]
    if not points:
        return _empty("not told in this run")
    height = 170
    top = max(max(y for _, y in points), *(mark.value for mark in marks), 1e-9)
    low = min(0.0, *(y for _, y in points))
    x = Scale(min(t for t, _ in points), max(t for t, _ in points), LEFT, WIDTH - RIGHT)
    y = Scale(low, top * 1.05, height - BOTTOM, TOP)
    body = [_y_tick(y(value), f"{value:g}") for value in y.ticks(4)]
    body += _x_axis(x, height, "s")
    body.append(f'<text class="unit" x="4" y="{TOP + 8}">{escape(unit)}</text>')
    for mark in marks:
        body.append(
            f'<line class="{mark.kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mark.value)}" y2="{y(mark.value)}"/>'
        )
        body.append(
            f'<text class="mark" x="{WIDTH - RIGHT}" y="{y(mark.value) - 3}">{escape(mark.label)}</text>'
        )
    for number, (name, line) in enumerate(lines):
        kept = thinned(line)
        if dots:
            body += [f'<circle class="dot c{number % 4}" cx="{x(t)}" cy="{y(v)}" r="1.5"/>' for t, v in kept]
        else:
            path = " ".join(f"{x(t)},{y(v)}" for t, v in kept)
            body.append(
                f'<polyline class="curve c{number % 4}" points="{path}"><title>{escape(name)}</title></polyline>'
            )
        if len(lines) > 1:
            body.append(
                f'<text class="legend c{number % 4}" x="{LEFT + 8 + 130 * number}" y="{TOP + 8}">{escape(name)}</text>'
            )
    return _svg(height, body)


def lanes(
    rows: Sequence[tuple[str, Sequence[tuple[float, float, str, str]]]], span_s: Point, unit: str = "s"
) -> str:
    """Bars on named rows over time: (from, to, class, text); one without length is a tick."""
    height = TOP + 26 * len(rows) + BOTTOM
    x = Scale(*span_s, LEFT + 40, WIDTH - RIGHT)
    body = _x_axis(x, height, unit)
    for number, (name, bars) in enumerate(rows):
        top = TOP + 26 * number
        body.append(f'<text class="row" x="{LEFT + 34}" y="{top + 15}">{escape(name)}</text>')
        for begin, end, kind, text in bars:
            width = max(1.6, x(end) - x(begin))
            body.append(
                f'<rect class="{escape(kind)}" x="{x(begin)}" y="{top + 2}" width="{width:.2f}" height="18">'
                f"<title>{escape(text)}</title></rect>"
            )
            if width > 8 * len(text.split(":")[0]):
                body.append(
                    f'<text class="inbar" x="{x(begin) + 4}" y="{top + 15}">{escape(text.split(":")[0])}</text>'
                )
    return _svg(height, body)


def thinned(line: Sequence[Point], most: int = _MOST_POINTS) -> list[Point]:
    """At most about ``most`` points, the least and the greatest of each stretch among them, in order of time."""
    if len(line) <= most:
        return list(line)
    size = math.ceil(2 * len(line) / most)
    kept: list[Point] = []
    for first in range(0, len(line), size):
        stretch = line[first : first + size]
        ends = {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
        kept += sorted(ends)
    return kept


def _x_axis(x: Scale, height: float, unit: str) -> list[str]:
    base = height - BOTTOM
    ticks = [
        f'<line class="grid" x1="{x(value)}" x2="{x(value)}" y1="{TOP}" y2="{base}"/>'
        f'<text class="tick" x="{x(value)}" y="{base + 14}">{value:g}</text>'
        for value in x.ticks(8)
    ]
    return [*ticks, f'<text class="mark" x="{WIDTH - RIGHT}" y="{height - 2}">{escape(unit)}</text>']


def _y_tick(y_px: float, text: str) -> str:
    line = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_px}" y2="{y_px}"/>'
    return f'{line}<text class="ytick" x="{LEFT - 6}" y="{y_px + 4}">{escape(text)}</text>'


def _uprights(marks: Sequence[Mark], x: Scale, height: float) -> list[str]:
    """Vertical lines; labels step down so that close ones can be read."""
    return [
        f'<line class="{mark.kind}" x1="{x(mark.value)}" x2="{x(mark.value)}" y1="{TOP}" y2="{height - BOTTOM}"/>'
        f'<text class="mark" x="{x(mark.value) - 3}" y="{TOP + 10 + 13 * (number % 5)}">{escape(mark.label)}</text>'
        for number, mark in enumerate(marks)
    ]


def _svg(height: float, body: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img">{"".join(body)}</svg>'


def _empty(text: str) -> str:
    return f'<p class="none">{escape(text)}</p>'
