"""What one stage of the road took, against its budget."""

from __future__ import annotations

from takt.deadlines.histogram import Histogram


class StageClock:
    """Durations, misses and skips of one stage.

    A miss is a pass that took longer than ``budget_ms``; a skip is work that was not begun, counted by reason.
    """

    __slots__ = ("budget_ms", "histogram", "misses", "name", "skipped")

    def __init__(self, name: str, budget_ms: float) -> None:
        self.name = name
        self.budget_ms = budget_ms
        self.histogram = Histogram()
        self.misses = 0
        self.skipped: dict[str, int] = {}

    def record(self, enter_ns: int, exit_ns: int) -> None:
        """Count one pass through the stage; both stamps in ns of the same clock."""
        duration_us = (exit_ns - enter_ns) / 1e3
        self.histogram.add(duration_us)
        if duration_us > self.budget_ms * 1e3:
            self.misses += 1

    def skip(self, reason: str) -> None:
        """Count work that was given up before it began."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def summary(self) -> dict[str, float]:
        """``p50 p95 p99 max`` (ms), ``count``, ``misses``, ``budget``, and ``skipped_REASON`` for each reason."""
        skips = {f"skipped_{reason}": float(number) for reason, number in self.skipped.items()}
        return {**self.histogram.summary_ms(), "misses": self.misses, "budget": self.budget_ms, **skips}
