"""How good a detector is: average precision at one overlap, and how far off the boxes are that it does find.

A found box is right if it overlaps an object of its class, not found before in that picture by a better box, by at
least the threshold. What overlaps only an ignored object counts neither way. AP is the area under the precision
envelope over all recall points (as PASCAL VOC since 2010).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from takt.vision.suppression import overlaps

Floats = NDArray[np.float32]


class Found(Protocol):
    """What a detector answers, best first: Detections of a ring, or Candidates of any number."""

    @property
    def boxes_xyxy_px(self) -> Floats: ...
    @property
    def scores(self) -> Floats: ...
    def of_class(self, class_id: int) -> Found: ...


@dataclass
class ClassTally:
    """Everything found of one class over many pictures."""

    scores: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    objects: int = 0
    centre_errors_px: list[float] = field(default_factory=list)
    height_errors_ratio: list[float] = field(default_factory=list)

    def average_precision(self) -> float:
        """Area under the precision envelope; NaN where there was nothing to find."""
        return average_precision(np.array(self.scores), np.array(self.right, np.bool_), self.objects)


class Accuracy:
    """Add pictures one by one, then read the figures."""

    def __init__(self, classes: int, overlap: float = 0.5) -> None:
        self.classes = [ClassTally() for _ in range(classes)]
        self.pictures = 0
        self._overlap = overlap

    def add(
        self,
        found: Found,
        boxes_xyxy_px: Floats,
        class_ids: NDArray[np.int32],
        ignored: NDArray[np.bool_],
    ) -> None:
        """One picture: what was found, and its truth (N, 4), (N,), (N,)."""
        self.pictures += 1
        for class_id, tally in enumerate(self.classes):
            mine = class_ids == class_id
            self._add_class(
                tally, found.of_class(class_id), boxes_xyxy_px[mine & ~ignored], boxes_xyxy_px[mine & ignored]
            )

    def mean_average_precision(self) -> float:
        """Mean over the classes of which there was anything to find; 0 when there was nothing at all."""
        known = [tally.average_precision() for tally in self.classes if tally.objects]
        return float(np.mean(known)) if known else 0.0

    def _add_class(self, tally: ClassTally, found: Found, asked: Floats, ignored: Floats) -> None:
        tally.objects += len(asked)
        taken = np.zeros(len(asked), np.bool_)
        for box, score in zip(found.boxes_xyxy_px, found.scores, strict=True):
            index, overlap = _best(box, asked)
            if overlap >= self._overlap and not taken[index]:
                taken[index] = True
                _note_errors(tally, box, asked[index])
            elif _best(box, ignored)[1] >= self._overlap:
                continue
            else:
                index = -1
            tally.scores.append(float(score))
            tally.right.append(index >= 0)


def _best(box: Floats, others: Floats) -> tuple[int, float]:
    if len(others) == 0:
        return -1, 0.0
    shares = overlaps(box[None], others)[0]
    index = int(shares.argmax())
    return index, float(shares[index])


def _note_errors(tally: ClassTally, found: Floats, asked: Floats) -> None:
    height = float(asked[3] - asked[1])
    tally.centre_errors_px.append(abs(float(found[0] + found[2] - asked[0] - asked[2])) / 2)
    tally.height_errors_ratio.append(abs(float(found[3] - found[1]) - height) / height)


def average_precision(scores: NDArray[np.float64], right: NDArray[np.bool_], objects: int) -> float:
    """AP of scored answers (N,), (N,) to ``objects`` objects; equal scores keep their order."""
    if objects == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(hits) + 1)
    recall = hits / objects
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate(([0.0], recall)))
    return float(np.sum(steps * envelope))
