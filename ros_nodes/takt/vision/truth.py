"""Pictures with what is in them, to calibrate on and to judge by: renders, or photographs with a file of boxes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision import pictures
from takt.vision.detector import Detector
from takt.vision.model_card import ModelCard

SIMULATED = ("target", "obstacle")  # what renders show


@dataclass(frozen=True)
class Sample:
    """``pixels`` (H, W, 3) uint8 rgb; truth ``boxes_xyxy_px`` (N, 4) and ``class_ids`` (N,); ``ignored`` (N,) marks
    objects that neither count when found nor when missed."""

    pixels: NDArray[np.uint8]
    boxes_xyxy_px: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    ignored: NDArray[np.bool_]


def files_in(folder: str) -> list[Path]:
    """The picture files of a folder by name. Raises TaktError if there are none."""
    path = Path(folder)
    files = (
        sorted(f for f in path.glob("*") if f.suffix.lower() in pictures.SUFFIXES) if path.is_dir() else []
    )
    if not files:
        raise TaktError(f"{folder} holds no pictures", f"put {', '.join(pictures.SUFFIXES)} files there")
    return files


def from_boxes(files: Sequence[Path], boxes_file: str, classes: Sequence[str]) -> Iterator[Sample]:
    """Pictures with the boxes of a JSON file as `takt detect --json` writes it; those it does not name are left out.

    Raises TaktError if the file is none, names none of the pictures, or has a label that the model does not know.
    """
    told = _read(Path(boxes_file))
    known = [file for file in files if file.name in told]
    if not known:
        raise TaktError(f"{boxes_file} names none of the pictures", "give the boxes of these very pictures")
    for file in known:
        yield _sample(pictures.load(file), told[file.name], classes, boxes_file)


def from_model(files: Sequence[Path], judge: Detector) -> Iterator[Sample]:
    """Pictures with what ``judge`` finds in them: measures agreement with that model, where there is no truth."""
    for file in files:
        pixels = pictures.load(file)
        judge.fit(pixels.shape[1], pixels.shape[0])
        found = judge.find(pixels, most=300)
        none = np.zeros(len(found), np.bool_)
        yield Sample(pixels, found.boxes_xyxy_px, found.class_ids, none)


def from_simulator(card: ModelCard, seeds: range) -> Iterator[Sample]:
    """Renders of the simulated arena. Raises TaktError for a model that does not know its classes, or no simulator."""
    if card.classes != SIMULATED:
        raise TaktError(
            f"the simulator shows target and obstacle, which {card.name} does not know",
            "give pictures: --images",
        )
    try:
        from takt.vision.renders import Renderer
    except ImportError as error:
        raise TaktError("the simulator needs mujoco, which is not installed", "pip install mujoco") from error
    with Renderer() as renderer:
        for one in renderer.pictures(seeds):
            yield Sample(one.pixels, one.boxes_xyxy_px, one.class_ids, one.ignored)


def _read(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaktError(
            f"{file} is no file of boxes: {error}", "write one: takt detect ... --json FILE"
        ) from error
    told = told.get("images", told) if isinstance(told, dict) else None
    if not isinstance(told, dict) or not all(isinstance(boxes, list) for boxes in told.values()):
        raise TaktError(f"{file} is no file of boxes", "write one: takt detect ... --json FILE")
    return told


def _sample(pixels: NDArray[np.uint8], told: list[Any], classes: Sequence[str], file: str) -> Sample:
    try:
        boxes = np.array([one["xyxy"] for one in told], np.float32).reshape(-1, 4)
        class_ids = np.array([classes.index(one["label"]) for one in told], np.int32)
    except (KeyError, TypeError, ValueError) as error:
        raise TaktError(
            f"{file}: a box has no label or corners that the model knows ({error})",
            "use the labels of the card",
        ) from error
    return Sample(pixels, boxes, class_ids, np.zeros(len(told), np.bool_))
