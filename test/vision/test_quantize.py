"""INT8 twins: ours is as good as FP32, and the gate refuses what is not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from takt.cli import main
from takt.errors import TaktError
from takt.vision import evaluate, model_card, truth
from takt.vision.detector import Detector
from takt.vision.model_command import _gate

SHARED = Path(os.environ.get("TAKT_SHARED", ""))
YOLOX = SHARED / "models" / "yolox_nano.onnx"


def noise(folder: Path, count: int) -> Path:
    folder.mkdir()
    for seed in range(count):
        pixels = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return folder


@pytest.mark.display
def test_our_shipped_twin_is_as_good_as_the_card_says() -> None:
    card = model_card.load(precision="int8")
    samples = list(truth.from_simulator(card, range(7000, 7040)))
    quality = [
        evaluate.accuracy(Detector(one, 320, 240, evaluate.LOW_SCORE), samples).mean_average_precision()
        for one in (model_card.load(), card)
    ]
    assert card.weights.name == "takt_nano_int8.onnx" and card.weights.stat().st_size < 300_000
    assert quality[1] >= quality[0] - 0.02 and card.told["accuracy"]["map50_int8"] >= 0.95


@pytest.mark.display
def test_the_gate_refuses_a_twin_of_ours_that_was_calibrated_on_noise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "twin.onnx"
    pictures = noise(tmp_path / "noise", 8)
    arguments = ["--images", str(pictures), "--renders", "100", "--out", str(out)]
    assert main(["model", "quantize", "takt_nano", *arguments]) == 2
    assert "refused: the INT8 model loses" in capsys.readouterr().err and not out.exists()


@pytest.mark.display
def test_a_twin_calibrated_on_renders_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, report = tmp_path / "twin.onnx", tmp_path / "report.json"
    arguments = ["--simulator", "16", "--renders", "40", "--out", str(out), "--json", str(report)]
    assert main(["model", "quantize", "takt_nano", *arguments]) == 0
    told = json.loads(report.read_text())
    assert "accepted" in capsys.readouterr().out and told["calibrated_on"] == 16
    assert told["map50_int8"] >= told["map50_fp32"] - 0.01 and out.stat().st_size == told["int8_bytes"]
    assert main(["model", "evaluate", "takt_nano", "--int8", str(out), "--renders", "10"]) == 0


@pytest.mark.skipif(
    not (os.environ.get("TAKT_SHARED") and YOLOX.is_file()), reason="TAKT_SHARED names no real model"
)
def test_pictures_that_show_nothing_calibrate_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--weights", str(YOLOX), "--images", str(noise(tmp_path / "noise", 4))]
    assert main(["model", "quantize", "yolox_nano", *arguments, "--out", str(tmp_path / "x.onnx")]) == 2
    assert "finds something in 0 of the 4 pictures" in capsys.readouterr().err
    assert not (tmp_path / "x.onnx").exists()


@pytest.mark.parametrize(
    ("before", "after", "status"), [(0.95, 0.94, 0), (0.95, 0.9399, 2), (0.95, 0.99, 0), (0.0, 0.0, 2)]
)
def test_the_gate_counts_points(before: float, after: float, status: int) -> None:
    assert _gate(model_card.load(), {"map50_fp32": before, "map50_int8": after}) == status


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "is no file of boxes"),
        ("[]", "is no file of boxes"),
        ('{"other.png": []}', "names none of the pictures"),
        ('{"0.png": [{"label": "unicorn", "xyxy": [0, 0, 1, 1]}]}', "no label or corners"),
        ('{"0.png": [{"label": "target", "xyxy": [0, 0]}]}', "no label or corners"),
    ],
)
def test_a_file_of_boxes_that_is_none_is_named(tmp_path: Path, text: str, message: str) -> None:
    pictures, boxes = noise(tmp_path / "noise", 1), tmp_path / "boxes.json"
    boxes.write_text(text)
    with pytest.raises(TaktError, match=message):
        list(truth.from_boxes(truth.files_in(str(pictures)), str(boxes), ("target", "obstacle")))
    with pytest.raises(TaktError, match="holds no pictures"):
        truth.files_in(str(tmp_path))
