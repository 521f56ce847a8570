"""Rows of 64-bit numbers that one process writes and others read, in shared memory: stage stamps, stalls.

Nothing waits and nothing is sent: a row costs its writer a microsecond or two. The newest ``rows`` are kept; a reader
that comes late sees by the numbers what it has missed.

    header: magic, width, rows, newest number | row: number when complete (0 while written), words ...
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from pathlib import Path

from takt.errors import TaktError
from takt.frames.ordering import fence
from takt.frames.segment import path_of

_MAGIC = 0x4C41_4E52_554F_4A54  # "TJOURNAL" read as a little-endian word
_NEWEST = 3
_HEADER = 4
Row = tuple[int, ...]


class Journal:
    """Make it with ``create`` (the one writer) or ``attach`` (readers)."""

    def __init__(self, memory: mmap.mmap, path: Path, inode: int, width: int, rows: int) -> None:
        self.path, self.width, self.rows = path, width, rows
        self._inode = inode
        self._memory = memory
        self._words = memoryview(memory).cast("q")
        self._stride = width + 1

    @classmethod
    def create(cls, name: str, width: int, rows: int) -> Journal:
        """The writer's end; a journal of the same shape that is there already is taken over and its numbers go on.

        Raises TaktError when shared memory is short."""
        path = path_of(name)
        size = 8 * (_HEADER + rows * (width + 1))
        with contextlib.suppress(OSError, ValueError, TaktError):
            found = cls._map(path, writable=True)
            if (found.width, found.rows) == (width, rows):
                return found
            found.close()
        made = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            made.write_bytes(struct.pack("@4q", _MAGIC, width, rows, 0).ljust(size, b"\0"))
            made.chmod(0o600)
            made.replace(path)
        except OSError as error:
            raise TaktError(
                f"the journal {path} ({size} bytes) cannot be made: {error.strerror}", "free shared memory"
            ) from error
        return cls._map(path, writable=True)

    @classmethod
    def attach(cls, name: str) -> Journal:
        """A reader's end. Raises TaktError while there is no such journal."""
        path = path_of(name)
        try:
            return cls._map(path, writable=False)
        except (OSError, ValueError) as error:
            raise TaktError(f"there is no journal {path}", "start its writer first") from error

    @classmethod
    def _map(cls, path: Path, writable: bool) -> Journal:
        with path.open("r+b" if writable else "rb") as file:
            magic, width, rows, _ = struct.unpack("@4q", file.read(32).ljust(32, b"\0"))
            size, facts = 8 * (_HEADER + rows * (width + 1)), os.fstat(file.fileno())
            if magic != _MAGIC or facts.st_size != size:
                raise TaktError(f"{path} is no journal of this version", "remove it")
            access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
            return cls(mmap.mmap(file.fileno(), size, access=access), path, facts.st_ino, width, rows)

    @property
    def newest(self) -> int:
        """Number of the newest row; 0 before the first."""
        return self._words[_NEWEST]

    def append(self, *words: int) -> None:
        """Write one row of ``width`` words."""
        if len(words) != self.width:
            raise ValueError(f"a row has {self.width} words, got {len(words)}")
        number = self._words[_NEWEST] + 1
        at = _HEADER + number % self.rows * self._stride
        self._words[at] = 0
        fence()
        for place, word in enumerate(words, at + 1):
            self._words[place] = word
        fence()
        self._words[at] = number
        self._words[_NEWEST] = number

    def row(self, number: int) -> Row | None:
        """One row, or None when it is not, or no longer, there."""
        at = _HEADER + number % self.rows * self._stride
        if number <= 0 or self._words[at] != number:
            return None
        fence()
        words = tuple(self._words[at + 1 : at + self._stride])
        fence()
        return words if self._words[at] == number else None

    def since(self, number: int) -> list[Row]:
        """Every row after ``number`` that is still there, oldest first."""
        newest = self.newest
        first = max(number + 1, newest - self.rows + 1)
        return [row for n in range(first, newest + 1) if (row := self.row(n)) is not None]

    def is_current(self) -> bool:
        """False once the file was removed or replaced: attach again."""
        try:
            return os.stat(self.path).st_ino == self._inode
        except FileNotFoundError:
            return False

    def close(self) -> None:
        self._words.release()
        self._memory.close()
