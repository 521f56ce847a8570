"""The host's miss ledger: one file, appended only, in which every record of a board stands once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


class LedgerFile:
    """One JSON object a line. ``confirmed``: identity (boot count << 32 | sequence) up to which nothing is missing.

    A record names the one before it, so that a repeat is dropped and a hole is noticed: what comes after a hole waits
    until the board, which hears no confirmation, has sent the missing ones again.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.confirmed = 0
        self.repeats = 0
        self.holes = 0
        self._start: tuple[str, str] | None = None  # of the present chain: tells its repeat from a new chain
        for line in _whole_lines(path):
            self._follow(json.loads(line))
        self._file = path.open("ab")

    def take(self, record: Mapping[str, str]) -> bool:
        """Write a record to disk, unless it is there already or one before it is missing. Returns True if written."""
        identity, previous = identity_of(record), int(record["previous"])
        starts = previous == 0 and _start_of(record) != self._start
        if not starts and identity <= self.confirmed:
            self.repeats += 1
            return False
        if not starts and self.confirmed != 0 and previous != self.confirmed:
            self.holes += 1
            return False
        self._file.write(json.dumps(dict(record)).encode() + b"\n")
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self._follow(record)
        return True

    def close(self) -> None:
        self._file.close()

    def _follow(self, record: Mapping[str, str]) -> None:
        self.confirmed = identity_of(record)
        if int(record["previous"]) == 0:
            self._start = _start_of(record)


def identity_of(record: Mapping[str, str]) -> int:
    """Boot count << 32 | sequence."""
    return int(record["boot"]) << 32 | int(record["sequence"])


def _start_of(record: Mapping[str, str]) -> tuple[str, str]:
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
