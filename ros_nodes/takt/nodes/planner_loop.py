"""The planner's own thread: looks into the ring on a fine grid, plans as soon as results are there, repeats in between.

A command goes out at once for each new observation, and again whenever a planner period has passed since the last
one, so that the board is never silent and no observation waits for a slow grid.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.subscription import Subscription

from takt.deadlines import Histogram, StageClock
from takt.errors import TaktError
from takt.frames import Attached, FrameRing

LOOK_NS = 5_000_000  # the grid; what a result can wait before it is seen
_ATTACH_AGAIN_NS = 200_000_000
_QUIET_NS = 500_000_000  # no new results for so long: is this still the camera's ring?


class TakenByLoop(CallbackGroup):  # type: ignore[misc]
    """Keeps the executor's hands off: the loop takes these messages itself, in its own scheduling class."""

    def can_execute(self, entity: Any) -> bool:
        return False


def take_all(subscription: Subscription) -> None:
    """Hand every waiting message to the subscription's callback; never waits."""
    handle = subscription.handle
    with handle:  # keeps it from being destroyed meanwhile
        while (taken := handle.take_message(subscription.msg_type, False)) is not None:
            subscription.callback(taken[0])


class RingEye:
    """The newest results in a ring that may not be there yet, or be replaced while one looks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ring: FrameRing | None = None
        self._newest: Attached | None = None
        self._tried_ns = self._changed_ns = 0

    def look(self, now_ns: int) -> Attached | None:
        """The newest results seen so far; ``now_ns`` of any steady clock."""
        ring = self._ring or self._attach(now_ns)
        if ring is None:
            return self._newest
        newest = ring.newest_attached()
        if newest is not None and (self._newest is None or _is_other(newest, self._newest)):
            self._newest, self._changed_ns = newest, now_ns
        elif now_ns - self._changed_ns > _QUIET_NS:
            self._changed_ns = now_ns
            if not ring.is_current():
                self.close()
        return self._newest

    def close(self) -> None:
        if self._ring is not None:
            self._ring.close()
        self._ring = None

    def _attach(self, now_ns: int) -> FrameRing | None:
        if now_ns - self._tried_ns < _ATTACH_AGAIN_NS:
            return None
        self._tried_ns = self._changed_ns = now_ns
        try:
            self._ring = FrameRing.attach(self._name, role="reader")
        except TaktError:
            return None  # the camera has not made its ring yet
        return self._ring


def _is_other(one: Attached, other: Attached) -> bool:
    return one.sequence != other.sequence or one.capture_stamp_ns != other.capture_stamp_ns


class PlannerLoop:
    """Calls ``plan(attached, is_new)`` from a thread of its own; ``late`` counts how late the grid's wake-ups were."""

    def __init__(
        self,
        ring_name: str,
        period_ns: int,
        plan: Callable[[Attached | None, bool], None],
        begin: Callable[[], object] = lambda: None,
        listen: Callable[[], None] = lambda: None,
        failed: Callable[[BaseException], None] | None = None,
        stage: StageClock | None = None,
    ) -> None:
        """``begin`` is called first by the new thread, for what belongs to a thread: its scheduling class.

        ``listen`` takes other input, on every wake-up. ``failed`` hears of the error that ended the loop. ``stage`` is
        told when the loop begins, rests, and wakes late.
        """
        self._begin = begin
        self._listen = listen
        self._stage = stage or StageClock("plan", float("inf"))
        self._failed = failed
        self._eye = RingEye(ring_name)
        self._period_ns = period_ns
        self._plan = plan
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="planner-loop", daemon=True)
        self.late = Histogram()
        self.skipped = 0

    def count_anew(self) -> None:
        """Lateness from now on; called by the loop's own thread."""
        self.late = Histogram()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._stop.set()
        self._thread.join()
        self._eye.close()

    def _run(self) -> None:
        try:
            self._turn()
        except Exception as error:
            if self._failed is None:
                raise
            self._failed(error)

    def _turn(self) -> None:
        self._begin()
        due_ns = owed_ns = time.monotonic_ns()
        planned_ns, seen = due_ns - self._period_ns, None
        while not self._stop.is_set():
            now_ns = self._wait(due_ns)
            self._stage.begin()
            self._stage.wake_late(owed_ns, now_ns)  # work that outlasts its tick makes the next one late too
            self._listen()
            attached = self._eye.look(now_ns)
            is_new = attached is not None and (seen is None or _is_other(attached, seen))
            if is_new or now_ns - planned_ns >= self._period_ns - LOOK_NS // 2:
                self._plan(attached, is_new)
                planned_ns, seen = now_ns, attached
            due_ns, owed_ns = self._next(due_ns), due_ns + LOOK_NS

    def _wait(self, due_ns: int) -> int:
        ahead_ns = due_ns - time.monotonic_ns()
        if ahead_ns > 0:
            time.sleep(ahead_ns / 1e9)
            self._stage.rested(ahead_ns)
        now_ns = time.monotonic_ns()
        self.late.add((now_ns - due_ns) / 1e3)
        return now_ns

    def _next(self, due_ns: int) -> int:
        """The next point of the grid that is not past; those missed are counted, never made up for."""
        missed = max(0, (time.monotonic_ns() - due_ns) // LOOK_NS)
        self.skipped += missed
        return due_ns + (missed + 1) * LOOK_NS
