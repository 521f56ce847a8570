"""What the proof of the frozen model calls kept, on made-up records."""

from __future__ import annotations

import pytest

from takt.demo.freeze import judged

S, FRAME_NS = 1_000_000_000, 33_333_333
FROM_NS, TO_NS = 20 * S, 30 * S


def captures(took_frozen_ms: float = 4.0, drop_every: int = 0) -> list[tuple[int, float]]:
    kept = []
    for number in range(35 * 30):
        stamp_ns = number * FRAME_NS
        frozen = FROM_NS <= stamp_ns < TO_NS
        if not (frozen and drop_every and number % drop_every == 0):
            kept.append((stamp_ns, took_frozen_ms if frozen else 3.0))
    return kept


FRESH = [(19 * S, 19 * S + 5_000_000), (TO_NS + 1_000_000, TO_NS + 9_000_000)]


def test_a_media_path_that_noticed_nothing_is_fine() -> None:
    told = judged(captures(), FRESH, (FROM_NS, TO_NS), 240.0)
    assert told["ok"] and told["first_result_age_ms"] == 8.0 and told["frames_frozen"] >= 299


@pytest.mark.parametrize(
    ("frames", "results", "hold_ms"),
    [
        (captures(drop_every=50), FRESH, 240.0),
        (captures(took_frozen_ms=9.0), FRESH, 240.0),
        (captures(), FRESH[:1], 240.0),
        (captures(), [(TO_NS - 9 * S, TO_NS + 1)], 240.0),
        (captures(), FRESH, 900.0),
        (captures(), FRESH, None),
    ],
)
def test_each_limit_counts(
    frames: list[tuple[int, float]], results: list[tuple[int, int]], hold_ms: float | None
) -> None:
    assert not judged(frames, results, (FROM_NS, TO_NS), hold_ms)["ok"]
