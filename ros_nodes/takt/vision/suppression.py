"""From candidates to boxes: of those that show the same thing, the best one stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takt.frames import Detections
from takt.frames.layout import MAX_DETECTIONS

Floats = NDArray[np.float32]
MOST_CANDIDATES = 1000  # the best ones go into the suppression; what is worse could hardly survive it


@dataclass(frozen=True)
class Candidates:
    """Boxes best first, of any number: ``boxes_xyxy_px`` (N, 4), ``scores`` (N,) in 0..1, ``class_ids`` (N,)."""

    boxes_xyxy_px: Floats
    scores: Floats
    class_ids: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scores)

    @staticmethod
    def none() -> Candidates:
        """Nothing found."""
        return Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int32))

    def of_class(self, class_id: int) -> Candidates:
        """Only the boxes of one class, in the same order."""
        chosen = self.class_ids == class_id
        return Candidates(self.boxes_xyxy_px[chosen], self.scores[chosen], self.class_ids[chosen])

    def best(self, most: int = MAX_DETECTIONS) -> Detections:
        """The first ``most`` as a ring can carry them."""
        return Detections(self.boxes_xyxy_px[:most], self.scores[:most], self.class_ids[:most])


def best_first(scores: Floats, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    """``chosen`` indices of ``scores``, best first, the best ``MOST_CANDIDATES`` of them; equal scores keep order."""
    return chosen[np.argsort(-scores[chosen], kind="stable")[:MOST_CANDIDATES]]


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


def suppress(found: Candidates, overlap_threshold: float, most: int = MAX_DETECTIONS) -> Candidates:
    """Greedy non-maximum suppression within each class: the best box stays, what overlaps it by more goes."""
    count = len(found)
    if count == 0:
        return found
    alive = np.ones(count, np.bool_)
    kept: list[int] = []
    for index in range(count):
        if not alive[index]:
            continue
        kept.append(index)
        if len(kept) == most:
            break
        rest = np.flatnonzero(alive[index + 1 :]) + index + 1
        rest = rest[found.class_ids[rest] == found.class_ids[index]]
        if len(rest):
            shares = overlaps(found.boxes_xyxy_px[index][None], found.boxes_xyxy_px[rest])[0]
            alive[rest[shares > overlap_threshold]] = False
    return Candidates(found.boxes_xyxy_px[kept], found.scores[kept], found.class_ids[kept])
