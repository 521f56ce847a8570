"""Pixels into the tensor, and boxes the same way back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from takt.vision import preprocess
from takt.vision.model_card import Input
from takt.vision.preprocess import Preprocessor


def model_input(
    width_px: int, height_px: int, scale: float = 1.0, mean: tuple[float, ...] = (0.0, 0.0, 0.0), **more: Any
) -> Input:
    return Input("picture", width_px, height_px, (scale,) * 3, (mean[0], mean[1], mean[2]), **more)


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


def test_top_left_letterbox_cuts_the_size_and_pads_right_and_below() -> None:
    tensor = Preprocessor(model_input(8, 8, letterbox="top_left", pad=0.0), 9, 5).fill(
        np.full((5, 9, 3), 200, np.uint8)
    )
    assert (tensor[0, :, :4] == 200).all() and (tensor[0, :, 4:] == 0).all()


def test_stretch_fills_everything_and_boxes_follow() -> None:
    preprocessor = Preprocessor(model_input(8, 8, letterbox="stretch", resize="bilinear"), 16, 4)
    assert (preprocessor.fill(np.full((4, 16, 3), 9, np.uint8)) == 9).all()
    assert preprocessor.to_source(np.array([(0, 0, 4, 8)], np.float32)).tolist() == [[0.0, 0.0, 8.0, 4.0]]


def test_channels_can_be_swapped_and_last_and_of_other_types() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    bgr = Preprocessor(model_input(4, 2, channels="bgr"), 4, 2, np.float16, channels_last=True).fill(pixels)
    assert bgr.dtype == np.float16 and (bgr[0] == pixels[..., ::-1]).all()
    assert (
        Preprocessor(model_input(4, 2), 4, 2, np.uint8).fill(pixels)[0] == pixels.transpose(2, 0, 1)
    ).all()


def test_mean_and_scale_stand_in_the_order_of_the_channels() -> None:
    model = model_input(1, 1, 1.0, (1.0, 2.0, 3.0), channels="bgr")
    tensor = Preprocessor(model, 1, 1).fill(np.array([[[10, 20, 30]]], np.uint8))
    assert tensor.reshape(3).tolist() == [29.0, 18.0, 7.0]


@pytest.mark.parametrize("source", [(480, 640), (1, 1), (7, 500), (832, 832), (333, 999)])
def test_bilinear_without_opencv_gives_the_same_bits(source: tuple[int, int]) -> None:
    """Down and at equal ratios; OpenCV's own upscaling differs by one level in a few pixels of a hundred."""
    cv2 = pytest.importorskip("cv2")
    pixels = np.random.default_rng(1).integers(0, 256, (*source, 3), np.uint8)
    ratio = min(416 / source[0], 416 / source[1])
    inner = (max(1, int(source[0] * ratio)), max(1, int(source[1] * ratio)))
    ours = preprocess._Bilinear(source, inner)(pixels)
    theirs = cv2.resize(pixels, (inner[1], inner[0]), interpolation=cv2.INTER_LINEAR).transpose(2, 0, 1)
    np.testing.assert_array_equal(ours, theirs)
