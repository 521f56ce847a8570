"""Distributions of both computers as bars and percentiles, made of what they say of themselves. Pure.

A status carries a histogram as words: ``UPPER:COUNT`` in us, a blank between, empty ranges left out. The lower end of
a bar is the upper end of the one before it on the scale of the histogram, which the page draws by logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from takt.monitoring.samples import HOST_STAGES, Heard

_PERCENTILES = ("p50", "p95", "p99", "max")
_BOARD = (  # status, quantity, the stage whose budget holds for it, and which status and key count the times
    ("timing", "release_jitter", "apply", ("loop", "cycles")),
    ("timing", "execution", "apply", ("loop", "cycles")),
    ("commands", "photon_to_motor", "photon_to_motor", ("commands", "photon_to_motor_count")),
)
_BUCKETS = "buckets"


def spreads(statuses: Mapping[str, Heard], budgets_ms: Mapping[str, float]) -> list[dict[str, Any]]:
    """Rows in the order of the road: the host's stages, then the board's cycle and the whole. All times in us;
    ``times`` is how many there were, ``bars`` is empty where only percentiles are told."""
    return [*_host(statuses, budgets_ms), *_board(statuses, budgets_ms)]


def parse(text: str) -> list[tuple[float, int]]:
    """(upper end in us, count) rows; whatever is not in the form is left out."""
    rows = []
    for word in text.split():
        upper, _, count = word.partition(":")
        try:
            row = float(upper), int(count)
        except ValueError:
            continue
        if math.isfinite(row[0]) and row[1] > 0:
            rows.append(row)
    return rows


def _host(statuses: Mapping[str, Heard], budgets_ms: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    for stage in HOST_STAGES:
        for name, heard in statuses.items():
            if name.endswith(f": {stage}") and not name.startswith("base:") and "p99" in heard.values:
                percentiles = {p: _scaled(heard.values.get(p), 1e3) for p in _PERCENTILES}
                buckets, times = heard.values.get(_BUCKETS, ""), _scaled(heard.values.get("count"), 1.0)
                yield _row("host", stage, buckets, percentiles, budgets_ms[stage], times)


def _board(statuses: Mapping[str, Heard], budgets_ms: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """The board sends percentiles and no ranges: no bars are made up for it."""
    for part, key, stage, (counting, count) in _BOARD:
        heard, counted = statuses.get(f"base: {part}"), statuses.get(f"base: {counting}")
        if heard is not None and f"{key}_p50_us" in heard.values:
            percentiles = {p: _scaled(heard.values.get(f"{key}_{p}_us"), 1.0) for p in _PERCENTILES}
            times = _scaled(counted.values.get(count), 1.0) if counted is not None else None
            yield _row("board", key, "", percentiles, budgets_ms[stage], times)


def _row(
    computer: str,
    name: str,
    buckets: str,
    percentiles: Mapping[str, float | None],
    budget_ms: float,
    times: float | None,
) -> dict[str, Any]:
    return {
        "computer": computer,
        "name": name,
        "bars": parse(buckets),
        "percentiles": percentiles,
        "budget": 1e3 * budget_ms,
        "times": times,
    }


def _scaled(text: str | None, factor: float) -> float | None:
    try:
        number = float(text or "") * factor
    except ValueError:
        return None
    return number if math.isfinite(number) else None
