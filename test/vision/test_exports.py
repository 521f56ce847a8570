"""Models as the authors of each family export them, with constructed answers: every variant must decode exactly.

Each answer is built from the boxes by the inverse of the published decoding, written down here independently.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import constant_model as made
import numpy as np
import pytest
import yaml
from onnx import TensorProto
from PIL import Image

from takt import resources
from takt.cli import main
from takt.errors import TaktError
from takt.vision import model_card
from takt.vision.detector import Detector
from takt.vision.model_card import ModelCard

# label, score, box in px of the model's picture; the second is a repeat of the first, the third of another class.
BOXES = [
    (0, 0.90, (100.0, 60.0, 180.0, 200.0)),
    (0, 0.80, (101.0, 60.0, 180.0, 201.0)),
    (56, 0.70, (100.5, 60.0, 181.0, 200.0)),
    (79, 0.60, (16.0, 250.0, 48.0, 290.0)),
]
KEPT = [0, 2, 3]
CELLS = {320: 2100, 416: 3549, 640: 8400}


def card_of(name: str, weights: Path, folder: Path, **changed: dict[str, Any]) -> ModelCard:
    document = yaml.safe_load(resources.path(f"config/models/{name}.yaml").read_text())
    for section, keys in changed.items():
        document[section].update(keys)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document))
    return model_card.load(path, weights)


def check(card: ModelCard, tolerance_px: float = 1e-3, tolerance: float = 1e-5) -> None:
    side = card.input.width_px
    found = Detector(card, side, side).find(np.zeros((side, side, 3), np.uint8), 300)
    assert found.class_ids.tolist() == [BOXES[i][0] for i in KEPT]
    np.testing.assert_allclose(found.scores, [BOXES[i][1] for i in KEPT], atol=tolerance)
    np.testing.assert_allclose(found.boxes_xyxy_px, [BOXES[i][2] for i in KEPT], atol=tolerance_px)


def yolov8_answer(cells: int, classes: int = 80) -> np.ndarray:
    answer = np.zeros((1, 4 + classes, cells), np.float32)
    for place, (class_id, score, (x0, y0, x1, y1)) in enumerate(BOXES):
        cell = 100 + 500 * place
        answer[0, :4, cell] = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        answer[0, 4 + class_id, cell] = score
    return answer


@pytest.mark.parametrize("name", ["yolov8n", "yolo11n"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dynamic", [False, True])
def test_yolov8_and_yolo11(tmp_path: Path, name: str, transposed: bool, dynamic: bool) -> None:
    answer = yolov8_answer(CELLS[640])
    answer = np.ascontiguousarray(answer.transpose(0, 2, 1)) if transposed else answer
    shape = ("batch", 3, "height", "width") if dynamic else (1, 3, 640, 640)
    made.write_export(tmp_path / "w.onnx", {"output0": answer}, shape, open_shapes=dynamic)
    check(card_of(name, tmp_path / "w.onnx", tmp_path))


@pytest.mark.parametrize("opset", [12, 17, 21])
def test_half_precision_and_other_opsets(tmp_path: Path, opset: int) -> None:
    answer = yolov8_answer(CELLS[640]).astype(np.float16)
    made.write_export(
        tmp_path / "w.onnx", {"output0": answer}, (1, 3, 640, 640), TensorProto.FLOAT16, opset=opset
    )
    check(card_of("yolov8n", tmp_path / "w.onnx", tmp_path), tolerance_px=0.1, tolerance=1e-3)


def test_suppression_inside_the_graph(tmp_path: Path) -> None:
    """(1, N, 6): what is there is taken as it is, empty rows have score 0."""
    answer = np.zeros((1, 300, 6), np.float32)
    for row, index in enumerate(KEPT):
        class_id, score, box = BOXES[index]
        answer[0, row] = (*box, score, class_id)
    made.write_export(tmp_path / "w.onnx", {"output0": answer}, (1, 3, 640, 640), open_shapes=True)
    check(card_of("yolov8n", tmp_path / "w.onnx", tmp_path))


def test_channels_last_input(tmp_path: Path) -> None:
    made.write_export(tmp_path / "w.onnx", {"output0": yolov8_answer(CELLS[640])}, (1, 640, 640, 3))
    check(card_of("yolov8n", tmp_path / "w.onnx", tmp_path))


def yolox_answer(side: int, decoded: bool) -> np.ndarray:
    answer = np.zeros((1, CELLS[side], 85), np.float32)
    fine = side // 8
    for class_id, score, (x0, y0, x1, y1) in BOXES:
        x, y, width, height = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        column, row = int(x / 16), int(y / 16)  # the middle grid
        cell = fine * fine + row * (side // 16) + column + class_id % 3 + int(score * 100) % 2
        column += class_id % 3 + int(score * 100) % 2
        box = (x / 16 - column, y / 16 - row, np.log(width / 16), np.log(height / 16))
        while answer[0, cell, 4]:
            cell, column = cell + 1, column + 1
            box = (x / 16 - column, *box[1:])
        answer[0, cell, :4] = (x, y, width, height) if decoded else box
        answer[0, cell, 4] = 0.95
        answer[0, cell, 5 + class_id] = score / 0.95
    return answer


@pytest.mark.parametrize("decoded", [False, True])
def test_yolox_with_and_without_boxes_in_pixels(tmp_path: Path, decoded: bool) -> None:
    made.write_export(tmp_path / "w.onnx", {"output": yolox_answer(416, decoded)}, (1, 3, 416, 416))
    check(card_of("yolox_nano", tmp_path / "w.onnx", tmp_path, output={"decoded": decoded}))


def nanodet_parts(strides: tuple[int, ...], centre: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Distances to a side of d cells: two neighbouring bins share it, exp of a log share makes the softmax exact."""
    parts = []
    for stride in strides:
        count = (-(-320 // stride)) ** 2
        parts.append((np.zeros((1, count, 80), np.float32), np.zeros((1, count, 32), np.float32)))
    for place, (class_id, score, box) in enumerate(BOXES):
        level = strides.index(32)
        side = 10
        column = int((box[0] + box[2]) / 2 / 32) + (place == 1)
        row = int((box[1] + box[3]) / 2 / 32) + (place == 2)
        middle_x, middle_y = (column + centre) * 32, (row + centre) * 32
        reach = (middle_x - box[0], middle_y - box[1], box[2] - middle_x, box[3] - middle_y)
        scores, distances = parts[level]
        cell = row * side + column
        scores[0, cell, class_id] = score
        logits = np.full((4, 8), -40.0, np.float32)
        for edge, cells in enumerate(distance / 32 for distance in reach):
            low = int(cells)
            logits[edge, low] = np.log(max(1 - (cells - low), 1e-12))
            logits[edge, low + 1] = np.log(max(cells - low, 1e-12))
        distances[0, cell] = logits.reshape(-1)
    return parts


def test_nanodet_as_published(tmp_path: Path) -> None:
    joined = np.concatenate(
        [np.concatenate(pair, axis=2) for pair in nanodet_parts((8, 16, 32), 0.5)], axis=1
    )
    assert joined.shape == (1, 2100, 112)
    made.write_export(tmp_path / "w.onnx", {"output": joined}, (1, 3, 320, 320))
    check(card_of("nanodet_m_320", tmp_path / "w.onnx", tmp_path), tolerance_px=5e-3)


def test_nanodet_with_two_outputs_a_stride_in_any_order(tmp_path: Path) -> None:
    outputs = {}
    for stride, (scores, distances) in zip((8, 16, 32), nanodet_parts((8, 16, 32), 0.5), strict=True):
        outputs = {f"dis_pred_stride_{stride}": distances, f"cls_pred_stride_{stride}": scores, **outputs}
    made.write_export(tmp_path / "w.onnx", outputs, (1, 3, 320, 320))
    check(card_of("nanodet_m_320", tmp_path / "w.onnx", tmp_path), tolerance_px=5e-3)


def test_nanodet_plus_counts_from_the_corner_and_has_a_fourth_grid(tmp_path: Path) -> None:
    parts = nanodet_parts((8, 16, 32, 64), 0.0)
    joined = np.concatenate([np.concatenate(pair, axis=2) for pair in parts], axis=1)
    assert joined.shape == (1, 2125, 112)
    made.write_export(tmp_path / "w.onnx", {"output": joined}, (1, 3, 320, 320))
    output = {"strides_px": [8, 16, 32, 64], "cell_centre": 0}
    check(card_of("nanodet_m_320", tmp_path / "w.onnx", tmp_path, output=output), tolerance_px=5e-3)


@pytest.mark.parametrize(
    ("name", "shape", "picture", "message"),
    [
        (
            "yolov8n",
            (1, 84, 3549),
            (1, 3, 416, 416),
            r"input 'images' is .*416.*the card says \(1, 3, 640, 640\)",
        ),
        ("yolov8n", (1, 24, 8400), (1, 3, 640, 640), r"with 80 classes .* needs one output \(1, 84, 8400\)"),
        ("yolov8n", (4, 84, 8400), (4, 3, 640, 640), "input 'images' is"),
        ("yolox_nano", (1, 3549, 80), (1, 3, 416, 416), r"needs one output \(1, 3549, 85\)"),
        ("yolox_nano", (1, 84, 8400), (1, 3, 416, 416), r"needs one output \(1, 3549, 85\)"),
        ("nanodet_m_320", (1, 2125, 112), (1, 3, 320, 320), r"needs one output \(1, 2100, 112\)"),
    ],
)
def test_files_that_do_not_fit_the_card_are_refused(
    tmp_path: Path, name: str, shape: tuple[int, ...], picture: tuple[int, ...], message: str
) -> None:
    made.write_export(tmp_path / "w.onnx", {"output0": np.zeros(shape, np.float32)}, picture)
    with pytest.raises(TaktError, match=message) as caught:
        Detector(card_of(name, tmp_path / "w.onnx", tmp_path), 64, 48)
    assert "correct" in caught.value.fix


@pytest.mark.parametrize("name", ["yolov8n", "yolox_nano", "nanodet_m_320"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_answers_that_are_no_numbers_are_no_boxes(tmp_path: Path, name: str, bad: float) -> None:
    shape, side = {"yolov8n": ((1, 84, 8400), 640), "yolox_nano": ((1, 3549, 85), 416)}.get(
        name, ((1, 2100, 112), 320)
    )
    made.write_export(tmp_path / "w.onnx", {"output": np.full(shape, bad, np.float32)}, (1, 3, side, side))
    card = card_of(name, tmp_path / "w.onnx", tmp_path)
    assert len(Detector(card, 64, 48).find(np.zeros((48, 64, 3), np.uint8))) == 0


def test_the_command_writes_boxes_in_pixels_of_each_picture(tmp_path: Path) -> None:
    """A picture of half the model's size, and one that is letterboxed: 640 x 320 has 160 rows above it."""
    made.write_export(tmp_path / "w.onnx", {"output0": yolov8_answer(CELLS[640])}, (1, 3, 640, 640))
    for file, size in (("half.png", (320, 320)), ("wide.jpg", (640, 320))):
        Image.new("RGB", size).save(tmp_path / file)
    files = [str(tmp_path / "half.png"), str(tmp_path / "wide.jpg")]
    out, drawn = tmp_path / "out.json", tmp_path / "drawn"
    status = main(
        ["detect", "--model", "yolov8n", "--weights", str(tmp_path / "w.onnx"), *files]
        + ["--json", str(out), "--annotate", str(drawn)]
    )
    assert status == 0
    told = json.loads(out.read_text())
    assert list(told) == ["half.png", "wide.jpg"]
    assert [(one["label"], one["score"]) for one in told["half.png"]] == [
        ("person", 0.9),
        ("chair", 0.7),
        ("toothbrush", 0.6),
    ]
    assert told["half.png"][0]["xyxy"] == [50.0, 30.0, 90.0, 100.0]
    assert told["wide.jpg"][0]["xyxy"] == [100.0, 0.0, 180.0, 40.0]
    assert Image.open(drawn / "wide.jpg").size == (640, 320)
