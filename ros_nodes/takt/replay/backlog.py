"""Ticks wait here for whoever records them: a recorder starts last, and a replay needs the run's beginning."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Tick = TypeVar("Tick")


class Backlog(Generic[Tick]):
    """Keeps at most ``limit`` ticks; then the oldest goes. ``due`` hands out few at a time: no turn is long."""

    def __init__(self, limit: int, at_once: int = 4) -> None:
        self._waiting: deque[Tick] = deque(maxlen=limit)
        self._at_once = at_once

    def add(self, tick: Tick) -> None:
        self._waiting.append(tick)

    def due(self, heard: bool) -> list[Tick]:
        """What to send in this turn, oldest first; nothing while nobody would hear it."""
        if not heard:
            return []
        return [self._waiting.popleft() for _ in range(min(self._at_once, len(self._waiting)))]
