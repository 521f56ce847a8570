"""A node's misses until they are on disk: none is lost when the node, the supervisor or what is between them dies.

Every miss goes into a file in memory (/dev/shm: it outlives the process, as a board's retained memory does) before the
stage goes on, first without its cause, which takes some milliseconds to find. What the supervisor confirms is
forgotten. A node that starts anew finds what its former life left, under the identities of that life, and has an epoch
of its own. When more than ``limit`` wait, the older half becomes one record that says which numbers it stands for, and
how many of them had which cause.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from takt.deadlines.miss import UNKNOWN, Miss

GAP = "gap"
LIMIT = 2048
_REWRITE_BYTES = 1 << 20
_OUTSIDE_CAUSES = ("misses", "first_sequence")


@dataclass(frozen=True)
class Offer:
    """A miss on its way to the ledger. ``confirmed``: the sequence of its epoch up to which all is on disk, so that a
    ledger that knows nothing of this source yet sees whether it is missing something."""

    miss: Miss
    confirmed: int

    def to_json(self) -> str:
        return json.dumps({**self.miss.values(), "confirmed": self.confirmed}, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Offer:
        """Raises ValueError for what is no offer."""
        miss = Miss.from_json(line)
        confirmed = json.loads(line).get("confirmed")
        if not isinstance(confirmed, int) or isinstance(confirmed, bool):
            raise ValueError(f"confirmed must be an integer, got {confirmed!r}")
        return cls(miss, confirmed)


def first_sequence(miss: Miss) -> int:
    """The first number that a record stands for: its own, or its gap's."""
    return int(miss.evidence["first_sequence"]) if miss.cause == GAP else miss.sequence


class Outbox:
    """``epoch``: of this life, larger than any before it."""

    def __init__(self, path: Path, source: str, epoch: int, limit: int = LIMIT) -> None:
        self._path, self._source, self._limit = path, source, limit
        self._waiting: dict[tuple[int, int], Miss] = {}  # by epoch and sequence, in order
        self._confirmed: dict[int, int] = {}
        self._decided: set[tuple[int, int]] = set()
        for line in _whole_lines(path):
            self._follow(line)
        self._decided = set(self._waiting)  # of a former life nothing more will be known
        self.epoch = max([epoch, *(known + 1 for known in self._epochs())])
        self.sequence = 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._rewrite()

    @property
    def waiting(self) -> int:
        """Records that are not known to be on disk."""
        return len(self._waiting)

    def add(self, stage: str, at_ns: int, late_ns: int, evidence: Mapping[str, float]) -> Miss:
        """Take a miss whose cause is not known yet; it is safe from here on."""
        self.sequence += 1
        miss = Miss(
            self._source, self.epoch, self.sequence, stage, at_ns, 0, late_ns, UNKNOWN, dict(evidence)
        )
        self._keep(miss)
        if len(self._waiting) > self._limit:
            self._merge_oldest()
        return miss

    def decide(self, miss: Miss, cause: str, evidence: Mapping[str, float]) -> None:
        """Now its cause is known; from here on it is offered."""
        key = (miss.epoch, miss.sequence)
        if key in self._waiting:
            self._decided.add(key)
            self._keep(replace(miss, cause=cause, evidence=dict(evidence)))

    def offers(self, most: int = LIMIT) -> list[Offer]:
        """What waits, oldest first, up to the first whose cause is still open."""
        found: list[Offer] = []
        for key, miss in self._waiting.items():
            if key not in self._decided or len(found) >= most:
                break
            found.append(Offer(miss, self._confirmed.get(miss.epoch, 0)))
        return found

    def confirm(self, epoch: int, sequence: int) -> None:
        """All of ``epoch`` up to ``sequence`` is on disk."""
        if sequence <= self._confirmed.get(epoch, 0):
            return
        self._confirmed[epoch] = sequence
        self._forget(epoch, sequence)
        if not self._waiting or os.fstat(self._file).st_size > _REWRITE_BYTES:
            self._rewrite()
        else:
            self._write({"confirmed_epoch": epoch, "confirmed": sequence})

    def close(self) -> None:
        os.close(self._file)

    def _keep(self, miss: Miss) -> None:
        self._waiting[miss.epoch, miss.sequence] = miss
        self._write(miss.values())

    def _forget(self, epoch: int, sequence: int) -> None:
        for key in [key for key in self._waiting if key[0] == epoch and key[1] <= sequence]:
            del self._waiting[key]
            self._decided.discard(key)

    def _merge_oldest(self) -> None:
        """The older half of the oldest epoch becomes one record."""
        epoch = next(iter(self._waiting))[0]
        same = [miss for key, miss in self._waiting.items() if key[0] == epoch and key in self._decided]
        old = same[: max(len(same) // 2, 2)]
        if len(old) < 2:
            return
        gap = _gap_of(old)
        kept = {key: miss for key, miss in self._waiting.items() if key[0] != epoch or key[1] > gap.sequence}
        self._decided -= {(miss.epoch, miss.sequence) for miss in old}
        self._decided.add((epoch, gap.sequence))
        self._waiting = {(epoch, gap.sequence): gap, **kept}
        self._rewrite()

    def _epochs(self) -> Iterable[int]:
        return (*self._confirmed, *(epoch for epoch, _ in self._waiting))

    def _follow(self, line: bytes) -> None:
        row = json.loads(line)
        if "confirmed_epoch" in row:
            self._confirmed[row["confirmed_epoch"]] = row["confirmed"]
            self._forget(row["confirmed_epoch"], row["confirmed"])
        else:
            miss = Miss.from_json(line)
            self._waiting[miss.epoch, miss.sequence] = miss

    def _write(self, row: Mapping[str, object]) -> None:
        os.write(self._file, json.dumps(row, separators=(",", ":")).encode() + b"\n")

    def _rewrite(self) -> None:
        """A new file beside the old one, then its name: a death on the way leaves one of the two whole."""
        newest = self._confirmed_now()
        rows = [{"confirmed_epoch": epoch, "confirmed": sequence} for epoch, sequence in newest.items()]
        lines = [json.dumps(row) for row in rows] + [miss.to_json() for miss in self._waiting.values()]
        made = self._path.with_name(self._path.name + ".new")
        made.write_text("".join(line + "\n" for line in lines))
        made.replace(self._path)
        old, self._file = self._file, os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.close(old)

    def _confirmed_now(self) -> dict[int, int]:
        """Confirmations that still matter: of epochs with something waiting, and of the newest."""
        wanted = {epoch for epoch, _ in self._waiting} | {max(self._confirmed, default=0), self.epoch}
        self._confirmed = {epoch: n for epoch, n in self._confirmed.items() if epoch in wanted}
        return self._confirmed


def _gap_of(old: list[Miss]) -> Miss:
    """One record for several of an epoch, in order: how many, from which number on, and each cause's count."""
    counts: Counter[str] = Counter()
    for miss in old:
        counts.update(counts_of(miss))
    evidence: dict[str, float] = {
        "misses": sum(counts.values()),
        "first_sequence": first_sequence(old[0]),
        **counts,
    }
    worst = max(miss.late_ns for miss in old)
    bound_ns = old[-1].at_ns - old[0].at_ns
    return replace(old[-1], cause=GAP, late_ns=worst, bound_ns=bound_ns, evidence=evidence)


def counts_of(miss: Miss) -> dict[str, int]:
    """Cause -> misses that a record stands for."""
    if miss.cause != GAP:
        return {miss.cause: 1}
    return {cause: int(n) for cause, n in miss.evidence.items() if cause not in _OUTSIDE_CAUSES}


def _whole_lines(path: Path) -> list[bytes]:
    """Lines that were written whole; one that a death cut off was never told to anybody."""
    content = path.read_bytes() if path.exists() else b""
    return content[: content.rfind(b"\n") + 1].splitlines()
