"""Counters of one line, with a reason for everything that was thrown away."""

from __future__ import annotations

from dataclasses import dataclass, field

from takt.link.timing import RoundTrips


@dataclass
class LinkStats:
    """Cumulative since the agent started. ``rx`` and ``tx`` count messages; the bytes are those of the line."""

    rx: int = 0
    tx: int = 0
    bytes_rx: int = 0
    bytes_tx: int = 0
    retransmits: int = 0
    sessions_opened: int = 0
    sessions_closed: int = 0
    samples_to_ros: int = 0
    samples_to_client: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    round_trips: RoundTrips = field(default_factory=RoundTrips)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count something given up; ``reason`` is one word or a few joined by _."""
        if count:
            self.drops[reason] = self.drops.get(reason, 0) + count
