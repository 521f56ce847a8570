"""Model output to boxes: the decoder of our own models, and the suppression of repeats.

``takt_cells``: (classes + 4, rows, columns), one prediction per cell. Class logits; then centre offset from the cell's
corner in cells, and log of width and height in cells (the form of YOLOX, Ge et al. 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takt.frames import Detections
from takt.frames.layout import MAX_DETECTIONS

Floats = NDArray[np.float32]
_MOST_CANDIDATES = 256
_LOG_SIDE_LIMITS = (-4.0, 5.0)  # 0.15 px to 1187 px at stride 8, as in training
_NO_CANDIDATES = Detections.empty()


@dataclass(frozen=True)
class Candidates:
    """Boxes before suppression, best first; same shapes as Detections, of any number."""

    boxes_xyxy_px: Floats
    scores: Floats
    class_ids: NDArray[np.int32]


class CellDecoder:
    """Decodes only the cells that pass the score threshold, so that an empty picture costs next to nothing."""

    def __init__(self, classes: int, rows: int, columns: int, stride_px: int) -> None:
        self._classes = classes
        self._stride_px = np.float32(stride_px)
        y, x = np.divmod(np.arange(rows * columns), columns)
        self._cells = np.stack((x, y)).astype(np.float32)

    def decode(self, output: Floats, score_threshold: float) -> Candidates:
        """``output`` (1, classes + 4, rows, columns). Numbers that are not finite count as nothing found."""
        flat = output.reshape(self._classes + 4, -1)
        logits = flat[: self._classes]
        best = logits.max(axis=0)
        chosen = np.flatnonzero(best >= math.log(score_threshold / (1.0 - score_threshold)))
        chosen = chosen[np.isfinite(flat[:, chosen]).all(axis=0)]
        chosen = chosen[np.argsort(-best[chosen], kind="stable")[:_MOST_CANDIDATES]]
        centres = (flat[self._classes : self._classes + 2, chosen] + self._cells[:, chosen]) * self._stride_px
        sides = np.clip(flat[self._classes + 2 :, chosen], *_LOG_SIDE_LIMITS)
        halves = np.exp(sides) * (self._stride_px / 2)
        boxes = np.concatenate((centres - halves, centres + halves)).T
        scores = 1.0 / (1.0 + np.exp(-best[chosen]))
        return Candidates(boxes, scores.astype(np.float32), logits[:, chosen].argmax(axis=0).astype(np.int32))


def overlaps(a: Floats, b: Floats) -> Floats:
    """Intersection over union of every box of ``a`` (N, 4) with every one of ``b`` (M, 4): (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(high - low, 0.0, None).prod(axis=2)
    area_a = np.clip(a[:, 2:] - a[:, :2], 0.0, None).prod(axis=1)
    area_b = np.clip(b[:, 2:] - b[:, :2], 0.0, None).prod(axis=1)
    union = area_a[:, None] + area_b[None, :] - both
    shares: Floats = np.divide(both, union, out=np.zeros_like(both), where=union > 0.0)
    return shares


def suppress(found: Candidates, overlap_threshold: float, most: int = MAX_DETECTIONS) -> Detections:
    """Greedy non-maximum suppression within each class: the best box stays, what overlaps it by more goes."""
    count = len(found.scores)
    if count == 0:
        return _NO_CANDIDATES
    repeats = overlaps(found.boxes_xyxy_px, found.boxes_xyxy_px) > overlap_threshold
    repeats &= found.class_ids[:, None] == found.class_ids[None, :]
    alive = np.ones(count, np.bool_)
    kept: list[int] = []
    for index in range(count):
        if alive[index]:
            kept.append(index)
            if len(kept) == most:
                break
            alive &= ~repeats[index]
    return Detections(found.boxes_xyxy_px[kept], found.scores[kept], found.class_ids[kept])
