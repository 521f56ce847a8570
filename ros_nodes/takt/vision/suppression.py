"""From candidates to boxes: of those that show the same thing, the best one stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takt.frames import Detections
from takt.frames.layout import MAX_DETECTIONS

Floats = NDArray[np.float32]
MOST_CANDIDATES = 1000  # the best ones go into the suppression; what is worse could hardly survive it


@dataclass(frozen=True, slots=True)
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
    return Suppressor(len(found)).run(found, overlap_threshold, most)


class Suppressor:
    """The suppression in memory that is there already; for one thread."""

    def __init__(self, most_candidates: int = MOST_CANDIDATES) -> None:
        count = max(most_candidates, 1)
        self._sides, self._areas = np.empty((4, count), np.float32), np.empty(count, np.float32)
        self._width, self._height, self._union = np.empty((3, count), np.float32)
        self._alive, self._goes, self._other = np.empty((3, count), np.bool_)
        self._kept = np.empty(count, np.intp)

    def run(self, found: Candidates, overlap_threshold: float, most: int = MAX_DETECTIONS) -> Candidates:
        """At most ``most`` of ``found``, best first, in arrays of their own."""
        count = len(found)
        if count == 0:
            return Candidates.none()
        self._begin(found, count)
        alive, kept, index = self._alive[:count], 0, 0
        while kept < most and index < count:
            index += int(alive[index:].argmax())
            if not alive[index]:
                break
            self._kept[kept] = index
            kept += 1
            index += 1
            if index < count:
                self._drop(index, count, found.class_ids, overlap_threshold)
        chosen = self._kept[:kept]  # take, since an array as index costs 3 KB of numpy's own
        boxes = found.boxes_xyxy_px.take(chosen, axis=0)
        return Candidates(boxes, found.scores.take(chosen), found.class_ids.take(chosen))

    def _begin(self, found: Candidates, count: int) -> None:
        """Sides as rows, areas, and everything alive."""
        np.copyto(self._sides[:, :count], found.boxes_xyxy_px.T)
        left, top, right, bottom = self._sides[:, :count]
        width, height = self._width[:count], self._height[:count]
        np.maximum(np.subtract(right, left, out=width), 0.0, out=width)
        np.maximum(np.subtract(bottom, top, out=height), 0.0, out=height)
        np.multiply(width, height, out=self._areas[:count])
        self._alive[:count] = True

    def _drop(self, index: int, count: int, class_ids: NDArray[np.int32], overlap_threshold: float) -> None:
        """From ``index`` on, end what overlaps the box before it too much and shows the same class."""
        best, rest = index - 1, slice(index, count)
        left, top, right, bottom = self._sides[:, rest]
        width, height, union = self._width[rest], self._height[rest], self._union[rest]
        goes, other, sides = self._goes[rest], self._other[rest], self._sides
        np.minimum(right, sides[2, best], out=width)
        np.subtract(width, np.maximum(left, sides[0, best], out=union), out=width)
        np.minimum(bottom, sides[3, best], out=height)
        np.subtract(height, np.maximum(top, sides[1, best], out=union), out=height)
        both = np.multiply(np.maximum(width, 0.0, out=width), np.maximum(height, 0.0, out=height), out=width)
        np.add(self._areas[rest], self._areas[best], out=union)
        np.subtract(union, both, out=union)
        height[:] = 0.0
        shares = np.divide(both, union, out=height, where=np.greater(union, 0.0, out=other))
        np.greater(shares, overlap_threshold, out=goes)
        np.logical_and(goes, np.equal(class_ids[rest], class_ids[best], out=other), out=goes)
        np.logical_and(self._alive[rest], np.logical_not(goes, out=goes), out=self._alive[rest])
