"""When the black box writes: on the way into SAFE, on either computer, and on a burst of missed deadlines."""

from __future__ import annotations

from collections import Counter, deque

from takt.contract import Recording

SAFE = "SAFE"


class Trigger:
    """Pure; each method returns why a recording is due now, or an empty string.

    A robot that starts stands on SAFE: only a step *into* SAFE counts. Bursts that follow each other closely are one
    story: the next one is told at the earliest when the last recording's memory has passed.
    """

    def __init__(self, rules: Recording) -> None:
        self._rules = rules
        self._rungs: dict[str, str] = {}
        self._misses: deque[tuple[int, str]] = deque()
        self._told_burst_ns: int | None = None

    def hear_rung(self, computer: str, rung: str, reason: str) -> str:
        """``computer`` is "host" or "board"."""
        before = self._rungs.get(computer)
        self._rungs[computer] = rung
        if rung != SAFE or before in (None, SAFE):
            return ""
        return f"{computer} SAFE{': ' + reason if reason and reason != 'none' else ''}"

    def hear_miss(self, source: str, steady_ns: int) -> str:
        """One missed deadline of ``source``, heard at ``steady_ns``."""
        misses = self._misses
        misses.append((steady_ns, source))
        while steady_ns - misses[0][0] > self._rules.burst_window_ms * 1_000_000:
            misses.popleft()
        told = self._told_burst_ns
        recent = told is not None and steady_ns - told < self._rules.keep_s * 1_000_000_000
        if len(misses) < self._rules.burst_misses or recent:
            return ""
        self._told_burst_ns = steady_ns
        by_source = Counter(source for _, source in misses)
        who = ", ".join(f"{name} {count}" for name, count in sorted(by_source.items()))
        return f"{len(misses)} misses in {self._rules.burst_window_ms} ms: {who}"
