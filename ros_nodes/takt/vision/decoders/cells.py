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
from takt.vision.suppression import MOST_CANDIDATES, Candidates

Floats = NDArray[np.float32]
_LEAST_LOG_SIDE, _MOST_LOG_SIDE = (
    np.float32(-4.0),
    np.float32(5.0),
)  # 0.15 px to 1187 px at stride 8, as in training
_MAGNITUDE, _SIGN = np.int32(0x7FFFFFFF), np.int32(-0x80000000)
_INDEX_BITS, _INDEX_MASK, _LAST = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFFFFFFFFFF)


class CellDecoder:
    """Decodes only the cells that pass the score threshold, so that an empty picture costs next to nothing."""

    suppressed = False

    def __init__(self, classes: int, rows: int, columns: int, stride_px: int) -> None:
        self._classes = classes
        self._stride_px, self._half_px = np.float32(stride_px), np.float32(stride_px / 2)
        y, x = np.divmod(np.arange(rows * columns), columns)
        self._cells = np.stack((x, y)).astype(np.float32)
        self._allocate(rows * columns)

    def _allocate(self, cells: int) -> None:
        """Room for a picture in which every cell is a candidate: a crowded frame costs no more than an empty one."""
        self._best, self._scores = np.empty((2, cells), np.float32)
        self._finite = np.empty((self._classes + 4, cells), np.bool_)
        self._mask, self._better = np.empty((2, cells), np.bool_)
        self._numbers, self._keys = np.arange(cells, dtype=np.uint64), np.empty(cells, np.uint64)
        self._order = np.empty(cells, np.int32)
        self._raw = np.empty((self._classes + 4, cells), np.float32)
        self._corner = np.empty(cells, np.float32)
        self._boxes, self._class_ids = np.empty((cells, 4), np.float32), np.empty(cells, np.int32)

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
        """``outputs`` is one array (1, classes + 4, rows, columns). The result holds until the next call."""
        flat = outputs[0].reshape(self._classes + 4, -1)
        np.max(flat[: self._classes], axis=0, out=self._best)
        np.greater_equal(self._best, math.log(score_threshold / (1.0 - score_threshold)), out=self._mask)
        np.logical_and.reduce(np.isfinite(flat, out=self._finite), axis=0, out=self._better)
        np.logical_and(self._mask, self._better, out=self._mask)
        if not self._mask.any():
            return Candidates.none()
        chosen = self._best_first()
        count = len(chosen)
        for row, values in enumerate(flat):
            np.take(values, chosen, out=self._raw[row, :count], mode="clip")
        self._place_boxes(chosen, count)
        class_ids = self._classify(count)
        return Candidates(self._boxes[:count], self._logistic(count), class_ids)

    def _best_first(self) -> NDArray[np.intp]:
        """The cells in the mask by falling logit, equal ones in their order.

        A key of logit and index for each cell is sorted where it lies: numpy can neither search nor sort indices
        without new memory.
        """
        keys, order, logits = self._keys, self._order, self._best.view(np.int32)
        # As integers, floats below zero fall where they should rise: turn those, then all, then the sign for unsigned.
        np.bitwise_and(np.right_shift(logits, 31, out=order), _MAGNITUDE, out=order)
        np.invert(np.bitwise_xor(logits, order, out=order), out=order)
        np.bitwise_xor(order, _SIGN, out=order)
        np.copyto(keys, order.view(np.uint32))
        np.left_shift(keys, _INDEX_BITS, out=keys)
        np.bitwise_or(keys, self._numbers, out=keys)
        count = min(int(np.count_nonzero(self._mask)), MOST_CANDIDATES)
        np.copyto(keys, _LAST, where=np.logical_not(self._mask, out=self._mask))
        keys.sort()
        np.bitwise_and(keys, _INDEX_MASK, out=keys)
        return keys[:count].view(np.intp)

    def _place_boxes(self, chosen: NDArray[np.intp], count: int) -> None:
        """Left, top, right, bottom in px of each chosen cell."""
        offset = self._corner[:count]
        for axis in (0, 1):
            centre, side = (
                self._raw[self._classes + axis, :count],
                self._raw[self._classes + 2 + axis, :count],
            )
            np.add(centre, np.take(self._cells[axis], chosen, out=offset, mode="clip"), out=centre)
            np.multiply(centre, self._stride_px, out=centre)
            np.maximum(np.minimum(side, _MOST_LOG_SIDE, out=side), _LEAST_LOG_SIDE, out=side)
            np.exp(side, out=side)
            np.multiply(side, self._half_px, out=side)
            np.subtract(centre, side, out=self._boxes[:count, axis])
            np.add(centre, side, out=self._boxes[:count, 2 + axis])

    def _classify(self, count: int) -> NDArray[np.int32]:
        """The class with the highest logit, the first of equal ones; its logit is left in ``_scores``."""
        ids, best, better = self._class_ids[:count], self._scores[:count], self._better[:count]
        ids[:] = 0
        np.copyto(best, self._raw[0, :count])
        for number in range(1, self._classes):
            np.greater(self._raw[number, :count], best, out=better)
            np.copyto(ids, number, where=better)
            np.maximum(best, self._raw[number, :count], out=best)
        return ids

    def _logistic(self, count: int) -> Floats:
        scores = self._scores[:count]
        np.exp(np.negative(scores, out=scores), out=scores)
        return np.divide(1.0, np.add(scores, 1.0, out=scores), out=scores)
