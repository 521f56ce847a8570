"""Why a seqlock may be written in Python.

The argument has three parts.

1. A word is stored or loaded whole. ``memoryview(...).cast("Q")[i]`` moves 8 bytes by one constant-size ``memcpy``,
   which every C compiler turns into one ``mov``; an aligned 8-byte ``mov`` is atomic on x86-64 and on aarch64.
   (``struct`` with an explicit byte order writes byte by byte and must not be used for lock words.) ``test/frames``
   checks it by force.
2. Nothing reorders above the CPU. The interpreter runs statements in order, each an opaque call for the compiler.
3. The CPU keeps what a seqlock needs. x86-64 never reorders stores with stores or loads with loads (total store
   order), and the C library ends its non-temporal copies with ``sfence``. So a reader that sees the closing lock word
   also sees the data before it, and a reader that sees new data also sees the opening lock word. Elsewhere ``fence()``
   is needed.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable

_TOTAL_STORE_ORDER = platform.machine() in ("x86_64", "AMD64", "i686")
_lock = threading.Lock()


def _no_fence() -> None:
    """x86-64 keeps the order by itself."""


def _lock_fence() -> None:
    # An uncontended lock is an acquire and then a release. What precedes the first release stays before it, what
    # follows the second acquire stays after it, and the two are ordered since they are on one lock.
    with _lock:
        pass
    with _lock:
        pass


fence: Callable[[], None] = _no_fence if _TOTAL_STORE_ORDER else _lock_fence
"""Call between data and lock word, on both sides."""
