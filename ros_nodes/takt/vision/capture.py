"""The camera's loop without ROS: a thread that fills the ring on an absolute grid and reopens a lost source."""

from __future__ import annotations

import time
from collections.abc import Callable

from takt.deadlines import StageClock
from takt.deadlines.stage_clock import NOTHING
from takt.errors import TaktError
from takt.frames import FrameRing
from takt.vision.sources import ImageSource, SourceSettings, open_source
from takt.vision.worker import Worker

_REOPEN_S = 0.5


class Capture:
    """``start`` and ``stop`` from any thread; source and ring are touched by the loop's thread alone."""

    def __init__(
        self,
        settings: SourceSettings,
        ring: FrameRing,
        clock: StageClock,
        say: Callable[[str], object],
        enter_realtime: Callable[[], object] = lambda: None,
        opener: Callable[[SourceSettings], ImageSource] = open_source,
        ros_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """``say`` gets one line for each change: source open, source gone. ``enter_realtime`` is called by the loop's
        thread once its first source is open: making one is slow work that no deadline hangs on. ``ros_ns`` reads ROS
        time."""
        self._ros_ns = ros_ns
        self._settings, self._ring, self._clock, self._say, self._open = settings, ring, clock, say, opener
        self._enter_realtime = enter_realtime
        self._worker = Worker("capture", self._run)
        self._old_ns = round(clock.budget_ms * 1e6 + 1e9 / settings.rate_hz)  # a picture of the frame before
        self._told = ""
        self.captured = 0
        self.source_open = False

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        """Ends after the picture under way."""
        self._worker.stop()

    def _run(self) -> None:
        realtime = False
        while not self._worker.ended.is_set():
            try:
                source = self._open(self._settings)
            except TaktError as error:
                self._pause_after(error)
                continue
            if not realtime:
                realtime = True
                self._enter_realtime()
            self._use(source)

    def _use(self, source: ImageSource) -> None:
        self._tell(f"source {self._settings.kind} is open")
        self.source_open = True
        try:
            self._fill(source)
        except TaktError as error:
            self._pause_after(error)
        finally:
            self.source_open = False
            source.close()

    def _fill(self, source: ImageSource) -> None:
        """Pictures at the contract's rate; a release that was missed is counted, never made up for."""
        period_s = 1.0 / self._settings.rate_hz
        due_s = time.monotonic()
        while not self._worker.ended.is_set():
            self._clock.begin()
            self._take(source)
            due_s += period_s
            late_s = time.monotonic() - due_s
            if late_s > 0.0:
                missed = int(late_s / period_s) + 1
                due_s += missed * period_s
                for _ in range(missed):
                    self._clock.skip("late")
            self._rest(due_s)

    def _rest(self, due_s: float) -> None:
        """Sleep until the next release, which is itself on time or late."""
        rest_s = max(0.0, due_s - time.monotonic())
        time.sleep(rest_s)
        self._clock.rested(round(rest_s * 1e9))
        self._clock.wake_late(round(due_s * 1e9), time.monotonic_ns())

    def _take(self, source: ImageSource) -> None:
        enter_ns = self._ros_ns()
        slot = self._ring.begin()
        stamp_ns = source.read_into(slot.pixels)
        exit_ns = self._ros_ns()
        self._ring.publish(slot, stamp_ns, enter_ns, exit_ns)
        took_ns, age_ns = exit_ns - enter_ns, enter_ns - stamp_ns
        late = took_ns > self._clock.budget_ms * 1e6
        self._clock.record(enter_ns, exit_ns, {"source_ms": took_ns / 1e6} if late else NOTHING)
        if not late and age_ns > self._old_ns:
            self._clock.misses += 1
            self._clock.missed(stamp_ns, exit_ns, {"input_age_ms": age_ns / 1e6})
        self.captured += 1

    def _pause_after(self, error: TaktError) -> None:
        self._tell(str(error))
        self._worker.ended.wait(_REOPEN_S)

    def _tell(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self._say(line)
