"""The newest misses of both computers, bounded, and who was to blame how often; also those of before this start."""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import Any

from takt.deadlines.miss import Identity, Miss

_KEPT = 1000
_AT_ONCE = 100  # rows in one view
_IDENTITIES = 4 * _KEPT


class MissBoard:
    """Thread-safe. Rows are numbered as they come, from 1."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._identities: dict[Identity, None] = {}
        self._totals: dict[str, dict[str, int]] = {}
        self._number = 0

    @property
    def number(self) -> int:
        """Of the newest row; 0 while there is none."""
        return self._number

    def add(self, miss: Miss, heard_ns: int) -> bool:
        """False for one that came before (the ledger's streams repeat what was not confirmed)."""
        identity = miss.identity
        with self._lock:
            if identity in self._identities:
                return False
            self._identities[identity] = None
            if len(self._identities) > _IDENTITIES:
                del self._identities[next(iter(self._identities))]
            self._number += 1
            self._rows.append(_row(self._number, miss, heard_ns))
            causes = self._totals.setdefault(miss.source, {})
            causes[miss.cause] = causes.get(miss.cause, 0) + 1
            return True

    def after(self, number: int) -> dict[str, Any]:
        """Rows newer than ``number``, oldest first, at most the newest 100 of them; ``left_out`` is how many more
        there were, ``number`` that of the last. ``totals``: source -> cause -> count in this run."""
        with self._lock:
            new = min(self._number - number, len(self._rows))
            taken = min(new, _AT_ONCE)
            rows = list(islice(self._rows, len(self._rows) - taken, None))
            left_out = self._number - number - taken
            totals = {source: dict(causes) for source, causes in self._totals.items()}
            return {"rows": rows, "left_out": left_out, "number": self._number, "totals": totals}

    def totals(self) -> dict[str, dict[str, int]]:
        """Source -> cause -> count in this run."""
        with self._lock:
            return {source: dict(causes) for source, causes in self._totals.items()}

    def newest(self, count: int) -> dict[str, Any]:
        """The newest ``count`` rows, for a page that asks for more than a view brings."""
        with self._lock:
            return {"rows": list(self._rows)[-count:]}


def _row(number: int, miss: Miss, heard_ns: int) -> dict[str, Any]:
    return {
        "number": number,
        "source": miss.source,
        "epoch": miss.epoch,
        "sequence": miss.sequence,
        "stage": miss.stage,
        "at_ms": miss.at_ns
        / 1e6,  # to the microsecond, which is what a float of JavaScript holds of such a number
        "bound_ms": miss.bound_ns / 1e6,
        "late_ms": miss.late_ns / 1e6,
        "cause": miss.cause,
        "evidence": dict(miss.evidence),
        "heard_ms": heard_ns / 1e6,
    }
