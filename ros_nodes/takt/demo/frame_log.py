"""Keeps what became of every frame, read off the ring shortly before each slot is used again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takt.frames import FrameRing

_SETTLE_FRAMES = 4  # so long a frame has to get its detections before it is written down as it is
TARGET_CLASS = 0


@dataclass(frozen=True)
class FrameRecord:
    """One frame: capture stamp (ROS ns), the detector's target boxes (k, 4) in px, and its stage times in ms."""

    capture_stamp_ns: int
    target_boxes: np.ndarray
    capture_ms: float
    detect_ms: float | None  # None: no detections were attached in time


class FrameLog:
    """``poll`` must be called more often than the ring turns round (0.1 s is enough for 8 slots at 30 Hz)."""

    def __init__(self, ring: FrameRing) -> None:
        self._ring = ring
        self._next: int | None = None
        self.records: list[FrameRecord] = []
        self.unseen = 0  # frames whose slot was used again before it could be read

    def poll(self) -> None:
        """Write down every frame that has settled."""
        newest = self._ring.newest_sequence
        if newest == 0:
            return
        if self._next is None:
            self._next = newest
        while self._next <= newest - _SETTLE_FRAMES:
            self._take(self._next)
            self._next += 1

    def _take(self, sequence: int) -> None:
        header = self._ring.header(sequence)
        if header is None:
            self.unseen += 1
            return
        attached = self._ring.attached(sequence)
        capture_ms = (header.capture_exit_ns - header.capture_stamp_ns) / 1e6
        boxes, detect_ms = np.empty((0, 4), np.float32), None
        if attached is not None:
            found = attached.detections
            boxes = found.boxes_xyxy_px[found.class_ids == TARGET_CLASS].copy()
            detect_ms = (attached.detect_exit_ns - header.capture_exit_ns) / 1e6
        self.records.append(FrameRecord(header.capture_stamp_ns, boxes, capture_ms, detect_ms))
