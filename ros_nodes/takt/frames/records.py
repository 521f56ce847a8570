"""What is read from and written to a ring: plain values, all stamps in ns of ROS time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from takt.frames.layout import MAX_DETECTIONS


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes found in one frame, best first.

    ``boxes_xyxy_px`` (N, 4) float32 left, top, right, bottom in pixels of the frame; ``scores`` (N,) float32 in 0..1;
    ``class_ids`` (N,) int32, named by the model card (0 target, 1 obstacle in ours). N is at most 32.
    """

    boxes_xyxy_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]

    def __post_init__(self) -> None:
        count = len(self.scores)
        if (
            self.boxes_xyxy_px.shape != (count, 4)
            or self.class_ids.shape != (count,)
            or count > MAX_DETECTIONS
        ):
            raise ValueError(
                f"detections need boxes (N, 4), scores (N,), class_ids (N,) with N <= {MAX_DETECTIONS}, got "
                f"{self.boxes_xyxy_px.shape}, {self.scores.shape}, {self.class_ids.shape}"
            )

    @staticmethod
    def empty() -> Detections:
        """Nothing found: an observation too."""
        return Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int32))

    def __len__(self) -> int:
        return len(self.scores)

    def of_class(self, class_id: int) -> Detections:
        """Only the boxes of one class, in the same order."""
        chosen = self.class_ids == class_id
        return Detections(self.boxes_xyxy_px[chosen], self.scores[chosen], self.class_ids[chosen])


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """When a frame was captured and how long that took."""

    sequence: int
    capture_stamp_ns: int
    capture_enter_ns: int
    capture_exit_ns: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it lies in shared memory.

    ``pixels`` (H, W, 3) uint8 rgb is a read-only view, no copy: the camera overwrites it about ``slots`` frames later.
    Whoever has used the pixels asks ``still_valid()`` afterwards and drops the result when it says False.
    """

    sequence: int
    capture_stamp_ns: int
    capture_enter_ns: int
    capture_exit_ns: int
    pixels: NDArray[np.uint8] = field(repr=False)
    _intact: Callable[[int], bool] = field(repr=False)

    def still_valid(self) -> bool:
        """True while the pixels are those of this frame."""
        return self._intact(self.sequence)


@dataclass(frozen=True, slots=True)
class Attached:
    """Detections together with the frame they were found in; stands by itself, also after the pixels are recycled."""

    sequence: int
    capture_stamp_ns: int
    capture_enter_ns: int
    capture_exit_ns: int
    detect_enter_ns: int
    detect_exit_ns: int
    detections: Detections
