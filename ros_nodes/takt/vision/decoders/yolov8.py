"""YOLOv8 and YOLO11 as their authors export them: (1, 4 + classes, cells), boxes as cx, cy, w, h in pixels.

The transposed form (1, cells, 4 + classes) is taken too, and exports with the suppression inside the graph
(``nms=True``, and all of YOLOv10 and YOLO26): (1, N, 6), each row left, top, right, bottom, score, class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from takt.vision.decoders.grid import cells
from takt.vision.model_card import ModelCard
from takt.vision.suppression import Candidates, best_first

Floats = NDArray[np.float32]
_SUPPRESSED_COLUMNS = 6


class Yolov8Decoder:
    """``transposed``: one row a cell. ``suppressed``: the graph has dropped repeats already."""

    def __init__(self, classes: int, transposed: bool, suppressed: bool) -> None:
        self._classes = classes
        self._transposed = transposed
        self.suppressed = suppressed

    @classmethod
    def for_card(cls, card: ModelCard, shapes: Sequence[tuple[int, ...]]) -> Yolov8Decoder:
        """Raises ValueError, naming the shapes that would do, if ``shapes`` is none of them."""
        classes = len(card.classes)
        count = len(cells(card.input.width_px, card.input.height_px, card.output.strides_px)[0])
        usual, transposed = (1, 4 + classes, count), (1, count, 4 + classes)
        if len(shapes) == 1 and len(shapes[0]) == 3:
            shape = tuple(shapes[0])
            if shape in (usual, transposed):
                return cls(classes, shape == transposed and shape != usual, False)
            if shape[0] == 1 and shape[2] == _SUPPRESSED_COLUMNS:
                return cls(classes, False, True)
        raise ValueError(f"one output {usual}, {transposed}, or (1, N, 6) with the suppression inside")

    def decode(self, outputs: Sequence[Floats], score_threshold: float) -> Candidates:
        """``outputs`` is one array of one of the shapes above."""
        if self.suppressed:
            return self._ready(outputs[0][0], score_threshold)
        columns = outputs[0][0].T if self._transposed else outputs[0][0]
        best = columns[4:].max(axis=0)
        chosen = np.flatnonzero(best >= score_threshold)
        chosen = best_first(best, chosen[np.isfinite(columns[:, chosen]).all(axis=0)])
        raw = columns[:, chosen]
        centres, halves = raw[:2], raw[2:4] / 2
        boxes = np.concatenate((centres - halves, centres + halves)).T
        return Candidates(boxes, best[chosen], raw[4:].argmax(axis=0).astype(np.int32))

    def _ready(self, rows: Floats, score_threshold: float) -> Candidates:
        good = np.isfinite(rows).all(axis=1) & (rows[:, 4] >= score_threshold)
        good &= (rows[:, 5] >= 0) & (rows[:, 5] < self._classes)
        chosen = best_first(rows[:, 4], np.flatnonzero(good))
        return Candidates(rows[chosen, :4], rows[chosen, 4], rows[chosen, 5].astype(np.int32))
