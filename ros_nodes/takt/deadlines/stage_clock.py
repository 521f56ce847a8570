"""What one stage of the road took, against its budget."""

from __future__ import annotations

from collections.abc import Mapping

from takt.deadlines.histogram import Histogram

NOTHING: Mapping[str, float] = {}


class StageClock:
    """Durations, misses and skips of one stage. Nothing is allocated while it counts.

    A miss is a pass that took longer than ``budget_ms``; a skip is work that was not begun, counted by reason.
    ``depth`` is how much work waited when the newest pass began, ``depth_max`` the most that ever did.
    """

    __slots__ = ("budget_ms", "depth", "depth_max", "histogram", "misses", "name", "skipped")

    def __init__(self, name: str, budget_ms: float) -> None:
        self.name = name
        self.budget_ms = budget_ms
        self.histogram = Histogram()
        self.misses = 0
        self.skipped: dict[str, int] = {}
        self.depth = self.depth_max = 0

    def begin(self) -> None:
        """The stage's thread is about to work, or to wait for work; see takt.realtime.stage for who needs it."""

    def rested(self, rest_ns: int) -> None:
        """The stage's thread had nothing to do for so long, and slept as planned."""

    def wake_late(self, due_ns: int, woke_ns: int, facts: Mapping[str, float] = NOTHING) -> None:
        """The stage's timer woke it at ``woke_ns`` instead of ``due_ns``, of the steady clock."""

    def queued(self, depth: int) -> None:
        """So much work waits."""
        self.depth = depth
        if depth > self.depth_max:
            self.depth_max = depth

    def record(self, enter_ns: int, exit_ns: int, facts: Mapping[str, float] = NOTHING) -> None:
        """Count one pass through the stage; both stamps in ns of the same clock.

        ``facts``: what the stage itself measured, as evidence should the pass be late (takt.deadlines.blame)."""
        duration_us = (exit_ns - enter_ns) / 1e3
        self.histogram.add(duration_us)
        if duration_us > self.budget_ms * 1e3:
            self.misses += 1
            self.missed(enter_ns, exit_ns, facts)

    def skip(self, reason: str) -> None:
        """Count work that was given up before it began."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def missed(self, enter_ns: int, exit_ns: int, facts: Mapping[str, float] = NOTHING) -> None:
        """A deadline passed between these stamps; also called for work that never came to a pass of its own."""

    def given_up(self, enter_ns: int, now_ns: int, facts: Mapping[str, float] = NOTHING) -> None:
        """As ``missed``, told by another thread: the stage's own is still in the pass that is too late already."""

    def summary(self) -> dict[str, float]:
        """``p50 p95 p99 max`` (ms), ``count``, ``misses``, ``budget``, ``queue_depth`` and its maximum, and
        ``skipped_REASON`` for each reason."""
        skips = {f"skipped_{reason}": float(number) for reason, number in self.skipped.items()}
        queue = {"queue_depth": self.depth, "queue_depth_max": self.depth_max}
        return {
            **self.histogram.summary_ms(),
            "misses": self.misses,
            "budget": self.budget_ms,
            **queue,
            **skips,
        }
