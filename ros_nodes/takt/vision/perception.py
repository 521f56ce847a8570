"""The detector's loop without ROS: a thread that takes the newest frame, finds boxes, and attaches them to that frame.

Nothing queues: while one frame is worked on, newer ones come and go, and the next one taken is the newest. A frame that
is older than the stage's budget when it is taken is worth nothing to a moving robot, so it is skipped and counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from takt.deadlines import StageClock
from takt.errors import TaktError
from takt.frames import Detections, Frame, FrameRing
from takt.vision.detector import Detector
from takt.vision.worker import Worker

_WAIT_S = 0.1
_RETRY_S = 0.1
_SILENT_WAITS = 5  # waits without a frame before asking whether the ring is still the camera's

MakeDetector = Callable[[int, int], Detector]


class Perception:
    """``start`` and ``stop`` from any thread."""

    def __init__(
        self,
        ring_name: str,
        make_detector: MakeDetector,
        clock: StageClock,
        say: Callable[[str], object],
        enter_realtime: Callable[[], object] = lambda: None,
    ) -> None:
        """``make_detector(width_px, height_px)`` is called in the loop's thread once the picture size is known, and
        ``enter_realtime`` after it: loading a model is slow work that no deadline hangs on."""
        self._ring_name, self._make_detector, self._clock, self._say = ring_name, make_detector, clock, say
        self._enter_realtime = enter_realtime
        self._worker = Worker("perception", self._run)
        self.detected = 0

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        """Ends after the frame under way."""
        self._worker.stop()

    def _run(self) -> None:
        waiting, realtime = "", False
        while not self._worker.ended.is_set():
            try:
                with FrameRing.attach(self._ring_name, "annotator") as ring:
                    self._say(f"frame ring {self._ring_name} attached")
                    waiting = ""
                    detector = self._make_detector(ring.layout.width_px, ring.layout.height_px)
                    if not realtime:
                        realtime = True
                        self._enter_realtime()
                    self._work(ring, detector)
            except TaktError as error:
                if str(error) != waiting:
                    waiting = str(error)
                    self._say(waiting)
                self._worker.ended.wait(_RETRY_S)

    def _work(self, ring: FrameRing, detector: Detector) -> None:
        """Until told to end, or until the camera made another ring."""
        last, silent = ring.newest_sequence, 0
        while not self._worker.ended.is_set():
            frame = ring.wait_newer(last, _WAIT_S)
            if frame is None:
                silent += 1
                if silent % _SILENT_WAITS == 0 and not ring.is_current():
                    return
                continue
            silent, last = 0, frame.sequence
            self._look_at(ring, frame, detector)

    def _look_at(self, ring: FrameRing, frame: Frame, detector: Detector) -> None:
        enter_ns = time.time_ns()
        if enter_ns - frame.capture_stamp_ns > self._clock.budget_ms * 1e6:
            self._clock.skip("stale")
            return
        detections: Detections = detector.detect(frame.pixels)
        exit_ns = time.time_ns()
        if not frame.still_valid() or not ring.attach_detections(
            frame.sequence, detections, enter_ns, exit_ns
        ):
            self._clock.skip("recycled")
            return
        self._clock.record(enter_ns, exit_ns)
        self.detected += 1
