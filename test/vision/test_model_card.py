"""A card is read whole or refused with the key, the value and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import constant_model
import pytest

from takt.errors import TaktError
from takt.vision import model_card


def load_changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> model_card.ModelCard:
    document = constant_model.card_document()
    change(document)
    (folder / "test.onnx").write_bytes(b"not read here")
    return model_card.load(constant_model.write_card(folder, document))


def test_a_good_card_is_read(tmp_path: Path) -> None:
    card = load_changed(tmp_path, lambda d: d.update(accuracy={"map50_fp32": 0.9}))
    assert card.classes == ("target", "obstacle") and card.output_shape == (1, 6, 4, 6)
    assert card.weights == tmp_path / "test.onnx" and card.told["accuracy"]["map50_fp32"] == 0.9


def test_weights_can_be_replaced(tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"x")
    assert model_card.load(constant_model.write_card(tmp_path), other).weights == other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(colour="red"), "unknown key 'colour'"),
        (lambda d: d["input"].update(depth=3), "unknown key 'input.depth'"),
        (lambda d: d.pop("classes"), "key 'classes' is missing"),
        (lambda d: d["output"].pop("stride_px"), "key 'output.stride_px' is missing"),
        (lambda d: d["input"].update(width_px="wide"), "input.width_px is 'wide'"),
        (lambda d: d["input"].update(width_px=True), "input.width_px is True"),
        (lambda d: d["input"].update(width_px=47), "input.width_px 47 with output.stride_px 8"),
        (lambda d: d["input"].update(mean=[1, 2]), "input.mean is"),
        (lambda d: d.update(decoder="magic"), "no decoder 'magic'"),
        (lambda d: d.update(classes=[]), "classes must be different names"),
        (lambda d: d.update(classes=["a", "a"]), "classes must be different names"),
        (lambda d: d["thresholds"].update(score=1.5), "thresholds.score is 1.5"),
        (lambda d: d["thresholds"].update(overlap="half"), "thresholds.overlap is 'half'"),
        (lambda d: d.update(weights="gone.onnx"), "gone.onnx does not exist"),
    ],
)
def test_a_bad_card_is_refused_by_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(TaktError, match="(?s)") as caught:
        load_changed(tmp_path, change)
    assert message in caught.value.cause and caught.value.fix


@pytest.mark.parametrize("text", ["", "- a list", "a: [unclosed", "\x00"])
def test_a_file_that_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(text)
    with pytest.raises(TaktError, match="model card"):
        model_card.load(path)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match="gone.yaml does not exist"):
        model_card.load(tmp_path / "gone.yaml")


def test_the_shipped_card_is_complete() -> None:
    card = model_card.load()
    assert card.classes == ("target", "obstacle") and card.licence == "Apache-2.0"
    assert card.weights.stat().st_size <= 2_000_000
    assert card.told["opset"] == 17 and card.told["accuracy"]["map50_fp32"] >= 0.90
    assert card.told["accuracy"]["images"] >= 500
    seeds_trained, seeds_judged = (
        card.told["training"]["picture_seeds"],
        card.told["accuracy"]["picture_seeds"],
    )
    assert seeds_judged[1] < seeds_trained[0]
