"""The decoder of our own models: (classes + 4, rows, columns), one prediction per cell.

Class logits; then centre offset from the cell's corner in cells, and log of width and height in cells (the form of
YOLOX, Ge et al. 2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from takt.vision.model_card import ModelCard
from takt.vision.suppression import Candidates, best_first

Floats = NDArray[np.float32]
_LOG_SIDE_LIMITS = (-4.0, 5.0)  # 0.15 px to 1187 px at stride 8, as in training


class CellDecoder:
    """Decodes only the cells that pass the score threshold, so that an empty picture costs next to nothing."""

    suppressed = False

    def __init__(self, classes: int, rows: int, columns: int, stride_px: int) -> None:
        self._classes = classes
        self._stride_px = np.float32(stride_px)
        y, x = np.divmod(np.arange(rows * columns), columns)
        self._cells = np.stack((x, y)).astype(np.float32)

    @classmethod
    def for_card(cls, card: ModelCard, shapes: Sequence[tuple[int, ...]]) -> CellDecoder:
        """Raises ValueError, naming the shape that is needed, if ``shapes`` is another."""
        (stride,) = card.output.strides_px
        rows, columns = card.input.height_px // stride, card.input.width_px // stride
        wanted = (1, len(card.classes) + 4, rows, columns)
        if list(shapes) != [wanted]:
            raise ValueError(f"one output {wanted}")
        return cls(len(card.classes), rows, columns, stride)

    def decode(self, outputs: Sequence[Floats], score_threshold: float) -> Candidates:
        """``outputs`` is one array (1, classes + 4, rows, columns)."""
        flat = outputs[0].reshape(self._classes + 4, -1)
        logits = flat[: self._classes]
        best = logits.max(axis=0)
        chosen = np.flatnonzero(best >= math.log(score_threshold / (1.0 - score_threshold)))
        chosen = best_first(best, chosen[np.isfinite(flat[:, chosen]).all(axis=0)])
        centres = (flat[self._classes : self._classes + 2, chosen] + self._cells[:, chosen]) * self._stride_px
        sides = np.clip(flat[self._classes + 2 :, chosen], *_LOG_SIDE_LIMITS)
        halves = np.exp(sides) * (self._stride_px / 2)
        boxes = np.concatenate((centres - halves, centres + halves)).T
        scores = 1.0 / (1.0 + np.exp(-best[chosen]))
        return Candidates(boxes, scores.astype(np.float32), logits[:, chosen].argmax(axis=0).astype(np.int32))
