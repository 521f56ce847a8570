"""YOLOX (Ge et al. 2021): (1, cells, 5 + classes), each cell cx, cy, w, h, objectness, class scores.

Exports as published give centre offsets in cells and log sides, scores already through the sigmoid; with
``decode_in_inference`` the boxes are pixels already, which the card says by ``output.decoded``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from takt.vision.decoders.grid import cells
from takt.vision.model_card import ModelCard
from takt.vision.suppression import Candidates, best_first

Floats = NDArray[np.float32]
_MOST_LOG_SIDE = 8.0  # 24 000 px at stride 8: keeps exp finite for a model that has gone wrong
_FIRST_SCORE = 5


class YoloxDecoder:
    """A box's score is objectness times its best class."""

    suppressed = False

    def __init__(self, width_px: int, height_px: int, strides_px: Sequence[int], decoded: bool) -> None:
        self._corners, self._strides = cells(width_px, height_px, strides_px)
        self._decoded = decoded

    @classmethod
    def for_card(cls, card: ModelCard, shapes: Sequence[tuple[int, ...]]) -> YoloxDecoder:
        """Raises ValueError, naming the shape that is needed, if ``shapes`` is another."""
        decoder = cls(card.input.width_px, card.input.height_px, card.output.strides_px, card.output.decoded)
        wanted = (1, len(decoder._corners), _FIRST_SCORE + len(card.classes))
        if list(shapes) != [wanted]:
            raise ValueError(f"one output {wanted}")
        return decoder

    def decode(self, outputs: Sequence[Floats], score_threshold: float) -> Candidates:
        """``outputs`` is one array (1, cells, 5 + classes)."""
        rows = outputs[0][0]
        # Objectness alone bounds the score, so that the classes of empty cells are never looked at.
        likely = np.flatnonzero(rows[:, 4] >= score_threshold)
        likely = likely[np.isfinite(rows[likely]).all(axis=1)]
        likely_rows = rows[likely]
        class_ids = likely_rows[:, _FIRST_SCORE:].argmax(axis=1)
        scores = likely_rows[np.arange(len(likely)), _FIRST_SCORE + class_ids] * likely_rows[:, 4]
        chosen = best_first(scores, np.flatnonzero(scores >= score_threshold))
        boxes = self._boxes(likely_rows[chosen, :4], likely[chosen])
        return Candidates(boxes, scores[chosen], class_ids[chosen].astype(np.int32))

    def _boxes(self, raw: Floats, index: NDArray[np.intp]) -> Floats:
        centres, sides = raw[:, :2], raw[:, 2:]
        if not self._decoded:
            centres = (centres + self._corners[index]) * self._strides[index]
            sides = np.exp(np.minimum(sides, _MOST_LOG_SIDE)) * self._strides[index]
        return np.concatenate((centres - sides / 2, centres + sides / 2), axis=1)
