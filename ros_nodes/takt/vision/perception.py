"""The detector's loop without ROS: a thread that takes the newest frame, finds boxes, and attaches them to that frame.

Nothing queues: while one frame is worked on, newer ones come and go, and the next one taken is the newest. A frame that
is older than the stage's budget when it is taken is worth nothing to a moving robot, so it is skipped and counted. A
model that is slow is looked through less closely (quality.py); one that fails is left alone for a while (breaker.py).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from takt.deadlines import StageClock
from takt.deadlines.stage_clock import NOTHING
from takt.errors import TaktError
from takt.frames import Detections, Frame, FrameRing
from takt.vision.breaker import Breaker, BreakerLimits
from takt.vision.detector import NotFinite
from takt.vision.looks import Look
from takt.vision.quality import Quality
from takt.vision.time_limit import TimeLimit
from takt.vision.worker import Worker

_WAIT_S = 0.1
_RETRY_S = 0.1
_SILENT_WAITS = 5  # waits without a frame before asking whether the ring is still the camera's
_LIMIT_BUDGETS = 2.0  # a run that takes more budgets than this is cancelled
_HOPELESS_S = 1.0  # a cancelled run that goes on for so long cannot be ended from inside
_NANOSECONDS = 1e9

MakeLooks = Callable[[int, int], Sequence[Look]]


class Perception:
    """``start`` and ``stop`` from any thread; ``breaker`` and ``quality`` are for those who look on."""

    def __init__(
        self,
        ring_name: str,
        make_looks: MakeLooks,
        clock: StageClock,
        say: Callable[[str], object],
        enter_realtime: Callable[[], object] = lambda: None,
        limits: BreakerLimits | None = None,
        ros_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """``make_looks(width_px, height_px)`` is called in the loop's thread once the picture size is known, and
        ``enter_realtime`` after it: loading a model is slow work that no deadline hangs on. ``ros_ns`` reads ROS
        time."""
        self._ros_ns = ros_ns
        self._ring_name, self._make_looks, self._clock, self._say = ring_name, make_looks, clock, say
        self._enter_realtime = enter_realtime
        self._worker = Worker("perception", self._run)
        self._looks: dict[str, Look] = {}
        self._limit_ns = _LIMIT_BUDGETS * clock.budget_ms * 1e6
        self._time_limit: TimeLimit | None = None
        self._centre_px: tuple[float, float] | None = None
        self._last_error = ""
        self._given_up = False  # the run under way is over its time limit, and was told to be
        self.breaker = Breaker(limits or BreakerLimits(), say)
        self.quality: Quality | None = None
        self.detected = 0

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        """Ends after the frame under way."""
        self._worker.stop()
        if self._time_limit is not None:
            self._time_limit.close()
            self._time_limit = None

    def _run(self) -> None:
        waiting, realtime = "", False
        while not self._worker.ended.is_set():
            try:
                with FrameRing.attach(self._ring_name, "annotator") as ring:
                    self._say(f"frame ring {self._ring_name} attached")
                    waiting = ""
                    self._prepare(ring)
                    if not realtime:
                        realtime = True
                        self._enter_realtime()
                    self._work(ring)
            except TaktError as error:
                if str(error) != waiting:
                    waiting = str(error)
                    self._say(waiting)
                self._worker.ended.wait(_RETRY_S)

    def _prepare(self, ring: FrameRing) -> None:
        looks = self._make_looks(ring.layout.width_px, ring.layout.height_px)
        self._looks = {look.step.name: look for look in looks}
        self.quality = Quality([look.step for look in looks], self._clock.budget_ms, self._say)
        self._centre_px = (ring.layout.width_px / 2, ring.layout.height_px / 2)
        if self._time_limit is None:
            self._time_limit = TimeLimit(self._limit_ns / _NANOSECONDS, _HOPELESS_S, self._give_up)

    def _work(self, ring: FrameRing) -> None:
        """Until told to end, or until the camera made another ring."""
        last, silent, frames = ring.newest_sequence, 0, 0
        assert self.quality is not None
        while not self._worker.ended.is_set():
            self._clock.begin()
            frame = self._wait(ring, last)
            if frame is None:
                silent += 1
                if silent % _SILENT_WAITS == 0 and not ring.is_current():
                    return
                continue
            self._clock.queued(frame.sequence - last - 1 if last else 0)
            silent, last, frames = 0, frame.sequence, frames + 1
            if frames % self.quality.step.every == 0:
                self._look_at(ring, frame)
            ring.tell_annotator_state(self.breaker.state, self.quality.index)

    def _wait(self, ring: FrameRing, last: int) -> Frame | None:
        began_ns = time.monotonic_ns()
        frame = ring.wait_newer(last, _WAIT_S)
        self._clock.rested(time.monotonic_ns() - began_ns)
        return frame

    def _look_at(self, ring: FrameRing, frame: Frame) -> None:
        """One frame: firm deadline, breaker, model, and what both ladders learn from it."""
        assert self.quality is not None
        enter_ns = self._ros_ns()
        if enter_ns - frame.capture_stamp_ns > self._clock.budget_ms * 1e6:
            self._clock.skip("stale")
            self._too_old(frame, enter_ns)
            self.quality.after(0.0, True, time.monotonic_ns())
            return
        if not self.breaker.allows(time.monotonic_ns()):
            self._clock.skip("breaker")
            return
        began_ns = time.monotonic_ns()
        found = self._detect(frame)
        took_ms = (time.monotonic_ns() - began_ns) / 1e6
        self.quality.after(took_ms, False, time.monotonic_ns())
        if found is not None:
            self._attach(ring, frame, found, enter_ns, took_ms)
        elif took_ms > self._clock.budget_ms and not self._given_up:
            self._clock.misses += 1
            self._clock.missed(enter_ns, self._ros_ns(), {"inference_ms": took_ms})

    def _cancel(self, look: Look, began_ns: int) -> None:
        """The time limit's thread: the frame is late already, whenever the model comes back."""
        look.model.cancel()
        took_ns = time.monotonic_ns() - began_ns
        now_ns = self._ros_ns()
        self._given_up = True
        facts = {"inference_ms": took_ns / 1e6, "inference_cancelled": 1.0}
        self._clock.given_up(now_ns - took_ns, now_ns, facts)

    def _too_old(self, frame: Frame, now_ns: int) -> None:
        """A frame that can no longer be in time: the camera was late with it, or it waited for us."""
        self._clock.misses += 1
        facts = {
            "queue_ms": (now_ns - frame.capture_exit_ns) / 1e6,
            "input_age_ms": (frame.capture_exit_ns - frame.capture_stamp_ns) / 1e6,
        }
        self._clock.missed(frame.capture_stamp_ns, now_ns, facts)

    def _detect(self, frame: Frame) -> Detections | None:
        """What the model finds within its time, or None; the breaker hears either way."""
        assert self.quality is not None and self._time_limit is not None and self._centre_px is not None
        self._given_up = False
        look, began_ns = self._looks[self.quality.step.name], time.monotonic_ns()
        found, reason = None, ""
        try:
            with self._time_limit.over(partial(self._cancel, look, began_ns)):
                found = look.at(frame.pixels, self._centre_px)
        except NotFinite as error:
            reason = self._note("nan", error)
        except Exception as error:  # onnxruntime's errors have no common base but this
            reason = self._note("error", error)
        finally:
            look.model.resume()
        now_ns = time.monotonic_ns()
        if now_ns - began_ns > self._limit_ns:
            found, reason = None, "time limit"
        if found is None:
            self.breaker.failed(reason, now_ns)
            self._clock.skip(reason.replace(" ", "_"))
            return None
        self.breaker.succeeded()
        return found

    def _note(self, reason: str, error: Exception) -> str:
        """Each different error is told once, not thirty times a second."""
        line = " ".join(str(error).split())[:200]
        if line != self._last_error:
            self._last_error = line
            self._say(f"the model failed: {line}")
        return reason

    def _attach(
        self, ring: FrameRing, frame: Frame, found: Detections, enter_ns: int, took_ms: float
    ) -> None:
        exit_ns = self._ros_ns()
        if not frame.still_valid() or not ring.attach_detections(frame.sequence, found, enter_ns, exit_ns):
            self._clock.skip("recycled")
            return
        if len(found):
            left, top, right, bottom = found.boxes_xyxy_px[0].tolist()
            self._centre_px = ((left + right) / 2, (top + bottom) / 2)
        late = exit_ns - enter_ns > self._clock.budget_ms * 1e6
        self._clock.record(enter_ns, exit_ns, {"inference_ms": took_ms} if late else NOTHING)
        self.detected += 1

    def _give_up(self) -> None:
        # Nothing in this process can end a run that does not look at its flag, and none of its locks need care: the
        # kernel frees them. Who watches the process starts it again.
        print(
            "error: the model hangs and cannot be cancelled: ending this process", file=sys.stderr, flush=True
        )
        os.kill(os.getpid(), signal.SIGKILL)
