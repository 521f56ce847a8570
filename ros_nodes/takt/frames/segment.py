"""A ring's file in /dev/shm: made whole or not at all, its user's alone, and with locks that die with their owner.

``multiprocessing.shared_memory`` is not used: its resource tracker removes the segment when *any* process that attached
ends, which here would mean that a dying reader blinds the robot.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import struct
from pathlib import Path

from takt.errors import TaktError
from takt.frames.layout import Layout, parse

SHM = Path("/dev/shm")
WRITER_LOCK, ANNOTATOR_LOCK = 0, 1  # byte of the file that stands for the right to write
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LINK_FROM_FD = "/proc/self/fd/{}"


class Segment:
    """One mapped ring file. ``memory`` is the mapping; ``layout`` what its header states."""

    def __init__(self, path: Path, fd: int, layout: Layout, writable: bool) -> None:
        self.path = path
        self.layout = layout
        self._fd = fd
        self._locked: list[int] = []
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        self.memory = mmap.mmap(fd, layout.total_bytes, access=access)

    def is_current(self) -> bool:
        """False once the file was removed or replaced: time to attach again."""
        try:
            return os.stat(self.path).st_ino == os.fstat(self._fd).st_ino
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Give up the lock. The mapping itself lives until the last view of it is gone."""
        if self._fd < 0:
            return
        for (
            byte
        ) in self._locked:  # the mapping holds a copy of the descriptor, which would keep the lock alive
            _set_lock(self._fd, fcntl.F_UNLCK, byte)
        os.close(self._fd)
        self._fd = -1

    def lock(self, byte: int, role: str) -> None:
        """Become the only ``role`` of this ring until close or death. Raises TaktError if there is one."""
        try:
            _set_lock(self._fd, fcntl.F_WRLCK, byte)
        except (BlockingIOError, PermissionError) as error:
            raise TaktError(
                f"frame ring {self.path.name!r} already has a live {role}",
                f"end the other {role} or use another ring name",
            ) from error
        self._locked.append(byte)

    def is_locked(self, byte: int) -> bool:
        """True while another end of this ring, in any process, holds the right that ``byte`` stands for."""
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        kind: int = struct.unpack(_FLOCK, fcntl.fcntl(self._fd, fcntl.F_OFD_GETLK, asked))[0]
        return kind != fcntl.F_UNLCK


_FLOCK = "@hhqqi"


def _set_lock(fd: int, kind: int, byte: int) -> None:
    # An open-file-description lock: unlike flock there is one per byte, unlike lockf it is not lost when another part
    # of this process closes the file. The kernel releases it when its owner dies, however that happens.
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, kind, os.SEEK_SET, byte, 1, 0))


def path_of(name: str) -> Path:
    """The file of ring ``name``. Raises TaktError for a name that is no plain file name."""
    if not _NAME.fullmatch(name):
        raise TaktError(
            f"{name!r} is no name for a frame ring",
            "use up to 64 letters, digits, '_', '.' or '-', a letter or digit first",
        )
    return SHM / name


def attach(name: str, writable: bool) -> Segment:
    """Map an existing ring. Raises TaktError if it is absent, foreign or of another layout version."""
    path = path_of(name)
    fd = _open_own(path, writable)
    if fd is None:
        raise TaktError(
            f"there is no frame ring {name!r}", "start the camera first, or check the ring parameter"
        )
    layout = _layout_of(fd)
    if layout is None:
        os.close(fd)
        raise TaktError(
            f"{path} is no frame ring of this version",
            "end the processes of the older version and start the camera again",
        )
    return Segment(path, fd, layout, writable)


def create(name: str, layout: Layout) -> Segment:
    """The ring's file for its writer: an existing one of equal layout is reused, any other is replaced."""
    path = path_of(name)
    fd = _open_own(path, writable=True)
    if fd is not None:
        found = _layout_of(fd)
        if found is not None:
            segment = Segment(path, fd, found, writable=True)
            segment.lock(WRITER_LOCK, "writer")
            if found == layout:
                return segment
            segment.close()
        else:
            os.close(fd)
        path.unlink(missing_ok=True)
    segment = Segment(path, _new_file(path, layout), layout, writable=True)
    segment.lock(WRITER_LOCK, "writer")
    return segment


def remove(name: str) -> None:
    """Remove the ring's file; who has it mapped keeps it. Absent is fine."""
    path_of(name).unlink(missing_ok=True)


def _open_own(path: Path, writable: bool) -> int | None:
    flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TaktError(
            f"{path} cannot be opened: {error.strerror}", "remove it or use another ring name"
        ) from error
    facts = os.fstat(fd)
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        os.close(fd)
        raise TaktError(
            f"{path} belongs to another user or is open to others", "remove it or use another ring name"
        )
    return fd


def _layout_of(fd: int) -> Layout | None:
    return parse(os.pread(fd, 64, 0), os.fstat(fd).st_size)


def _new_file(path: Path, layout: Layout) -> int:
    # An unnamed file gets its name only when it is complete: nobody ever sees half a header, and a creator that is
    # killed on the way leaves nothing behind.
    fd = os.open(SHM, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(fd, 0o600)
        os.posix_fallocate(fd, 0, layout.total_bytes)
        os.pwrite(fd, layout.header(), 0)
        folder = os.open(SHM, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:  # the folder's descriptor makes Python call linkat, which follows /proc/self/fd/N to the unnamed file
            os.link(_LINK_FROM_FD.format(fd), path.name, dst_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)
    except OSError as error:
        os.close(fd)
        raise TaktError(
            f"frame ring {path.name!r} ({layout.total_bytes} bytes) cannot be made in {SHM}: {error.strerror}",
            "free shared memory, or make the ring smaller",
        ) from error
    return fd
