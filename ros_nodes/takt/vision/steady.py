"""`takt prove perception-steady`: what perception itself allocates for a frame once it runs, and that nothing grows.

Capture, ring and perception run as they do on the robot, on one thread and without waiting: a source writes into the
slot, the model looks, results are attached, a reader takes them. tracemalloc sees every block that Python or numpy asks
for; the network's own memory is onnxruntime's and planned before the first frame. Every second frame is crowded: a
score threshold so low that every cell is a candidate and 32 boxes remain.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
import tracemalloc
from pathlib import Path

import numpy as np

from takt.errors import TaktError
from takt.frames import FrameRing
from takt.vision import model_card
from takt.vision.detector import Detector

_MOST_BYTES_A_FRAME = 4096
_KEPT_BYTES = 256  # of tracemalloc's own view of a frame: small integers and views that come and go
_WARM_UP_FRAMES = 200
_SETTLE_FRAMES = 16
_WINDOW_FRAMES = 1000
_MOST_GROWTH_BYTES = 64 * 1024  # over all frames; an object kept each frame would be megabytes
_SIZE = (320, 240)
_CROWDED = 1e-9


def main(argv: list[str]) -> int:
    """Exit status 0 when perception is steady."""
    parser = argparse.ArgumentParser(prog="takt prove perception-steady", description=__doc__)
    parser.add_argument("--count", type=int, default=30_000, help="frames (default 30000)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(argv)
    if options.count < 10:
        raise TaktError(f"--count {options.count} proves nothing", "give at least 10")
    report = run(options.count)
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0 if report["ok"] else 1


def run(frames: int) -> dict[str, object]:
    """Bytes kept of a frame over the first 1000, most held at once in one, growth over all; and whether it is fine."""
    name = f"takt_steady_{os.getpid()}"
    with FrameRing.create(name, *_SIZE) as camera:
        road = _Road(camera, name)
        for _ in range(_WARM_UP_FRAMES):
            road.frame()
        gc.collect()
        window = min(frames, _WINDOW_FRAMES)
        peaks = np.zeros(window, np.int64)  # made before: what is measured must not be the measurement
        tracemalloc.start()
        try:
            for _ in range(_SETTLE_FRAMES):  # numpy's and Python's small caches fill again under the tracer
                road.peak_of_a_frame()
            before = tracemalloc.get_traced_memory()[0]
            for index in range(window):
                peaks[index] = road.peak_of_a_frame()
            gc.collect()
            kept_a_frame = (tracemalloc.get_traced_memory()[0] - before) / window
            for _ in range(frames - window):
                road.frame()
            gc.collect()
            growth = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
            FrameRing.remove(name)
    burst = int(peaks.max())
    return {
        "frames": frames,
        "kept_bytes_a_frame": round(kept_a_frame, 1),
        "burst_bytes_p50": float(np.median(peaks)),
        "burst_bytes_max": burst,
        "growth_bytes": growth,
        "detections": road.detections,
        "ok": burst <= _MOST_BYTES_A_FRAME and kept_a_frame <= _KEPT_BYTES and growth <= _MOST_GROWTH_BYTES,
    }


class _Road:
    """Source to reader, each stage by its own end of the ring."""

    def __init__(self, camera: FrameRing, name: str) -> None:
        self._camera = camera
        self._annotator = FrameRing.attach(name, "annotator")
        self._reader = FrameRing.attach(name)
        card = model_card.load()
        self._detectors = [Detector(card, *_SIZE), Detector(card, *_SIZE, score_threshold=_CROWDED)]
        self._pictures = np.random.default_rng(1).integers(0, 256, (8, *_SIZE[::-1], 3), np.uint8)
        self._number = 0
        self.detections = 0

    def frame(self) -> None:
        """One frame all the way."""
        self._number += 1
        slot = self._camera.begin()
        slot.pixels[:] = self._pictures[self._number % 8]
        enter_ns = time.time_ns()
        self._camera.publish(slot, enter_ns, enter_ns, time.time_ns())
        frame = self._annotator.wait_newer(self._number - 1, 0.1)
        assert frame is not None
        found = self._detectors[self._number % 2].detect(frame.pixels)
        self._annotator.attach_detections(frame.sequence, found, enter_ns, time.time_ns())
        result = self._reader.newest_attached()
        assert result is not None and result.sequence == frame.sequence
        self.detections += len(result.detections)

    def peak_of_a_frame(self) -> int:
        """Most bytes held at once during one frame, above what was held before it."""
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        self.frame()
        return tracemalloc.get_traced_memory()[1] - held
