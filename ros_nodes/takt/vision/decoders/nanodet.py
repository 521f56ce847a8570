"""NanoDet (RangiLyu): class scores through the sigmoid, and for each side of the box a distribution of its distance.

The distance from the cell's middle to a side is the mean of a softmax over 0..reg_max, in cells (Generalized Focal
Loss, Li et al. 2020). Published exports come in two forms, both taken: one output (1, cells, classes + 4 *
(reg_max + 1)), or a pair of outputs for each stride, (1, cells, classes) and (1, cells, 4 * (reg_max + 1)), in any
order. NanoDet-Plus puts a cell's middle on its corner: ``output.cell_centre`` 0, and has a fourth stride of 64 px.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from takt.vision.decoders.grid import cells
from takt.vision.model_card import ModelCard
from takt.vision.suppression import Candidates, best_first

Floats = NDArray[np.float32]


class NanodetDecoder:
    """``pairs`` names for each stride the two outputs, scores and distances; empty for the single output."""

    suppressed = False

    def __init__(self, card: ModelCard, pairs: Sequence[tuple[int, int]]) -> None:
        self._classes, self._bins = len(card.classes), card.output.reg_max + 1
        self._limits = np.array([card.input.width_px, card.input.height_px] * 2, np.float32)
        corners, self._strides = _grid(card)
        self._middles = corners * self._strides
        self._weights = np.arange(self._bins, dtype=np.float32)
        self._pairs = pairs

    @classmethod
    def for_card(cls, card: ModelCard, shapes: Sequence[tuple[int, ...]]) -> NanodetDecoder:
        """Raises ValueError, naming the shapes that would do, if ``shapes`` are others."""
        classes, sides = len(card.classes), 4 * (card.output.reg_max + 1)
        counts = [
            len(cells(card.input.width_px, card.input.height_px, [stride])[0])
            for stride in card.output.strides_px
        ]
        whole = (1, sum(counts), classes + sides)
        if list(shapes) == [whole]:
            return cls(card, [])
        wanted = [((1, count, classes), (1, count, sides)) for count in counts]
        flat = [shape for pair in wanted for shape in pair]
        if sorted(shapes) != sorted(flat):
            raise ValueError(f"one output {whole}, or the outputs {', '.join(str(shape) for shape in flat)}")
        return cls(card, _pairs(list(shapes), wanted))

    def decode(self, outputs: Sequence[Floats], score_threshold: float) -> Candidates:
        """``outputs`` in the order and of the shapes that this was made for."""
        scores, distances = self._parts(outputs)
        best = scores.max(axis=1)
        chosen = np.flatnonzero(best >= score_threshold)
        chosen = best_first(best, chosen[np.isfinite(distances[chosen]).all(axis=1)])
        reach = self._reach(distances[chosen]) * self._strides[chosen]
        middles = self._middles[chosen]
        boxes = np.concatenate((middles - reach[:, :2], middles + reach[:, 2:]), axis=1)
        np.clip(boxes, 0.0, self._limits, out=boxes)
        return Candidates(boxes, best[chosen], scores[chosen].argmax(axis=1).astype(np.int32))

    def _parts(self, outputs: Sequence[Floats]) -> tuple[Floats, Floats]:
        if self._pairs:
            scores = np.concatenate([outputs[first][0] for first, _ in self._pairs])
            return scores, np.concatenate([outputs[second][0] for _, second in self._pairs])
        return outputs[0][0][:, : self._classes], outputs[0][0][:, self._classes :]

    def _reach(self, distances: Floats) -> Floats:
        """Left, top, right, bottom (N, 4) in cells."""
        bins = distances.reshape(-1, 4, self._bins)
        shares = np.exp(bins - bins.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        reach: Floats = shares @ self._weights
        return reach


def _grid(card: ModelCard) -> tuple[Floats, Floats]:
    return cells(card.input.width_px, card.input.height_px, card.output.strides_px, card.output.cell_centre)


def _pairs(
    shapes: list[tuple[int, ...]], wanted: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]
) -> list[tuple[int, int]]:
    """Which output is which; where scores and distances have equal shapes, the scores come first."""
    free = list(range(len(shapes)))

    def take(shape: tuple[int, ...]) -> int:
        index = next(index for index in free if shapes[index] == shape)
        free.remove(index)
        return index

    return [(take(scores), take(distances)) for scores, distances in wanted]
