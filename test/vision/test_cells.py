"""Our own decoder in memory that is there already, against the formula written down plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from takt.vision.decoders.cells import CellDecoder
from takt.vision.suppression import MOST_CANDIDATES

STRIDE = 8


def plain(output: np.ndarray, classes: int, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, scores and classes, one cell at a time, best first and equal ones in their order."""
    _, rows, columns = output.shape
    rated = []
    for row in range(rows):
        for column in range(columns):
            numbers = output[:, row, column]
            best = numbers[:classes].max()
            if np.isfinite(numbers).all() and best >= math.log(threshold / (1.0 - threshold)):
                rated.append((-float(best), row * columns + column, numbers, row, column))
    rated.sort(key=lambda one: one[:2])
    boxes, scores, ids = [], [], []
    for best, _, numbers, row, column in rated[:MOST_CANDIDATES]:
        x, y = (numbers[classes] + column) * STRIDE, (numbers[classes + 1] + row) * STRIDE
        half_x, half_y = (math.exp(min(max(side, -4.0), 5.0)) * STRIDE / 2 for side in numbers[classes + 2 :])
        boxes.append((x - half_x, y - half_y, x + half_x, y + half_y))
        scores.append(1.0 / (1.0 + math.exp(best)))
        ids.append(int(numbers[:classes].argmax()))
    return np.array(boxes).reshape(-1, 4), np.array(scores), np.array(ids, int)


@pytest.mark.parametrize("threshold", [0.9999999, 0.7, 0.3, 1e-9])
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_decodes_as_the_formula_says(classes: int, threshold: float) -> None:
    rng = np.random.default_rng(classes)
    decoder = CellDecoder(classes, 30, 40, STRIDE)
    for number in range(3):
        output = rng.normal(0.0, 2.0, (classes + 4, 30, 40)).astype(np.float32)
        output[0, 3, 4:9] = 1.5  # equal ones
        output[rng.integers(0, classes + 4), 7, 7] = (np.nan, np.inf, -np.inf)[number]
        boxes, scores, ids = plain(output, classes, threshold)
        found = decoder.decode([output[None]], threshold)
        assert len(found) == len(scores)
        np.testing.assert_allclose(found.boxes_xyxy_px, boxes, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(found.scores, scores, rtol=1e-5)
        assert (found.class_ids == ids).all()


def test_nothing_but_nonsense_is_nothing_found() -> None:
    decoder = CellDecoder(2, 4, 4, STRIDE)
    assert len(decoder.decode([np.full((1, 6, 4, 4), np.nan, np.float32)], 0.3)) == 0
