"""What the host knows of the board, from the board's own diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from takt.deadlines import Rung


@dataclass
class BoardView:
    """The newest word of the board. ``statuses`` keeps each diagnostic status as key-value text."""

    statuses: dict[str, dict[str, str]] = field(default_factory=dict)
    heard_ns: int | None = None

    def hear(self, now_ns: int) -> None:
        """Any message of the board arrived."""
        self.heard_ns = now_ns

    def learn(self, name: str, values: Mapping[str, str]) -> None:
        """Keep one diagnostic status of the board, such as ``base: safety``."""
        self.statuses[name] = dict(values)

    def forget(self) -> None:
        """The board was restarted or lost: what it said no longer holds."""
        self.statuses.clear()

    def age_ms(self, now_ns: int) -> float:
        """Milliseconds since the board was last heard; infinity before the first word."""
        return float("inf") if self.heard_ns is None else (now_ns - self.heard_ns) / 1e6

    @property
    def armed(self) -> bool:
        return self._value("safety", "armed") in ("true", "1")

    @property
    def rung(self) -> Rung:
        """SAFE until the board says otherwise."""
        name = self._value("safety", "rung")
        return Rung[name] if name in Rung.__members__ else Rung.SAFE

    @property
    def fault(self) -> str:
        fault = self._value("safety", "fault")
        return "" if fault in ("", "none") else fault

    @property
    def clock_locked(self) -> bool:
        return self._value("clock", "locked") in ("true", "1")

    def _value(self, part: str, key: str) -> str:
        return self.statuses.get(f"base: {part}", {}).get(key, "")
