"""When the black box writes: on the way into SAFE, on either computer, and on a burst of missed deadlines."""

from __future__ import annotations

from collections import Counter, deque

from takt.contract import Recording
from takt.deadlines.miss import Identity

SAFE = "SAFE"
_REMEMBERED = 4096  # identities, of the newest misses


class Trigger:
    """Pure; each method returns why a recording is due now, or an empty string.

    A robot that starts stands on SAFE: only a step *into* SAFE counts. Bursts that follow each other closely are one
    story: the next one is told at the earliest when the last recording's memory has passed.
    """

    def __init__(self, rules: Recording) -> None:
        self._rules = rules
        self._rungs: dict[str, str] = {}
        self._misses: deque[tuple[int, str, int]] = deque()
        self._known: dict[Identity, None] = {}
        self._told_burst_ns: int | None = None

    def hear_rung(self, computer: str, rung: str, reason: str) -> str:
        """``computer`` is "host" or "board"."""
        before = self._rungs.get(computer)
        self._rungs[computer] = rung
        if rung != SAFE or before in (None, SAFE):
            return ""
        return f"{computer} SAFE{': ' + reason if reason and reason != 'none' else ''}"

    def hear_miss(self, identity: Identity, steady_ns: int, count: int = 1) -> str:
        """A missed deadline, heard at ``steady_ns``; a record that stands for several has their ``count``.

        Misses are told again until they are on disk: a known identity is no other miss.
        """
        if identity in self._known:
            return ""
        self._remember(identity)
        misses = self._misses
        misses.append((steady_ns, identity[0], count))
        while steady_ns - misses[0][0] > self._rules.burst_window_ms * 1_000_000:
            misses.popleft()
        told = self._told_burst_ns
        recent = told is not None and steady_ns - told < self._rules.keep_s * 1_000_000_000
        by_source: Counter[str] = Counter()
        for _, source, number in misses:
            by_source[source] += number
        if by_source.total() < self._rules.burst_misses or recent:
            return ""
        self._told_burst_ns = steady_ns
        who = ", ".join(f"{name} {number}" for name, number in sorted(by_source.items()))
        return f"{by_source.total()} misses in {self._rules.burst_window_ms} ms: {who}"

    def _remember(self, identity: Identity) -> None:
        self._known[identity] = None
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
