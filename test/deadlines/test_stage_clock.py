"""StageClock: durations against a budget, skips by reason."""

from takt.deadlines import StageClock


def test_a_pass_over_budget_is_a_miss_and_one_at_the_budget_is_not():
    clock = StageClock("detect", budget_ms=33)
    clock.record(1_000, 1_000 + 33_000_000)
    clock.record(1_000, 1_001 + 33_000_000)
    summary = clock.summary()
    assert (summary["count"], summary["misses"]) == (2, 1)
    assert summary["max"] == 33.0


def test_skips_are_counted_by_reason():
    clock = StageClock("detect", budget_ms=33)
    for reason in ("stale", "stale", "breaker"):
        clock.skip(reason)
    summary = clock.summary()
    assert (summary["skipped_stale"], summary["skipped_breaker"], summary["count"]) == (2, 1, 0)
