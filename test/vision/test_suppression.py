"""Boxes that were put into an output come out of it again, and nothing else does."""

from __future__ import annotations

import math

import constant_model as made
import numpy as np
import pytest

from takt.vision.decoders.cells import CellDecoder
from takt.vision.suppression import Candidates, Suppressor, overlaps, suppress


@pytest.fixture
def decoder() -> CellDecoder:
    return CellDecoder(made.CLASSES, made.ROWS, made.COLUMNS, made.STRIDE_PX)


def candidates(boxes: list[tuple[float, ...]], scores: list[float], classes: list[int]) -> Candidates:
    return Candidates(np.array(boxes, np.float32), np.array(scores, np.float32), np.array(classes, np.int32))


def test_boxes_come_out_as_they_were_put_in(decoder: CellDecoder) -> None:
    output = made.empty_output()
    made.put(output, 1, 2, 0, (3.0, 1.0, 30.0, 25.0), logit=2.0)
    made.put(output, 3, 5, 1, (40.5, 20.25, 47.0, 31.5), logit=0.5)
    found = decoder.decode([output], 0.3)
    np.testing.assert_allclose(
        found.boxes_xyxy_px, [(3.0, 1.0, 30.0, 25.0), (40.5, 20.25, 47.0, 31.5)], atol=1e-4
    )
    np.testing.assert_allclose(found.scores, [1 / (1 + math.exp(-2.0)), 1 / (1 + math.exp(-0.5))], rtol=1e-6)
    assert found.class_ids.tolist() == [0, 1]


def test_a_centre_outside_its_cell_is_possible(decoder: CellDecoder) -> None:
    output = made.empty_output()
    made.put(output, 0, 0, 1, (16.0, 8.0, 40.0, 24.0), logit=3.0)
    np.testing.assert_allclose(
        decoder.decode([output], 0.3).boxes_xyxy_px, [(16.0, 8.0, 40.0, 24.0)], atol=1e-4
    )


def test_what_is_below_the_threshold_is_left_out(decoder: CellDecoder) -> None:
    output = made.empty_output()
    made.put(output, 0, 0, 0, (0.0, 0.0, 8.0, 8.0), logit=math.log(0.29 / 0.71))
    made.put(output, 0, 3, 0, (24.0, 0.0, 32.0, 8.0), logit=math.log(0.31 / 0.69))
    assert len(decoder.decode([output], 0.3).scores) == 1
    assert len(decoder.decode([made.empty_output()], 0.3).scores) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_no_boxes(decoder: CellDecoder, bad: float) -> None:
    output = made.empty_output()
    made.put(output, 0, 0, 0, (0.0, 0.0, 8.0, 8.0), logit=2.0)
    output[0, 3, 0, 0] = bad
    assert len(decoder.decode([output], 0.3).scores) == 0
    assert len(decoder.decode([np.full_like(output, bad)], 0.3).scores) == 0


def test_huge_sides_stay_finite(decoder: CellDecoder) -> None:
    output = made.empty_output()
    output[0, :, 0, 0] = (5.0, -20.0, 0.5, 0.5, 1000.0, -1000.0)
    assert np.isfinite(decoder.decode([output], 0.3).boxes_xyxy_px).all()


def test_overlap_of_known_boxes() -> None:
    a = np.array([(0, 0, 10, 10), (0, 0, 0, 0)], np.float32)
    b = np.array([(0, 0, 10, 10), (5, 0, 15, 10), (20, 20, 30, 30)], np.float32)
    np.testing.assert_allclose(overlaps(a, b), [(1.0, 1 / 3, 0.0), (0.0, 0.0, 0.0)], rtol=1e-6)


def test_repeats_of_a_class_go_and_other_classes_stay() -> None:
    boxes = [(0, 0, 10, 10), (1, 0, 11, 10), (1, 0, 11, 10), (30, 0, 40, 10)]
    kept = suppress(candidates(boxes, [0.9, 0.8, 0.7, 0.6], [0, 0, 1, 0]), 0.5)
    np.testing.assert_allclose(kept.scores, [0.9, 0.7, 0.6])
    assert kept.class_ids.tolist() == [0, 1, 0]


def test_a_suppressed_box_suppresses_nothing() -> None:
    """A chain: each overlaps the next by 0.6, the first and the last by 0.33."""
    boxes = [(0, 0, 100, 10), (25, 0, 125, 10), (50, 0, 150, 10)]
    assert suppress(candidates(boxes, [0.9, 0.8, 0.7], [0, 0, 0]), 0.5).scores.tolist() == pytest.approx(
        [0.9, 0.7]
    )


def test_never_more_than_the_ring_holds() -> None:
    boxes = [(20.0 * i, 0.0, 20.0 * i + 10, 10.0) for i in range(50)]
    kept = suppress(candidates(boxes, list(np.linspace(0.9, 0.4, 50)), [0] * 50), 0.5)
    assert len(kept) == 32 and kept.scores[0] == pytest.approx(0.9)


def plain_suppress(found: Candidates, threshold: float, most: int) -> list[int]:
    """The textbook's loop, one pair at a time."""
    kept: list[int] = []
    for index in range(len(found)):
        box = found.boxes_xyxy_px[index][None]
        rivals = [one for one in kept if found.class_ids[one] == found.class_ids[index]]
        shares = overlaps(box, found.boxes_xyxy_px[rivals])[0] if rivals else np.zeros(0)
        if not (shares > threshold).any():
            kept.append(index)
    return kept[:most]


@pytest.mark.parametrize("seed", range(20))
def test_the_suppressor_agrees_with_the_textbook(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 200))
    corners = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate((corners, corners + rng.uniform(-5, 60, (count, 2))), axis=1).astype(np.float32)
    scores = np.sort(rng.random(count).astype(np.float32))[::-1]
    found = Candidates(boxes, scores, rng.integers(0, 3, count).astype(np.int32))
    wanted = plain_suppress(found, 0.45, 32)
    workspace = Suppressor()
    for _ in range(2):  # what an earlier picture left behind does not matter
        got = workspace.run(found, 0.45, 32)
        assert (got.boxes_xyxy_px == boxes[wanted]).all() and (got.scores == scores[wanted]).all()
        assert (got.class_ids == found.class_ids[wanted]).all()
