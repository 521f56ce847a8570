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
    assert (
        card.classes == ("target", "obstacle")
        and card.output.strides_px == (8,)
        and card.input.mean == (0.0, 0.0, 0.0)
    )
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
        (lambda d: d["output"].pop("strides_px"), "key 'output.strides_px' is missing"),
        (lambda d: d["input"].update(width_px="wide"), "input.width_px is 'wide'"),
        (lambda d: d["input"].update(width_px=True), "input.width_px is True"),
        (
            lambda d: d["input"].update(width_px=47),
            "input.width_px 47 is no multiple of output.strides_px [8]",
        ),
        (lambda d: d["input"].update(mean=[1, 2]), "input.mean is"),
        (lambda d: d.update(decoder="magic"), "decoder is 'magic'"),
        (lambda d: d.update(classes=[]), "classes is"),
        (lambda d: d.update(classes=["a", "a"]), "classes is"),
        (lambda d: d["thresholds"].update(score=1.5), "thresholds.score is 1.5"),
        (lambda d: d["thresholds"].update(overlap="half"), "thresholds.overlap is 'half'"),
        (lambda d: d["input"].update(channels="grey"), "input.channels is 'grey'"),
        (lambda d: d["output"].update(strides_px=[8, 16]), "takt_cells has one stride"),
        (
            lambda d: d.update(int8={"weights": "a", "allowed_loss_points": -1}),
            "int8.allowed_loss_points is -1",
        ),
        (lambda d: d.update(providers={"cuda": 1}), "providers is"),
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


@pytest.mark.parametrize("name", ["yolox_nano", "yolov8n", "yolo11n", "nanodet_m_320"])
def test_cards_of_other_models_ship_without_weights(tmp_path: Path, name: str) -> None:
    with pytest.raises(TaktError, match="--weights"):
        model_card.load(name)
    (tmp_path / "w.onnx").write_bytes(b"not read here")
    card = model_card.load(f"config/models/{name}.yaml", tmp_path / "w.onnx")
    assert card.name == name and len(card.classes) == 80 and card.classes[0] == "person" and card.licence


def test_a_precision_that_the_card_has_not_is_refused(tmp_path: Path) -> None:
    card = load_changed(tmp_path, lambda d: None)
    with pytest.raises(TaktError, match="names no INT8 weights"):
        card.of("int8")
    with pytest.raises(TaktError, match="no precision 'int4'"):
        card.of("int4")
