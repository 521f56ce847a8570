"""The near end of a pseudo terminal whose far end other programs open by a symbolic link."""

from __future__ import annotations

import os
import pty
import termios
import tty
from pathlib import Path


class PtyEnd:
    """Opens a raw pty and puts ``link`` -> /dev/pts/N. Never blocks; survives its peers closing and reopening.

    The far end is held open here as well, so that a peer's leaving is no hang-up.
    """

    def __init__(self, link: Path) -> None:
        self._near, self._far = pty.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.link = link
        self.device = os.ttyname(self._far)
        temporary = link.with_name(f".{link.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(self.device)
        temporary.replace(link)  # at once: whoever opens the name meets the old device or the new one

    def fileno(self) -> int:
        return self._near

    def read(self) -> bytes:
        try:
            return os.read(self._near, 65536)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._near, data)
        except BlockingIOError:
            return 0

    def discard(self) -> None:
        """Forget what the far end has not read yet."""
        termios.tcflush(self._far, termios.TCIFLUSH)

    def hang_up(self) -> None:
        """Close both ends, as a pulled cable does; the link stays and leads nowhere."""
        for descriptor in (self._near, self._far):
            if descriptor >= 0:
                os.close(descriptor)
        self._near = self._far = -1

    def close(self) -> None:
        self.hang_up()
        if self.link.is_symlink() and os.readlink(self.link) == self.device:
            self.link.unlink()
