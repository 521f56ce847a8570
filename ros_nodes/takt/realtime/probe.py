"""What Linux and Python did to one thread: read before its work, and again when that work was late.

A mark costs 5 to 8 us, by the number of Python threads. Nothing is decided here; takt.deadlines.blame does that.
"""

from __future__ import annotations

import gc
import os
import resource
import threading
import time

_MARKS = 16
_MARK_EVERY_NS = 2_000_000  # marks closer together than this are one
_CLOSE_NS = 100_000
_MOST_OTHERS = 4
_NS = 1e-6  # ms
Mark = tuple[int, int, int, int, int, int, int, int, int, int, int]


class GcPauses:
    """Adds up how long the garbage collector stopped this process, while anybody has it open."""

    def __init__(self) -> None:
        self.total_ns = 0
        self.collections = 0
        self._began_ns = 0
        self._users = 0

    def open(self) -> None:
        """Count from now on; as often as it is opened it has to be closed."""
        self._users += 1
        if self._users == 1:
            gc.callbacks.append(self._note)

    def close(self) -> None:
        self._users -= 1
        if self._users == 0:
            gc.callbacks.remove(self._note)
            self._began_ns = 0

    def so_far_ns(self) -> int:
        """With a collection under way as far as it is: who waited for it runs before its end is told."""
        began_ns = self._began_ns
        return self.total_ns + (time.monotonic_ns() - began_ns if began_ns else 0)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.monotonic_ns()
        elif self._began_ns:  # else it was opened in the midst of a collection
            self.total_ns += time.monotonic_ns() - self._began_ns
            self._began_ns = 0
            self.collections += 1


_PAUSES = GcPauses()  # one a process


class ThreadProbe:
    """Counters of the thread that calls ``mark`` first; to be used by that thread alone, and to be closed."""

    def __init__(self) -> None:
        self._gc = _PAUSES
        self._gc.open()
        self._is_open = True
        self._schedstat = self._thread = -1
        self._others: dict[int, int] = {}  # Python's other threads of this process -> their schedstat
        self.rested_ns = 0  # what the thread has slept because there was nothing to do; its owner adds it up
        self._marks: list[Mark | None] = [None] * _MARKS
        self._next = 0
        self._newest_ns = 0

    def mark(self) -> None:
        """Remember the counters as they are now; call it where the work begins, or before a wait for it."""
        now_ns = time.monotonic_ns()
        if threading.get_native_id() != self._thread:
            self._follow_thread()
        elif now_ns - self._newest_ns < _MARK_EVERY_NS:
            return
        self._newest_ns = now_ns
        self._marks[self._next % _MARKS] = self._read(now_ns)
        self._next += 1

    def since(self, entered_ns: int) -> tuple[int, dict[str, float]]:
        """(begin of the window, what happened from then to now), both by the steady clock.

        The window begins at the newest mark before ``entered_ns``, or at the oldest there is.
        """
        now_ns = time.monotonic_ns()
        now, then = self._read(now_ns), self._before(entered_ns)
        if then is None:
            return now_ns, {}
        return then[0], _difference(then, now)

    def seen_from_outside(self, now_ns: int) -> tuple[int, dict[str, float]]:
        """As ``since`` the newest mark, by another thread: what can be read of a thread that is busy."""
        then = max((mark for mark in self._marks if mark is not None), default=None)
        if then is None:
            return now_ns, {}
        step_ns = _clock_difference_ns() - then[1]
        return then[0], {
            "window_ms": (now_ns - then[0]) * _NS,
            "clock_step_ms": step_ns * _NS,
            "run_queue_wait_ms": (self._run_queue_wait_ns() - then[3]) * _NS,
            "gc_pause_ms": (self._gc.so_far_ns() - then[4]) * _NS,
        }

    def close(self) -> None:
        """No mark may follow. A second time it does nothing."""
        self._leave_thread()
        if self._is_open:
            self._is_open = False
            self._gc.close()

    def _leave_thread(self) -> None:
        for descriptor in (self._schedstat, *self._others.values()):
            if descriptor >= 0:
                os.close(descriptor)
        self._schedstat = -1
        self._others = {}

    def _before(self, entered_ns: int) -> Mark | None:
        kept = [mark for mark in self._marks if mark is not None]
        earlier = [mark for mark in kept if mark[0] <= entered_ns]
        if earlier:
            return max(earlier)
        return min(kept, default=None)

    def _read(self, now_ns: int) -> Mark:
        used = resource.getrusage(resource.RUSAGE_THREAD)
        return (
            now_ns,
            _clock_difference_ns(),
            time.thread_time_ns(),
            self._run_queue_wait_ns(),
            self._gc.so_far_ns(),
            round(used.ru_stime * 1e9),
            used.ru_minflt,
            used.ru_majflt,
            time.process_time_ns(),
            self.rested_ns,
            self._others_wait_ns(),
        )

    def _follow_thread(self) -> None:
        """Another thread does the work now: its counters begin anew."""
        self._leave_thread()
        self._thread = threading.get_native_id()
        self._marks = [None] * _MARKS
        self._schedstat = _opened(self._thread)
        others = [one.native_id for one in threading.enumerate() if one.native_id not in (None, self._thread)]
        self._others = {thread: _opened(thread) for thread in others[:_MOST_OTHERS] if thread is not None}

    def _run_queue_wait_ns(self) -> int:
        """Time that this thread was ready and no processor took it; 0 where the kernel does not count it."""
        return _waited_ns(self._schedstat)

    def _others_wait_ns(self) -> int:
        """The same of Python's other threads, added up: one of them may hold the interpreter meanwhile."""
        return sum(_waited_ns(descriptor) for descriptor in self._others.values())


def _opened(thread: int) -> int:
    try:
        return os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _waited_ns(schedstat: int) -> int:
    if schedstat < 0:
        return 0
    try:
        return int(os.pread(schedstat, 64, 0).split()[1])
    except OSError:  # that thread has ended
        return 0


def _clock_difference_ns() -> int:
    """ROS time of this host less the steady clock; the two reads were not torn apart, or not three times."""
    for _ in range(3):
        before_ns = time.monotonic_ns()
        difference_ns = time.time_ns() - before_ns
        if time.monotonic_ns() - before_ns < _CLOSE_NS:
            break
    return difference_ns


def _difference(then: Mark, now: Mark) -> dict[str, float]:
    window, step, cpu, waited, collected, kernel, minor, major, process, rested, others = (
        b - a for a, b in zip(then, now, strict=True)
    )
    return {
        "window_ms": window * _NS,
        "clock_step_ms": step * _NS,
        "cpu_ms": cpu * _NS,
        "run_queue_wait_ms": waited * _NS,
        "gc_pause_ms": collected * _NS,
        "kernel_cpu_ms": kernel * _NS,
        "minor_faults": minor,
        "major_faults": major,
        "other_threads_cpu_ms": max(process - cpu, 0) * _NS,
        "blocked_ms": max(window - cpu - waited - rested, 0) * _NS,
        "other_threads_wait_ms": max(others, 0) * _NS,
    }
