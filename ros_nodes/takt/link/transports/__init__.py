"""The lines that an agent can serve: a serial port, a pty, UDP, and memory."""

from __future__ import annotations

from typing import Protocol


class LineLost(Exception):
    """The line has gone away; it may come back under the same name."""


class Line(Protocol):
    """A byte stream. Nothing here ever blocks."""

    name: str

    def open(self) -> None:
        """Raises LineLost while there is nothing to open, TaktError for what waiting cannot mend."""
        ...

    def fileno(self) -> int: ...

    def read(self) -> bytes:
        """What has come in, perhaps nothing. Raises LineLost."""
        ...

    def write(self, data: bytes) -> int:
        """Returns how many bytes were taken, perhaps none. Raises LineLost."""
        ...

    def moved(self) -> bool:
        """Whether the name now stands for another device than the open one."""
        ...

    def close(self) -> None: ...
