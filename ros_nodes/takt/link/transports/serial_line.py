"""A serial port, USB adapter or pty by name: set up by pyserial, then used as a plain file descriptor."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import serial  # type: ignore[import-untyped,unused-ignore]

from takt.errors import TaktError
from takt.link.transports import LineLost

_BY_ID = Path("/dev/serial/by-id")
_READ_SIZE = 65536
_DENIED = (errno.EACCES, errno.EPERM)


class SerialLine:
    """``path`` may be a device or a symbolic link to one; ``baud`` in bit/s (a pty takes any).

    After the device vanishes, :meth:`open` looks under the path again, and under the name that udev gives this
    very adapter, so that a board which comes back as another ttyACM number is found.
    """

    def __init__(self, path: str, baud: int) -> None:
        self.name = path
        self._baud = baud
        self._port: serial.Serial | None = None
        self._fd = -1
        self._device = 0
        self._udev_name: str | None = None

    def open(self) -> None:
        self.close()
        for path in (self.name, self._udev_name):
            if path and os.path.exists(path):
                self._open(path)
                return
        raise LineLost(f"{self.name} does not exist")

    def _open(self, path: str) -> None:
        try:
            self._port = serial.Serial(path, self._baud, timeout=0, write_timeout=0, exclusive=True)
        except ValueError as error:
            raise TaktError(
                f"{path} cannot run at {self._baud} baud ({error})", "choose a usual rate"
            ) from None
        except (serial.SerialException, OSError) as error:
            raise _reason(path, error) from None
        self._fd = self._port.fileno()
        os.set_blocking(self._fd, False)
        self._device = os.fstat(self._fd).st_rdev
        self._udev_name = _udev_name(path) or self._udev_name

    def fileno(self) -> int:
        return self._fd

    def read(self) -> bytes:
        try:
            data = os.read(self._fd, _READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LineLost(f"{self.name}: {error.strerror}") from None
        if not data:
            raise LineLost(f"{self.name}: hung up")
        return data

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise LineLost(f"{self.name}: {error.strerror}") from None

    def moved(self) -> bool:
        try:
            return os.stat(self.name).st_rdev != self._device
        except OSError:
            return False  # gone is not moved: the open descriptor tells when its device is dead

    def close(self) -> None:
        if self._port is not None:
            with contextlib.suppress(serial.SerialException, OSError):  # the device went first
                self._port.close()
        self._port, self._fd = None, -1


def must_exist(line: SerialLine) -> None:
    """Raise TaktError, with the ports that are there, for a line that cannot be opened now."""
    try:
        line.open()
    except LineLost:
        there = " ".join(sorted(_ports())) or "none"
        raise TaktError(
            f"{line.name} does not exist",
            f"plug the board in and name its port (now there: {there}), or add --wait",
        ) from None
    line.close()


def _ports() -> list[str]:
    return [f"/dev/{name}" for name in os.listdir("/dev") if name.startswith(("ttyACM", "ttyUSB"))]


def _reason(path: str, error: Exception) -> Exception:
    """What a failed opening means: something to wait for, or something a person must change."""
    number = getattr(error, "errno", None)
    if number in _DENIED:
        return TaktError(f"no permission to open {path}", "sudo usermod -aG dialout $USER, then log in again")
    if number in (errno.EAGAIN, errno.EBUSY):
        return TaktError(f"{path} is in use by another program", "end that program (fuser -v names it)")
    if not _is_terminal(path):
        return TaktError(f"{path} is not a serial port", "name the port, such as /dev/ttyACM0")
    return LineLost(f"{path}: {error}")


def _is_terminal(path: str) -> bool:
    """False only where that is certain: a device that has gone may come back as one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        return error.errno != errno.EISDIR
    try:
        return os.isatty(descriptor)
    finally:
        os.close(descriptor)


def _udev_name(path: str) -> str | None:
    """The name under /dev/serial/by-id of the device that ``path`` leads to."""
    device = os.path.realpath(path)
    if not _BY_ID.is_dir():
        return None
    return next((str(name) for name in _BY_ID.iterdir() if os.path.realpath(name) == device), None)
