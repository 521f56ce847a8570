"""Whatever is put in: a clear message or an answer, never a crash."""

from __future__ import annotations

from pathlib import Path

import constant_model as made
import numpy as np
import pytest
from PIL import Image

from takt.cli import main


@pytest.fixture
def card(tmp_path: Path) -> Path:
    output = made.empty_output()
    made.put(output, 1, 2, 0, (4.0, 2.0, 30.0, 26.0), logit=2.0)
    made.write_model(tmp_path / "test.onnx", output)
    return made.write_card(tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (7, 5), (8192, 4320), (7680, 1)])
@pytest.mark.parametrize("resize", ["nearest", "bilinear"])
def test_pictures_of_any_size_are_looked_at(
    card: Path, tmp_path: Path, size: tuple[int, int], resize: str
) -> None:
    document = made.card_document()
    document["input"]["resize"] = resize
    made.write_card(tmp_path, document)
    Image.new("L", size, 90).save(tmp_path / "odd.png")
    drawn = [] if size[0] * size[1] > 1_000_000 else ["--annotate", str(tmp_path / "out")]
    assert main(["detect", "--model", str(card), str(tmp_path / "odd.png"), *drawn]) == 0
    if drawn:
        assert Image.open(tmp_path / "out" / "odd.png").size == size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_pictures_of_any_kind_are_looked_at(card: Path, tmp_path: Path, mode: str) -> None:
    name = {"CMYK": "one.tiff", "F": "one.tiff", "I;16": "one.png"}.get(mode, "one.png")
    Image.new(mode, (64, 48)).save(tmp_path / name)
    assert main(["detect", "--model", str(card), str(tmp_path / name)]) == 0


def test_a_photograph_lying_on_its_side_is_put_upright(card: Path, tmp_path: Path) -> None:
    image = Image.new("RGB", (60, 20))
    tags = image.getexif()
    tags[274] = 6
    image.save(tmp_path / "side.jpg", exif=tags)
    assert (
        main(
            ["detect", "--model", str(card), str(tmp_path / "side.jpg"), "--annotate", str(tmp_path / "out")]
        )
        == 0
    )
    assert Image.open(tmp_path / "out" / "side.jpg").size == (20, 60)


def says(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["detect", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("Fix: ") == 1 and "Traceback" not in said
    return said


def test_what_is_no_whole_picture_is_named(
    card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.jpg")
    whole = (tmp_path / "cut.jpg").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\xff\xd8\xff", b"text"):
        (tmp_path / "cut.jpg").write_bytes(content)
        assert "cut.jpg is no whole picture" in says(capsys, "--model", str(card), str(tmp_path / "cut.jpg"))
    assert "does not exist" in says(capsys, "--model", str(card), str(tmp_path / "gone.jpg"))
    assert "does not exist" in says(capsys, "--model", str(card), str(tmp_path))  # a folder is no picture


def test_what_is_no_model_is_named(card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    picture, weights = str(tmp_path / "one.png"), tmp_path / "other.onnx"
    weights.write_bytes(b"")
    assert "is empty" in says(capsys, "--model", str(card), "--weights", str(weights), picture)
    made.write_model(weights, made.empty_output(), opset=99)
    assert "no model that onnxruntime" in says(
        capsys, "--model", str(card), "--weights", str(weights), picture
    )
    document = made.card_document()
    document["classes"] = ["one", "two", "three"]
    assert "with 3 classes" in says(capsys, "--model", str(made.write_card(tmp_path, document)), picture)
    assert "does not exist" in says(capsys, "--model", "no_such_card", picture)


def test_asking_for_nothing_or_too_much_is_refused(card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing to look at" in says(capsys, "--model", str(card))
    assert "or too much" in says(capsys, "--model", str(card), "a.jpg", "--camera")
    assert "is no size" in says(capsys, "--model", str(card), "--camera", "--size", "wide")
