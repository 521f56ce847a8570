"""Sources give pictures of the size asked for, or say what is wrong."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from takt.errors import TaktError
from takt.vision.sources import SourceSettings, open_source


def settings(kind: str, **more: object) -> SourceSettings:
    return SourceSettings(kind, 32, 24, 30, **more)  # type: ignore[arg-type]


def test_a_folder_is_shown_in_order_and_over_again(tmp_path: Path) -> None:
    for number, size in ((1, (64, 48)), (2, (1, 1)), (3, (31, 500))):
        Image.new("RGB", size, (number, 2 * number, 3 * number)).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    source, pixels = open_source(settings("images", folder=str(tmp_path))), np.empty((24, 32, 3), np.uint8)
    before_ns = time.time_ns()
    for number in (1, 2, 3, 1):
        stamp_ns = source.read_into(pixels)
        assert (pixels == (number, 2 * number, 3 * number)).all()
        assert before_ns <= stamp_ns <= time.time_ns()
    source.close()


def test_an_empty_or_absent_folder_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(TaktError, match="holds no pictures"):
            open_source(settings("images", folder=str(folder)))


def test_a_truncated_picture_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.jpg")
    whole = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TaktError, match="cut.jpg is no whole picture"):
        open_source(settings("images", folder=str(tmp_path)))
    (tmp_path / "cut.jpg").write_bytes(b"")
    with pytest.raises(TaktError, match="cut.jpg is no whole picture"):
        open_source(settings("images", folder=str(tmp_path)))


def test_without_opencv_a_camera_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(TaktError, match="opencv-python-headless"):
        open_source(settings("v4l2"))


def test_an_absent_camera_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", type(sys)("cv2"))
    with pytest.raises(TaktError, match="/dev/no_camera does not exist"):
        open_source(settings("v4l2", device="/dev/no_camera"))


def test_an_absent_plant_is_named() -> None:
    with pytest.raises(TaktError, match="no plant state"):
        open_source(settings("mujoco", plant_state="takt_test_no_plant"))


def test_unknown_kinds_and_missing_parts_are_refused() -> None:
    with pytest.raises(TaktError, match="no image source 'film'"):
        settings("film")
    with pytest.raises(TaktError, match="has no folder"):
        settings("images")
