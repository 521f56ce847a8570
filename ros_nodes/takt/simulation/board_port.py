"""A simulated plant's line towards the board, whatever makes the physics."""

from __future__ import annotations

import errno
import os
import socket
import stat
import termios
import tty

from takt.errors import TaktError

_REOPEN_NS = 20_000_000
_READ_BYTES = 4096


class BoardPort:
    """The line towards the board, a serial device or a local socket.

    Never blocks; absent or broken it reads nothing and tries again. ``baud``: of a serial device; None leaves it as it
    is. Raises TaktError for a rate that this system has not.
    """

    def __init__(self, device: str, baud: int | None = None) -> None:
        self._device = device
        self._speed = None if baud is None else _speed(baud)
        self._descriptor = -1
        self._retry_ns = 0
        self.dropped = 0  # frames for which the line had no room

    @property
    def is_open(self) -> bool:
        return self._descriptor >= 0

    def open_when_due(self, now_ns: int) -> bool:
        """True if the device was opened just now."""
        if self.is_open or now_ns < self._retry_ns:
            return False
        self._retry_ns = now_ns + _REOPEN_NS
        try:
            self._descriptor = _open(self._device, self._speed)
        except OSError:
            self.close()
            return False
        return True

    def read(self) -> bytes:
        """What has come in; empty when nothing has."""
        if not self.is_open:
            return b""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except OSError as error:
            return self._failed(error)
        return data or self._hung_up()

    def write(self, data: bytes) -> None:
        """Send a frame; what the line has no room for is dropped, since the next one is newer."""
        if not self.is_open:
            return
        try:
            if os.write(self._descriptor, data) < len(data):
                self.dropped += 1
        except OSError as error:
            self.dropped += 1
            self._failed(error)

    def close(self) -> None:
        """Close; a later ``open_when_due`` opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _failed(self, error: OSError) -> bytes:
        if error.errno not in (errno.EAGAIN, errno.EINTR):
            self.close()
        return b""

    def _hung_up(self) -> bytes:
        self.close()  # a terminal in raw mode reads nothing only when its other end is gone
        return b""


def _speed(baud: int) -> int:
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise TaktError(f"this system has no serial rate of {baud} baud", "choose a usual link.baud")
    return int(speed)


def _open(path: str, speed: int | None) -> int:
    """The descriptor of a local socket or a terminal, non-blocking. Raises OSError when there is none."""
    if stat.S_ISSOCK(os.stat(path).st_mode):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(path)
            connection.setblocking(False)
            return connection.detach()
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    if os.isatty(descriptor):
        tty.setraw(descriptor)
        _set_speed(descriptor, speed)
    return descriptor


def _set_speed(descriptor: int, speed: int | None) -> None:
    """Rate both ways, without modem lines: a USB adapter has three wires."""
    attributes = termios.tcgetattr(descriptor)
    attributes[2] |= termios.CLOCAL | termios.CREAD
    if speed is not None:
        attributes[4] = attributes[5] = speed
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
