"""Removes the shared memory that killed ROS processes left behind.

A process ended by SIGKILL cannot remove its Fast DDS segment (megabytes in /dev/shm each). The owner of segment NAME
holds a lock on NAME_el while it lives, and the kernel drops the lock with the process: who can take it may clean up.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
_YOUNGEST_S = 10.0  # a segment that is just being made may not be locked yet


def remove_stale(folder: Path = SHARED_MEMORY, now_s: float | None = None) -> int:
    """Remove every segment whose owner is gone; returns the bytes freed. ``now_s`` is seconds since the epoch."""
    freed = 0
    for segment, lock in stale(folder, time.time() if now_s is None else now_s):
        try:
            if segment.exists():
                freed += segment.stat().st_size
                segment.unlink()
            lock.unlink()
        except (FileNotFoundError, PermissionError):
            continue  # someone else was faster, or it belongs to another user
    return freed


def stale(folder: Path, now_s: float) -> list[tuple[Path, Path]]:
    """(segment, its lock) of every owner that is gone; the segment may be missing. Nothing is changed."""
    found = []
    for lock in folder.glob(f"fastdds_{'?' * 16}_el"):
        try:
            if now_s - lock.stat().st_mtime >= _YOUNGEST_S and _ownerless(lock):
                found.append((lock.with_name(lock.name.removesuffix("_el")), lock))
        except (FileNotFoundError, PermissionError):
            continue
    return found


def _ownerless(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


if __name__ == "__main__":
    print(f"{remove_stale() / 1e6:.0f} MB of shared memory freed")
    sys.exit(0)
