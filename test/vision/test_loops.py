"""The capture and perception threads on a real ring, with sources and models that do as they are told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import constant_model as made
import numpy as np
import pytest
from numpy.typing import NDArray

from takt.deadlines import StageClock
from takt.errors import TaktError
from takt.frames import Detections, FrameRing
from takt.vision import model_card
from takt.vision.capture import Capture
from takt.vision.detector import Detector
from takt.vision.looks import Look, Model
from takt.vision.perception import Perception
from takt.vision.quality import Step
from takt.vision.sources import SourceSettings
from takt.vision.worker import Worker

WIDTH_PX, HEIGHT_PX = made.COLUMNS * made.STRIDE_PX, made.ROWS * made.STRIDE_PX
SETTINGS = SourceSettings("images", WIDTH_PX, HEIGHT_PX, 200, folder="unused")
ALWAYS_MS = 1e9


def until(condition: Callable[[], bool], what: str) -> None:
    limit_s = time.monotonic() + 120.0
    while not condition():
        assert time.monotonic() < limit_s, what
        time.sleep(0.002)


class Begun(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


class Publisher:
    """Publishes a frame a call, ever more slowly: on a busy machine a result may take longer than a round."""

    def __init__(self, ring: FrameRing, age_ns: int = 0) -> None:
        self._ring, self._age_ns, self._pause_s = ring, age_ns, 0.005

    def publish(self) -> None:
        self._ring.publish(self._ring.begin(), time.time_ns() - self._age_ns, 1, 2)
        time.sleep(self._pause_s)
        self._pause_s *= 1.05


Begin = Callable[[Begun], None]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Starts a capture or a perception; it ends with the test, however that ends."""
    begun: list[Begun] = []

    def start(one: Begun) -> None:
        begun.append(one)
        one.start()

    yield start
    for one in begun:
        one.stop()


class Counting:
    """Pictures that show their number; fails after ``good`` of them."""

    def __init__(self, good: int) -> None:
        self.left, self.closed = good, False

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        if self.left == 0:
            raise TaktError("camera unplugged", "connect it again")
        self.left -= 1
        pixels[:] = self.left % 256
        return time.time_ns()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    output = made.empty_output()
    made.put(output, 1, 2, 0, (4.0, 2.0, 30.0, 26.0), logit=2.0)
    made.write_model(tmp_path / "test.onnx", output)
    return Detector(model_card.load(made.write_card(tmp_path)), WIDTH_PX, HEIGHT_PX)


def seen_by(model: Model) -> Look:
    return Look(Step("at full", 1.0), model)


def test_a_lost_source_is_opened_again(ring_name: str, begin: Begin) -> None:
    opened: list[Counting] = []

    def opener(settings: SourceSettings) -> Counting:
        if len(opened) == 1 and opened[0].closed and not said.count("no camera. Fix: wait"):
            raise TaktError("no camera", "wait")
        opened.append(Counting(3 if not opened else 1000))
        return opened[-1]

    said: list[str] = []
    entered: list[str] = []
    ring, clock = FrameRing.create(ring_name, WIDTH_PX, HEIGHT_PX), StageClock("capture", ALWAYS_MS)
    capture = Capture(SETTINGS, ring, clock, said.append, lambda: entered.append("fifo"), opener)
    begin(capture)
    until(lambda: capture.captured >= 6, "the source was not opened again")
    capture.stop()
    assert opened[0].closed and opened[1].closed and not capture.source_open
    lost = "camera unplugged. Fix: connect it again"
    assert said == ["source images is open", lost, "no camera. Fix: wait", "source images is open"]
    assert ring.newest_sequence == capture.captured == clock.histogram.count and entered == ["fifo"]


def test_capture_keeps_its_grid_and_counts_what_it_missed(ring_name: str, begin: Begin) -> None:
    class Slow(Counting):
        def read_into(self, pixels: NDArray[np.uint8]) -> int:
            time.sleep(0.025)  # five periods
            return super().read_into(pixels)

    ring, clock = FrameRing.create(ring_name, WIDTH_PX, HEIGHT_PX), StageClock("capture", 5.0)
    capture = Capture(SETTINGS, ring, clock, lambda line: None, opener=lambda settings: Slow(1000))
    begin(capture)
    until(lambda: capture.captured >= 4, "no pictures")
    capture.stop()
    assert clock.skipped["late"] >= 4 * 3 and clock.misses >= 4


def test_results_are_attached_to_the_frame_they_came_from(
    ring_name: str, detector: Detector, begin: Begin
) -> None:
    clock = StageClock("detect", ALWAYS_MS)
    perception = Perception(ring_name, lambda width, height: [seen_by(detector)], clock, lambda line: None)
    begin(perception)  # before there is a ring: it waits
    ring = FrameRing.create(ring_name, WIDTH_PX, HEIGHT_PX)

    camera = Publisher(ring)

    def publish_until_attached() -> bool:
        camera.publish()
        return ring.newest_attached() is not None

    until(publish_until_attached, "nothing was attached")
    perception.stop()
    attached = ring.newest_attached()
    assert attached is not None and len(attached.detections) == 1
    np.testing.assert_allclose(attached.detections.boxes_xyxy_px, [(4.0, 2.0, 30.0, 26.0)], atol=1e-3)
    assert attached.detect_exit_ns > attached.detect_enter_ns > attached.capture_stamp_ns
    assert perception.detected == clock.histogram.count >= 1


def test_old_frames_are_skipped_and_counted(ring_name: str, detector: Detector, begin: Begin) -> None:
    ring, clock = FrameRing.create(ring_name, WIDTH_PX, HEIGHT_PX), StageClock("detect", 33.0)
    perception = Perception(ring_name, lambda width, height: [seen_by(detector)], clock, lambda line: None)
    begin(perception)

    camera = Publisher(ring, age_ns=1_000_000_000)

    def publish_old() -> bool:
        camera.publish()
        return clock.skipped.get("stale", 0) >= 3

    until(publish_old, "no frame was skipped")
    perception.stop()
    assert perception.detected == 0 and ring.newest_attached() is None


def test_a_frame_that_was_overwritten_during_inference_gets_no_result(
    ring_name: str, detector: Detector, begin: Begin
) -> None:
    ring, clock = FrameRing.create(ring_name, WIDTH_PX, HEIGHT_PX, slots=3), StageClock("detect", ALWAYS_MS)

    writing = threading.Lock()  # a ring has one writer at a time

    class Overtaken:
        cancel, resume = detector.cancel, detector.resume

        def detect(self, pixels: NDArray[np.uint8]) -> Detections:
            with writing:
                for _ in range(4):
                    ring.publish(ring.begin(), time.time_ns(), 1, 2)
            return detector.detect(pixels)

    perception = Perception(ring_name, lambda width, height: [seen_by(Overtaken())], clock, lambda line: None)
    begin(perception)
    camera = Publisher(ring)

    def publish_until_recycled() -> bool:
        with writing:
            camera.publish()
        return clock.skipped.get("recycled", 0) >= 1

    until(publish_until_recycled, "nothing was seen")
    perception.stop()
    assert ring.newest_attached() is None and clock.skipped["recycled"] >= 1


def test_perception_follows_a_camera_that_makes_another_ring(
    ring_name: str, detector: Detector, begin: Begin
) -> None:
    clock = StageClock("detect", ALWAYS_MS)
    sizes: list[tuple[int, int]] = []

    def make(width_px: int, height_px: int) -> list[Look]:
        sizes.append((width_px, height_px))
        return [seen_by(Detector(detector.card, width_px, height_px))]

    perception = Perception(ring_name, make, clock, lambda line: None)
    first = FrameRing.create(ring_name, WIDTH_PX, HEIGHT_PX)
    begin(perception)
    until(lambda: len(sizes) == 1, "the first ring was not attached")
    first.close()
    second = FrameRing.create(ring_name, 2 * WIDTH_PX, 2 * HEIGHT_PX)

    camera = Publisher(second)

    def publish_until_attached() -> bool:
        camera.publish()
        return second.newest_attached() is not None

    until(lambda: len(sizes) == 2, "the second ring was not attached")
    until(publish_until_attached, "nothing was attached in the second ring")
    perception.stop()
    assert sizes == [(WIDTH_PX, HEIGHT_PX), (2 * WIDTH_PX, 2 * HEIGHT_PX)]


def fail() -> None:
    raise OSError("the model's memory is gone")


def test_a_worker_whose_work_fails_ends_the_process() -> None:
    ended = threading.Event()
    previous = signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    try:
        worker = Worker("failing", fail)
        worker.start()
        until(ended.is_set, "the failure was silent")
        worker.stop()
    finally:
        signal.signal(signal.SIGTERM, previous)
