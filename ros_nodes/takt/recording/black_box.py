"""Decides what is recorded and when; where it is written is the business of the :class:`Deck` it is given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from takt.contract import Recording
from takt.recording.sample import MessageRing, Sample
from takt.recording.tape import MIB

_SECOND_NS = 1_000_000_000


class Deck(Protocol):
    """Carries out, in order, what is asked of it; none of these waits for the disk in the caller's thread."""

    def open(self, word: str, cause: str) -> None: ...
    def note(self, cause: str) -> None: ...
    def write(self, samples: list[Sample]) -> None: ...
    def flush(self) -> None: ...
    def finish(self, ended: str, dropped: int) -> None: ...


class BlackBox:
    """Keeps the last ``keep_s`` in memory; a cause writes them and what follows for ``after_s``.

    A further cause while a recording is open is noted in it and lets it go on, at most until it is ``keep_s`` long
    beyond the first: then it ends, and the next cause opens another.
    """

    def __init__(self, rules: Recording, deck: Deck, latched: Iterable[str]) -> None:
        self._rules = rules
        self._deck = deck
        self._ring = MessageRing(rules.keep_s * _SECOND_NS, rules.memory_mib * MIB, latched)
        self._fresh: list[Sample] = []
        self._opened_ns = 0
        self._ends_ns: int | None = None
        self._flushed_ns = 0

    @property
    def is_open(self) -> bool:
        return self._ends_ns is not None

    @property
    def held_bytes(self) -> int:
        return self._ring.size_bytes

    @property
    def dropped(self) -> int:
        """Samples that left memory before their time because it was full."""
        return self._ring.dropped

    def add(self, sample: Sample, steady_ns: int) -> None:
        self._ring.add(sample, steady_ns)
        if self.is_open:
            self._fresh.append(sample)

    def trigger(self, cause: str, steady_ns: int) -> None:
        """Something happened that is to be kept; an empty ``cause`` is nothing."""
        if not cause:
            return
        after_ns, keep_ns = self._rules.after_s * _SECOND_NS, self._rules.keep_s * _SECOND_NS
        if self._ends_ns is not None:
            self._deck.note(cause)
            self._ends_ns = min(steady_ns + after_ns, self._opened_ns + keep_ns)
            return
        self._deck.open(word_of(cause), cause)
        self._deck.write(self._ring.contents())
        self._opened_ns = self._flushed_ns = steady_ns
        self._ends_ns = steady_ns + after_ns

    def step(self, steady_ns: int) -> None:
        """Call this a few times a second: hands over what came, flushes each second, ends what is due."""
        self._ring.forget_old(steady_ns)
        if self._ends_ns is None:
            return
        if self._fresh:
            self._deck.write(self._fresh)
            self._fresh = []
        if steady_ns >= self._ends_ns:
            self._end("after the last cause")
        elif steady_ns - self._flushed_ns >= _SECOND_NS:
            self._flushed_ns = steady_ns
            self._deck.flush()

    def close(self) -> None:
        """The recorder ends: what is open is completed as it stands."""
        if self.is_open:
            self._deck.write(self._fresh)
            self._end("the recorder ended")

    def _end(self, ended: str) -> None:
        self._deck.finish(ended, self._ring.dropped)
        self._fresh, self._ends_ns = [], None


def word_of(cause: str) -> str:
    """One word for the file's name: "safe" or "misses" from the trigger's causes, else letters of the cause."""
    if "SAFE" in cause:
        return "safe"
    return "misses" if " misses in " in cause else re.sub(r"[^a-z0-9]+", "-", cause.lower()).strip("-")[:24]
