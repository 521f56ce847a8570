"""Pixels into the tensor, and boxes the same way back."""

from __future__ import annotations

import numpy as np
import pytest

from takt.vision.model_card import Input
from takt.vision.preprocess import Preprocessor


def model_input(
    width_px: int, height_px: int, scale: float = 1.0, mean: tuple[float, ...] = (0.0, 0.0, 0.0)
) -> Input:
    return Input("picture", width_px, height_px, scale, (mean[0], mean[1], mean[2]))


def test_same_size_is_only_normalised() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (4, 6, 3), np.uint8)
    tensor = Preprocessor(model_input(6, 4, 0.5, (10.0, 20.0, 30.0)), 6, 4).fill(pixels)
    wanted = (pixels.astype(np.float32) - (10.0, 20.0, 30.0)) * 0.5
    np.testing.assert_allclose(tensor[0], wanted.transpose(2, 0, 1), rtol=1e-6)


def test_the_tensor_is_filled_in_place() -> None:
    preprocessor = Preprocessor(model_input(6, 4), 12, 8)
    first = preprocessor.fill(np.zeros((8, 12, 3), np.uint8))
    assert preprocessor.fill(np.full((8, 12, 3), 7, np.uint8)) is first and (first == 7).all()


def test_another_shape_is_letterboxed_in_the_middle() -> None:
    tensor = Preprocessor(model_input(8, 8), 16, 8).fill(np.full((8, 16, 3), 200, np.uint8))
    assert (
        (tensor[0, :, 2:6] == 200).all()
        and (tensor[0, :, :2] == 114).all()
        and (tensor[0, :, 6:] == 114).all()
    )


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (640, 480), (7680, 4320), (321, 239)])
def test_boxes_go_the_way_back_for_any_size(width: int, height: int) -> None:
    preprocessor = Preprocessor(model_input(64, 48), width, height)
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :] = 255
    tensor = preprocessor.fill(pixels)
    assert np.isfinite(tensor).all() and tensor.max() == 255
    ratio = min(64 / width, 48 / height)
    inner = np.array(
        [(64 - max(1, round(width * ratio))) // 2, (48 - max(1, round(height * ratio))) // 2] * 2
    )
    box = np.array([(0.25 * width, 0.25 * height, 0.75 * width, height)], np.float32)
    back = preprocessor.to_source((box * ratio + inner).astype(np.float32))
    np.testing.assert_allclose(back, box, atol=1e-3 * max(width, height))


def test_boxes_are_cut_at_the_border() -> None:
    back = Preprocessor(model_input(64, 48), 64, 48).to_source(
        np.array([(-5.0, -5.0, 70.0, 50.0)], np.float32)
    )
    assert back.tolist() == [[0.0, 0.0, 64.0, 48.0]]


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Preprocessor(model_input(64, 48), 64, 48).fill(np.zeros((48, 65, 3), np.uint8))
