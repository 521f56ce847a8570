"""The newest picture of the ring as a JPEG, together with what was found in that very picture."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from PIL import Image

from takt.errors import TaktError
from takt.frames import Attached, FrameRing

_CLASS_NAMES = {0: "target", 1: "obstacle"}
_QUALITY, _SMALL_QUALITY = 80, 40
_RESULTS_WAIT_S = 0.08  # longer without results: the picture goes out without boxes
_LOOK_S = 0.004
_QUIET_S = 1.0


@dataclass(frozen=True)
class Picture:
    """A JPEG and its boxes. ``boxes`` is None when the detector did not get to this frame in time; ``taken_s`` is the
    taker's steady time."""

    sequence: int
    capture_stamp_ns: int
    width_px: int
    height_px: int
    taken_s: float
    boxes: list[dict[str, Any]] | None
    jpeg: bytes = field(repr=False)

    @cached_property
    def small_jpeg(self) -> bytes:
        """Half as wide and high, and coarser: about a fifth of the bytes, for a thin line. The boxes stay."""
        with Image.open(io.BytesIO(self.jpeg)) as image:
            image.draft("RGB", (self.width_px // 2, self.height_px // 2))  # the decoder halves at no cost
            return _packed(image.resize((self.width_px // 2, self.height_px // 2)), _SMALL_QUALITY)


class PictureTaker:
    """Used from one thread. The ring may be absent, appear later, or be replaced."""

    def __init__(self, ring_name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._name = ring_name
        self._sleep = sleep
        self._ring: FrameRing | None = None
        self._seen = 0
        self._changed_s = 0.0

    def take(self, now_s: float) -> Picture | None:
        """The newest picture if there is one that was not taken before; ``now_s`` of any steady clock."""
        ring = self._attached_ring(now_s)
        frame = ring.newest() if ring is not None else None
        if ring is None or frame is None or frame.sequence == self._seen:
            return None
        image = Image.fromarray(frame.pixels.copy())
        if not frame.still_valid():
            return None
        self._seen, self._changed_s = frame.sequence, now_s
        results = self._results(ring, frame.sequence)
        boxes = None if results is None else _boxes(results)
        return Picture(
            frame.sequence, frame.capture_stamp_ns, *image.size, now_s, boxes, _packed(image, _QUALITY)
        )

    def close(self) -> None:
        if self._ring is not None:
            self._ring.close()
        self._ring = None

    def _attached_ring(self, now_s: float) -> FrameRing | None:
        if self._ring is not None and now_s - self._changed_s > _QUIET_S:
            self._changed_s = now_s
            if not self._ring.is_current():
                self.close()
                self._seen = 0
        if self._ring is None:
            try:
                self._ring = FrameRing.attach(self._name, role="reader")
                self._changed_s = now_s
            except TaktError:
                return None  # the camera has not made its ring yet
        return self._ring

    def _results(self, ring: FrameRing, sequence: int) -> Attached | None:
        for _ in range(round(_RESULTS_WAIT_S / _LOOK_S)):
            results = ring.attached(sequence)
            if results is not None:
                return results
            self._sleep(_LOOK_S)
        return None


def _packed(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _boxes(results: Attached) -> list[dict[str, Any]]:
    found = results.detections
    rows = zip(found.boxes_xyxy_px.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True)
    return [
        {
            "xyxy_px": [round(edge, 1) for edge in box],
            "score": round(score, 3),
            "class": _CLASS_NAMES.get(kind, str(kind)),
        }
        for box, score, kind in rows
    ]
