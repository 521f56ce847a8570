"""The plant's newest state in shared memory: one writer (the plant), any number of readers (cameras).

Layout: header (64 bytes), then SLOTS slots, each an opening sequence word, a closing one, and one RECORD. State number
n lies in slot n % SLOTS; the header's ``newest`` says which is the last complete one. A reader has SLOTS - 1 batches
(14 ms) to copy a slot before it is written again, and notices if it was not quick enough: both words must be n.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.frames.ordering import fence
from takt.simulation.plant_record import RECORD

SLOTS = 8
_SHM = Path("/dev/shm")
_MAGIC = b"taktplt1"
_HEADER = struct.Struct("=8sQqQ")  # magic, record size, seed, newest
_HEADER_BYTES = 64
_NEWEST_WORD = 3  # index in 8-byte words
_SLOT_BYTES = 16 + RECORD.itemsize
_TOTAL_BYTES = _HEADER_BYTES + SLOTS * _SLOT_BYTES
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class PlantState:
    """Both ends. Words are stored whole (see `takt.frames.ordering` for the argument)."""

    def __init__(self, memory: mmap.mmap, path: Path, owner: bool) -> None:
        self._memory = memory
        self._path = path
        self._owner = owner
        self._words = memoryview(memory).cast("Q")
        self._records = [
            np.frombuffer(memory, RECORD, 1, _HEADER_BYTES + slot * _SLOT_BYTES + 16) for slot in range(SLOTS)
        ]
        self._number = 0
        self.seed = _HEADER.unpack_from(memory)[2]

    @staticmethod
    def create(name: str, seed: int) -> PlantState:
        """The writer's end. A file that an earlier run left behind is replaced; its readers keep the old one."""
        path = _path(name)
        path.unlink(missing_ok=True)
        draft = path.with_name(f".{name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _TOTAL_BYTES)
            os.pwrite(descriptor, _HEADER.pack(_MAGIC, RECORD.itemsize, seed, 0), 0)
            os.rename(draft, path)  # nobody sees half a header
            return PlantState(mmap.mmap(descriptor, _TOTAL_BYTES), path, owner=True)
        finally:
            os.close(descriptor)

    @staticmethod
    def attach(name: str) -> PlantState:
        """A reader's end. Raises TaktError when the plant has not made it yet."""
        path = _path(name)
        try:
            with path.open("rb") as file:
                memory = mmap.mmap(file.fileno(), _TOTAL_BYTES, access=mmap.ACCESS_READ)
        except (FileNotFoundError, ValueError) as error:
            raise TaktError(
                f"there is no plant state {name!r}", "start the plant (takt_plant) first"
            ) from error
        magic, size, _, _ = _HEADER.unpack_from(memory)
        if magic != _MAGIC or size != RECORD.itemsize:
            raise TaktError(
                f"{path} is no plant state of this version", "end the older plant and start it again"
            )
        return PlantState(memory, path, owner=False)

    def next_record(self) -> NDArray[np.void]:
        """The slot to fill before ``publish``, shape (1,)."""
        self._number += 1
        words, first = self._words, self._first_word(self._number)
        words[first] = self._number
        fence()
        return self._records[self._number % SLOTS]

    def publish(self) -> None:
        """The slot from ``next_record`` is complete."""
        fence()
        self._words[self._first_word(self._number) + 1] = self._number
        fence()
        self._words[_NEWEST_WORD] = self._number

    def read(self, out: NDArray[np.void]) -> bool:
        """Copy the newest state into ``out`` (RECORD, shape (1,)). False while there is none."""
        while True:
            number = self._words[_NEWEST_WORD]
            if number == 0:
                return False
            first = self._first_word(number)
            fence()
            closed = self._words[first + 1]
            fence()
            out[...] = self._records[number % SLOTS]
            fence()
            if closed == number and self._words[first] == number:
                return True

    def close(self) -> None:
        """Writer: remove the name. The mapping itself lives as long as its views."""
        if self._owner:
            self._path.unlink(missing_ok=True)

    @staticmethod
    def _first_word(number: int) -> int:
        return (_HEADER_BYTES + number % SLOTS * _SLOT_BYTES) // 8


def wait_for(name: str, timeout_s: float) -> PlantState:
    """Attach as soon as the plant has made its state. Raises TaktError after ``timeout_s``."""
    end_s = time.monotonic() + timeout_s
    while True:
        try:
            return PlantState.attach(name)
        except TaktError:
            if time.monotonic() >= end_s:
                raise
        time.sleep(0.02)


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise TaktError(
            f"{name!r} is no name for a plant state",
            "use up to 64 letters, digits, '_', '.' or '-', a letter or digit first",
        )
    return _SHM / name
