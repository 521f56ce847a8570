"""Session, decoder and preprocessing together, on models whose answer is known; and models that must be refused."""

from __future__ import annotations

from pathlib import Path

import constant_model as made
import numpy as np
import pytest

from takt.errors import TaktError
from takt.vision import model_card
from takt.vision.detector import Detector

WIDTH_PX, HEIGHT_PX = made.COLUMNS * made.STRIDE_PX, made.ROWS * made.STRIDE_PX


def detector_of(
    folder: Path, output: np.ndarray, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX
) -> Detector:
    made.write_model(folder / "test.onnx", output)
    return Detector(model_card.load(made.write_card(folder)), width_px, height_px)


def test_boxes_arrive_in_the_pixels_of_the_picture(tmp_path: Path) -> None:
    output = made.empty_output()
    made.put(output, 1, 2, 0, (4.0, 2.0, 30.0, 26.0), logit=2.0)
    made.put(output, 1, 3, 0, (4.0, 2.0, 30.0, 27.0), logit=1.0)  # a repeat
    found = detector_of(tmp_path, output, 2 * WIDTH_PX, 2 * HEIGHT_PX).detect(
        np.zeros((2 * HEIGHT_PX, 2 * WIDTH_PX, 3), np.uint8)
    )
    np.testing.assert_allclose(found.boxes_xyxy_px, [(8.0, 4.0, 60.0, 52.0)], atol=1e-3)
    assert found.class_ids.tolist() == [0]


def test_nothing_found_is_an_empty_answer(tmp_path: Path) -> None:
    detector = detector_of(tmp_path, made.empty_output())
    assert len(detector.detect(np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8))) == 0
    assert detector.providers == ["cpu"]


def test_answers_do_not_share_memory(tmp_path: Path) -> None:
    output = made.empty_output()
    made.put(output, 1, 2, 0, (4.0, 2.0, 30.0, 26.0), logit=2.0)
    detector, pixels = detector_of(tmp_path, output), np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    first = detector.detect(pixels)
    first.boxes_xyxy_px[:] = 0
    assert detector.detect(pixels).boxes_xyxy_px[0, 2] == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\x08\x07junk", "no model that"), (b"PK\x03\x04", "no model that")],
)
def test_files_that_are_no_model_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "test.onnx").write_bytes(content)
    with pytest.raises(TaktError, match=message):
        Detector(model_card.load(made.write_card(tmp_path)), WIDTH_PX, HEIGHT_PX)


def test_a_half_copied_model_is_refused(tmp_path: Path) -> None:
    made.write_model(tmp_path / "test.onnx", made.empty_output())
    whole = (tmp_path / "test.onnx").read_bytes()
    (tmp_path / "test.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TaktError, match="no model that"):
        Detector(model_card.load(made.write_card(tmp_path)), WIDTH_PX, HEIGHT_PX)


def test_a_newer_opset_is_refused(tmp_path: Path) -> None:
    made.write_model(tmp_path / "test.onnx", made.empty_output(), opset=99)
    with pytest.raises(TaktError, match="no model that"):
        Detector(model_card.load(made.write_card(tmp_path)), WIDTH_PX, HEIGHT_PX)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    made.write_model(tmp_path / "test.onnx", made.empty_output())
    for change, message in (
        ({"classes": ["target", "obstacle", "third"]}, "with 3 classes and a picture of 48 x 32 needs"),
        ({"output": {"name": "boxes", "strides_px": [8]}}, "the card says 'boxes'"),
        ({"input": {**made.card_document()["input"], "width_px": 64}}, "input 'picture'"),
        ({"input": {**made.card_document()["input"], "name": "image"}}, "the card says 'image'"),
    ):
        card = model_card.load(made.write_card(tmp_path, {**made.card_document(), **change}))
        with pytest.raises(TaktError, match=message):
            Detector(card, WIDTH_PX, HEIGHT_PX)
