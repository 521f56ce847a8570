"""The plant's log: every state of a run, one RECORD after another behind a small header."""

from __future__ import annotations

import queue
import struct
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.simulation.plant_record import RECORD

_MAGIC = b"taktlog1"
_HEADER = struct.Struct("<8sIiq")  # magic, record size, reserved, seed
_CHUNK = 250  # records: half a second


class PlantLog:
    """Appends without touching the disk in the caller's thread: a thread of its own writes whole chunks.

    Open it before the caller takes a real-time class, so that the writing thread stays in the normal one.
    """

    def __init__(self, path: Path, seed: int) -> None:
        try:
            self._file: BinaryIO = path.open("wb")
        except OSError as error:
            raise TaktError(
                f"the plant's log {path} cannot be written: {error.strerror}", "give --log a writable path"
            ) from error
        self._file.write(_HEADER.pack(_MAGIC, RECORD.itemsize, 0, seed))
        self._file.flush()
        self._chunk = np.zeros(_CHUNK, RECORD)
        self._fill = 0
        self._full: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="plant_log", daemon=True)
        self._writer.start()

    def append(self, record: NDArray[np.void]) -> None:
        """Copy one state, shape () or (1,)."""
        self._chunk[self._fill : self._fill + 1] = record
        self._fill += 1
        if self._fill == _CHUNK:
            self._hand_over()

    def close(self) -> None:
        """Write what is left."""
        self._hand_over()
        self._full.put(None)
        self._writer.join()
        self._file.close()

    def _hand_over(self) -> None:
        self._full.put(self._chunk[: self._fill].tobytes())
        self._fill = 0

    def _write(self) -> None:
        while (chunk := self._full.get()) is not None:
            self._file.write(chunk)
            self._file.flush()


def read(path: Path) -> dict[str, NDArray[np.generic]]:
    """Every field of RECORD as an array over the run, units in the names; ``stamp_ns`` ascends.

    A last record that was cut off (the plant was killed) is left out. Raises TaktError for a missing or foreign file.
    """
    records = records_of(path)
    return {name: np.ascontiguousarray(records[name]) for name in RECORD.names or () if name != "reserved"}


def records_of(path: Path) -> NDArray[np.void]:
    """The log's records as one structured array."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TaktError(
            f"the plant's log {path} cannot be read: {error.strerror}", "run the plant first"
        ) from error
    if len(raw) < _HEADER.size or _HEADER.unpack_from(raw)[:2] != (_MAGIC, RECORD.itemsize):
        raise TaktError(f"{path} is no plant log of this version", "run the plant again with this version")
    count = (len(raw) - _HEADER.size) // RECORD.itemsize
    return np.frombuffer(raw, RECORD, count, _HEADER.size)


def seed_of(path: Path) -> int:
    """The seed of the run that the log is of."""
    with path.open("rb") as file:
        return int(_HEADER.unpack(file.read(_HEADER.size))[3])
