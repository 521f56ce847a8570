"""STOP on disk: it holds until a person takes it back, also when the supervisor dies or the host starts anew."""

from __future__ import annotations

import os
from pathlib import Path


class StopFile:
    """The file's being there is the state."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    @property
    def is_set(self) -> bool:
        return self._path.exists()

    def set(self) -> None:
        """Returns once it is on disk."""
        with self._path.open("w") as file:
            file.write("STOP was pressed; the supervisor's ~/resume takes it back\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)
