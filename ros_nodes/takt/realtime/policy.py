"""What a process asks of the scheduler, and what it was granted. A refusal is a warning with its fix, never a stop."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
from dataclasses import dataclass, field

LIMITS_FILE = "/etc/security/limits.d/takt.conf"
_LOWEST = 1
_SWITCH_S = (
    0.0005  # after so long a thread must let go of the interpreter when another waits; Python's own is 5 ms
)
_MCL_CURRENT_AND_FUTURE = 3
_MCL_CURRENT_FUTURE_ONFAULT = 7  # lock pages as they are touched: libraries map far more than they use


@dataclass(frozen=True)
class Granted:
    """What was asked and what holds. ``fifo_priority`` 0 is the normal scheduler."""

    fifo_priority_asked: int
    fifo_priority: int
    memory_locked: bool
    warnings: tuple[str, ...] = field(default=())

    def describe(self) -> str:
        """One line for the log."""
        asked = f"SCHED_FIFO {self.fifo_priority_asked}" if self.fifo_priority_asked else "normal scheduler"
        got = f"SCHED_FIFO {self.fifo_priority}" if self.fifo_priority else "normal scheduler"
        return f"asked {asked}, granted {got}; memory {'locked' if self.memory_locked else 'not locked'}"


def apply_policy(priority: int, lock_memory: bool = True) -> Granted:
    """Ask for SCHED_FIFO at ``priority`` (1 to 99; 0 asks for nothing) and locked memory.

    The class is the calling thread's; threads started afterwards inherit it. Also freezes what the garbage collector
    knows, so that a collection only looks at what was made since. Call it when the start-up work is done: a FIFO
    thread that computes for long makes Linux give the starved normal class up to 50 ms at one go, before every FIFO
    thread of the machine.
    """
    if not 0 <= priority <= 99:
        raise ValueError(f"priority must lie in 0..99, got {priority}")
    warnings: list[str] = []
    granted = _ask_fifo(priority, warnings) if priority else 0
    locked = _lock_memory(warnings) if lock_memory else False
    gc.collect()
    gc.freeze()
    return Granted(priority, granted, locked, tuple(warnings))


def lift_other_threads() -> int:
    """Give this process's threads of the normal class SCHED_FIFO 1; returns how many took it.

    Whoever holds the interpreter's lock holds up every thread of the process. A thread of the normal class that other
    programs push off its processor while it holds that lock would keep the stage's own thread waiting for as long. The
    lowest real-time priority is enough: below every stage, above everything that is no part of the robot.
    """
    sys.setswitchinterval(_SWITCH_S)
    lifted = 0
    for thread in map(int, os.listdir("/proc/self/task")):
        with contextlib.suppress(OSError):  # it has ended meanwhile, or may not
            if os.sched_getscheduler(thread) not in (os.SCHED_FIFO, os.SCHED_RR):
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(_LOWEST))
                lifted += 1
    return lifted


def take_priority(priority: int) -> bool:
    """SCHED_FIFO at ``priority`` for the calling thread alone; False where that is refused, which the process's own
    ``apply_policy`` has told already."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError:
        return False
    return True


def limit_fix(item: str, value: str) -> str:
    """What a person types to be granted more: ``item`` and ``value`` as limits.conf(5) names them."""
    return f"echo '@dialout - {item} {value}' | sudo tee -a {LIMITS_FILE}, then log in anew"


def _ask_fifo(priority: int, warnings: list[str]) -> int:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        return priority
    except PermissionError:
        warnings.append(
            "SCHED_FIFO refused: latencies will have long tails. "
            f"Fix: run as root, or {limit_fix('rtprio', '95')}"
        )
        return 0


def _lock_memory(warnings: list[str]) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT_FUTURE_ONFAULT) == 0 or libc.mlockall(_MCL_CURRENT_AND_FUTURE) == 0:
        return True
    reason = os.strerror(ctypes.get_errno())
    warnings.append(
        f"mlockall refused ({reason}): page faults may delay the loop. "
        f"Fix: run as root, or {limit_fix('memlock', 'unlimited')}"
    )
    return False
