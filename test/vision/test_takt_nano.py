"""Our own detector on pictures it has never seen, and the same network without its training, which must fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from takt.vision import evaluate, model_card
from takt.vision.detector import Detector
from takt.vision.renders import TRAINING_SEEDS_FROM, Picture, Renderer

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT = range(5000, 5040)  # neither trained on nor in the model card's figures
WITHOUT_TORCH = """
import runpy, sys
sys.modules["torch"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    assert HELD_OUT.stop <= TRAINING_SEEDS_FROM
    with Renderer() as renderer:
        return list(renderer.pictures(HELD_OUT))


@pytest.mark.display
def test_the_shipped_model_finds_what_is_there(pictures: list[Picture]) -> None:
    detector = Detector(model_card.load(), 320, 240, evaluate.LOW_SCORE)
    result = evaluate.accuracy(detector, pictures)
    assert result.pictures == 40 and result.classes[0].objects >= 20 and result.classes[1].objects >= 40
    assert result.mean_average_precision() >= 0.85
    assert np.median(result.classes[0].centre_errors_px) <= 1.5


@pytest.mark.display
def test_an_empty_picture_stays_empty(pictures: list[Picture]) -> None:
    detector = Detector(model_card.load(), 320, 240)
    for value in (0, 128, 255):
        assert len(detector.detect(np.full((240, 320, 3), value, np.uint8)).of_class(0)) == 0


@pytest.mark.display
def test_the_untrained_model_fails(pictures: list[Picture], tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "sim" / "train_detector.py"), "--untrained", "--out", str(tmp_path)]
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *script[1:]], check=True, timeout=600)
    untrained = model_card.load(tmp_path / "takt_nano.yaml")
    result = evaluate.accuracy(Detector(untrained, 320, 240, evaluate.LOW_SCORE), pictures)
    assert result.mean_average_precision() <= 0.1
    shipped = model_card.load()
    swapped = Detector(model_card.load(weights=tmp_path / "takt_nano.onnx"), 320, 240)
    target = evaluate.accuracy(swapped, pictures).classes[0]
    assert shipped.weights.read_bytes() != untrained.weights.read_bytes()
    assert sum(target.right) <= 0.1 * target.objects


@pytest.mark.display
def test_equal_seeds_give_equal_pictures(pictures: list[Picture]) -> None:
    with Renderer() as renderer:
        again = renderer.picture(HELD_OUT.start + 7)
    assert (again.pixels == pictures[7].pixels).all()
    np.testing.assert_array_equal(again.boxes_xyxy_px, pictures[7].boxes_xyxy_px)


@pytest.mark.display
def test_the_bench_reports_its_figures(tmp_path: Path) -> None:
    report = tmp_path / "vision.json"
    program = "import sys; from takt.vision.bench import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["--images", "6", "--passes", "20", "--json", str(report)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "ros_nodes")}
    # In a process of its own: it asks for a real-time priority.
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, timeout=600, env=environment)
    figures = json.loads(report.read_text())
    assert figures["images"] == 6 and figures["own_fp32_count"] == 20
    assert (
        0.0 < figures["own_fp32_p50_ms"] <= figures["own_fp32_p99_ms"] and 0.0 <= figures["map50_fp32"] <= 1.0
    )
