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
_BOARD = (("timing", "release_jitter"), ("timing", "execution"), ("response", "response"))
_BUCKETS = "buckets"


def spreads(statuses: Mapping[str, Heard], budgets_ms: Mapping[str, float]) -> list[dict[str, Any]]:
    """Rows in the order of the road: the host's stages, then the board's cycle. All times in us."""
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
                yield _row("host", stage, heard.values.get(_BUCKETS, ""), percentiles, budgets_ms[stage])


def _board(statuses: Mapping[str, Heard], budgets_ms: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    for part, key in _BOARD:
        heard = statuses.get(f"base: {part}")
        if heard is not None and f"{key}_p50_us" in heard.values:
            percentiles = {p: _scaled(heard.values.get(f"{key}_{p}_us"), 1.0) for p in _PERCENTILES}
            buckets = heard.values.get(f"{key}_{_BUCKETS}", "")
            yield _row("board", key, buckets, percentiles, budgets_ms["apply"])


def _row(
    computer: str, name: str, buckets: str, percentiles: Mapping[str, float | None], budget_ms: float
) -> dict[str, Any]:
    return {
        "computer": computer,
        "name": name,
        "bars": parse(buckets),
        "percentiles": percentiles,
        "budget": 1e3 * budget_ms,
    }


def _scaled(text: str | None, factor: float) -> float | None:
    try:
        number = float(text or "") * factor
    except ValueError:
        return None
    return number if math.isfinite(number) else None
