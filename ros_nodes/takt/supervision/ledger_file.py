"""The run's miss ledger: one file, appended only, in which every miss of the board and of every node stands once."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from takt.deadlines import Miss
from takt.deadlines.outbox import GAP, Offer, counts_of, first_sequence

Record = Mapping[str, str]
_LIFE_SHIFT = 44  # above it stands the board's nonce: one a life of its memory
_REMEMBERED = 4096  # causes of a node's newest records, for a gap that overlaps them


class LedgerFile:
    """One JSON object a line: a Miss, and for the board its own record beside it, under ``board``.

    ``confirmed``: identity (boot count << 32 | sequence) up to which nothing of the board is missing. A record of the
    board names the one before it, so that a repeat is dropped and a hole is noticed: what comes after a hole waits
    until the board, which hears no confirmation, has sent the missing ones again. Nodes' misses are numbered without
    gaps and told again until ``confirmed_of`` covers them. Nothing counts as written before ``sync``.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.confirmed = 0
        self.repeats = 0
        self.holes = 0
        self._start: tuple[str, str] | None = None  # of the present chain: tells its repeat from a new chain
        self._doubted: int | None = None  # the lowest heard of a chain whose beginning is not known
        self._nodes: dict[tuple[str, int], deque[tuple[int, dict[str, int]]]] = {}
        for line in _whole_lines(path):
            self._recall(json.loads(line))
        self._file = path.open("ab")

    def take(self, record: Record, miss: Miss | None = None, sync: bool = True) -> bool:
        """Write a record of the board, unless it is there already or one before it is missing; True if written.

        ``miss``: the record as a Miss, for the line's other half. Without ``sync`` the caller sees to that."""
        if not self.wants(record):
            return False
        self._append({**(miss.values() if miss else {}), "board": dict(record)})
        self._follow(record)
        if sync:
            self.sync()
        return True

    def wants(self, record: Record) -> bool:
        """Whether this record of the board is the next one; counts repeats and holes."""
        identity, previous = identity_of(record), int(record["previous"])
        starts = previous == 0 and _start_of(record) != self._start
        if not starts and identity <= self.confirmed:
            self.repeats += 1
            return False
        follows = previous == self.confirmed if self.confirmed else self._is_oldest(identity)
        if not starts and not follows:
            self.holes += 1
            return False
        return True

    def _is_oldest(self, identity: int) -> bool:
        """With nothing of the board on disk: whether all before this record is confirmed, to a ledger that is gone.

        The board, which hears no confirmation, begins again with the oldest that it still has: the lowest, heard twice.
        The first that is heard may follow others that were lost on their way."""
        doubted, life = self._doubted, identity >> _LIFE_SHIFT
        if doubted is not None and doubted >> _LIFE_SHIFT == life and doubted <= identity:
            return doubted == identity
        self._doubted = identity
        return False

    def take_offer(self, offer: Offer) -> bool:
        """Write a node's miss unless it is there, or one before it is missing; True if written. ``sync`` follows."""
        miss = offer.miss
        known = self.confirmed_of(miss.source, miss.epoch)
        newest = offer.confirmed if known is None else known
        if miss.sequence <= newest:
            self.repeats += 1
            return False
        if first_sequence(miss) > newest + 1:
            self.holes += 1
            return False
        if first_sequence(miss) <= newest:
            miss = self._without_known(miss, newest)
        self._append(miss.values())
        self._remember(miss)
        return True

    def confirmed_of(self, source: str, epoch: int) -> int | None:
        """Sequence up to which nothing of a node's epoch is missing; None when nothing of it was ever written."""
        kept = self._nodes.get((source, epoch))
        return kept[-1][0] if kept else None

    def sync(self) -> None:
        """Everything that was taken is on disk when this returns."""
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def _append(self, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")

    def _recall(self, row: dict[str, Any]) -> None:
        if "boot" in row:  # a line of a version that kept the board's misses alone
            self._follow(row)
        elif "board" in row:
            self._follow(row["board"])
        else:
            self._remember(Miss.from_json(json.dumps(row)))

    def _follow(self, record: Record) -> None:
        self.confirmed = identity_of(record)
        if int(record["previous"]) == 0:
            self._start = _start_of(record)

    def _remember(self, miss: Miss) -> None:
        kept = self._nodes.setdefault((miss.source, miss.epoch), deque(maxlen=_REMEMBERED))
        kept.append((miss.sequence, counts_of(miss)))

    def _without_known(self, gap: Miss, newest: int) -> Miss:
        """A gap of which the first misses were written one by one before its node heard so: only the others count."""
        counts, first = counts_of(gap), first_sequence(gap)
        for sequence, written in self._nodes[gap.source, gap.epoch]:
            for cause, number in written.items() if first <= sequence <= newest else ():
                counts[cause] -= number
        left = {cause: n for cause, n in counts.items() if n > 0}
        evidence: dict[str, float] = {"misses": sum(left.values()), "first_sequence": newest + 1, **left}
        return replace(gap, cause=GAP, evidence=evidence)


def board_record(row: Mapping[str, Any]) -> Record | None:
    """The board's record in a parsed line of the ledger; None for a node's miss."""
    if "boot" in row:
        return row
    found: Record | None = row.get("board")
    return found


def identity_of(record: Record) -> int:
    """Boot count << 32 | sequence."""
    return int(record["boot"]) << 32 | int(record["sequence"])


def _start_of(record: Record) -> tuple[str, str]:
    return record["sequence"], record.get("release_ns", record.get("first_sequence", ""))


def _whole_lines(path: Path) -> list[bytes]:
    """The lines that were written whole; one cut off by a crash was never confirmed and is cut away."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) != len(content):
        os.truncate(path, len(whole))
    return whole.splitlines()
