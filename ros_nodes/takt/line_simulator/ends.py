"""The two ends of a simulated line: ptys that it offers, or a device that is there already."""

from __future__ import annotations

import contextlib
import os
import termios
from pathlib import Path

from takt.link.transports import LineLost
from takt.link.transports.pty_line import PtyEnd
from takt.link.transports.serial_line import SerialLine

_PTY_BAUD = 115_200  # a pty has no rate
_STALE_NS = 100_000_000


class OfferedEnd:
    """A pty behind the symbolic link ``link``. Unplugged it hangs up; plugged in again it is another device.

    What nobody has read for 100 ms is thrown away: a UART does not keep it either.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self.lost = 0
        self._blocked_ns: int | None = None
        self._pty: PtyEnd | None = PtyEnd(link)

    @property
    def name(self) -> str:
        return str(self.link)

    def fileno(self) -> int:
        """-1 while unplugged."""
        return self._pty.fileno() if self._pty else -1

    def read(self) -> bytes:
        return self._pty.read() if self._pty else b""

    def write(self, data: bytes, now_ns: int) -> None:
        """What the pty does not take is lost, as on a line without flow control."""
        taken = self._pty.write(data) if self._pty else 0
        self.lost += len(data) - taken
        if taken == len(data):
            self._blocked_ns = None
        elif self._blocked_ns is None:
            self._blocked_ns = now_ns
        elif now_ns - self._blocked_ns > _STALE_NS:
            self._forget_unread()
            self._blocked_ns = None

    def _forget_unread(self) -> None:
        if self._pty:
            with contextlib.suppress(OSError, termios.error):
                descriptor = os.open(self._pty.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
                try:
                    termios.tcflush(descriptor, termios.TCIFLUSH)
                finally:
                    os.close(descriptor)

    def service(self) -> None:
        """Nothing to look after."""

    def unplug(self) -> None:
        if self._pty:
            self._pty.hang_up()
            self._pty = None

    def plug(self) -> None:
        if self._pty is None:
            self._pty = PtyEnd(self.link)

    def close(self) -> None:
        if self._pty:
            self._pty.close()
            self._pty = None


class DeviceEnd:
    """A device that another program or the system offers; it may come and go."""

    def __init__(self, path: str, baud: int = 0) -> None:
        self.name = path
        self.lost = 0
        self._line = SerialLine(path, baud or _PTY_BAUD)
        self._is_open = False
        self._unplugged = False
        self.service()

    def fileno(self) -> int:
        return self._line.fileno() if self._is_open else -1

    def read(self) -> bytes:
        try:
            return self._line.read()
        except LineLost:
            self._let_go()
            return b""

    def write(self, data: bytes, now_ns: int) -> None:
        taken = 0
        if self._is_open:
            try:
                taken = self._line.write(data)
            except LineLost:
                self._let_go()
        self.lost += len(data) - taken

    def service(self) -> None:
        """Open the device if it is there now."""
        if not self._is_open and not self._unplugged:
            with contextlib.suppress(LineLost):
                self._line.open()
                self._is_open = True

    def unplug(self) -> None:
        self._unplugged = True
        self._let_go()

    def plug(self) -> None:
        self._unplugged = False
        self.service()

    def _let_go(self) -> None:
        self._line.close()
        self._is_open = False

    def close(self) -> None:
        self._let_go()


End = OfferedEnd | DeviceEnd
