"""A circuit breaker for the model: after a few failures in a row it is left alone, then tried with single frames.

    closed ──failures in a row──► open ──after a pause──► half open ──one success──► closed
                                   ▲                          │
                                   └───────one failure────────┘

A model that fails is worse than none: it costs the time of every frame and gives nothing. Pure: time is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """The numbers stand in the ring's header (frames/layout.py)."""

    CLOSED = 0
    OPEN = 1
    HALF_OPEN = 2


@dataclass(frozen=True)
class BreakerLimits:
    """Two failures open it, so that the third frame already finds the robot holding; a probe every half second, so that
    a model that is well again is back within two."""

    failures: int = 2
    pause_ms: float = 500.0


class Breaker:
    """``allows`` before each frame, then ``succeeded`` or ``failed``. ``told`` gets one line for each change."""

    def __init__(self, limits: BreakerLimits, tell: Callable[[str], object] = lambda line: None) -> None:
        self._limits, self._tell = limits, tell
        self.state = State.CLOSED
        self.opened = 0
        self.failures: dict[str, int] = {}
        self._in_a_row = 0
        self._probe_at_ns = 0

    def allows(self, now_ns: int) -> bool:
        """True if the model may see the next frame; opens half when the pause is over."""
        if self.state is State.OPEN and now_ns >= self._probe_at_ns:
            self._enter(State.HALF_OPEN, "trying one frame")
        return self.state is not State.OPEN

    def succeeded(self) -> None:
        """The model answered in time and with numbers."""
        self._in_a_row = 0
        if self.state is not State.CLOSED:
            self._enter(State.CLOSED, "the model answers again")

    def failed(self, reason: str, now_ns: int) -> None:
        """It did not; ``reason`` is counted."""
        self.failures[reason] = self.failures.get(reason, 0) + 1
        self._in_a_row += 1
        if self.state is State.HALF_OPEN or self._in_a_row >= self._limits.failures:
            self._probe_at_ns = now_ns + round(self._limits.pause_ms * 1e6)
            if self.state is not State.OPEN:
                self.opened += 1
                self._enter(State.OPEN, reason)

    def _enter(self, state: State, why: str) -> None:
        self.state = state
        self._tell(f"detector breaker {state.name.lower().replace('_', ' ')}: {why}")
