"""Waits on a word in shared memory until another process changes it: no polling, a wake-up costs one system call.

Where the C library or the machine has no futex (the number of the call is per architecture) ``wait`` is a short sleep
and ``wake`` does nothing; callers re-check their word either way.
"""

from __future__ import annotations

import ctypes
import platform
import sys
import time

_NUMBERS = {"x86_64": 202, "aarch64": 98, "armv7l": 240, "riscv64": 98}
_NUMBER = _NUMBERS.get(platform.machine()) if sys.platform == "linux" else None
_WAIT, _WAKE = 0, 1
_EVERYBODY = 0x7FFF_FFFF
_FALLBACK_SLEEP_S = 0.001


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


_syscall = ctypes.CDLL(None).syscall if _NUMBER is not None else None
if _syscall is not None:
    _syscall.restype = ctypes.c_long
    _syscall.argtypes = (
        ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32,
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32,
    )  # fmt: skip


def wait(address: int, expected: int, timeout_s: float) -> None:
    """Sleep while the 32-bit word at ``address`` holds ``expected``, for at most ``timeout_s``; may return early."""
    if _syscall is None:
        time.sleep(min(timeout_s, _FALLBACK_SLEEP_S))
        return
    seconds = int(timeout_s)
    limit = _Timespec(seconds, int((timeout_s - seconds) * 1e9))
    _syscall(_NUMBER, address, _WAIT, expected & 0xFFFF_FFFF, ctypes.addressof(limit), None, 0)


def wake(address: int) -> None:
    """Wake everybody who waits on the word at ``address``."""
    if _syscall is not None:
        _syscall(_NUMBER, address, _WAKE, _EVERYBODY, None, None, 0)
