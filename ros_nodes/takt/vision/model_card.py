"""A model card says everything about a model that its weights cannot: what goes in, what comes out, how good it is.

One YAML file in config/models, weights beside it or given by hand. Unknown keys, missing ones and impossible values are
refused by name (card_schema.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from takt import resources
from takt.errors import TaktError
from takt.vision.card_schema import TOLD_ONLY, check

FOLDER = "config/models"
OWN = f"{FOLDER}/takt_nano.yaml"
PRECISIONS = ("fp32", "int8")
ALLOWED_LOSS_POINTS = 2.0
_GREY = 114.0  # around a picture of another shape, as detectors are commonly trained


@dataclass(frozen=True)
class Input:
    """The tensor of one picture: each value is ``(pixel - mean[channel]) * scale[channel]``.

    ``mean`` and ``scale`` stand in the order of ``channels`` (rgb or bgr). ``letterbox`` is centre, top_left or
    stretch; ``resize`` nearest or bilinear (between pixel middles, rounded to whole levels); ``pad`` the pixel value
    around the picture. ``name`` is empty when the model's only input is meant.
    """

    name: str
    width_px: int
    height_px: int
    scale: tuple[float, float, float]
    mean: tuple[float, float, float]
    channels: str = "rgb"
    resize: str = "nearest"
    letterbox: str = "centre"
    pad: float = _GREY


@dataclass(frozen=True)
class Output:
    """What the decoder must know beyond the shapes; see decoders/. ``name`` is empty when all outputs are meant.

    ``clip`` cuts boxes at the picture's border.
    """

    name: str
    strides_px: tuple[int, ...]
    decoded: bool = False
    reg_max: int = 7
    cell_centre: float = 0.5
    clip: bool = True


@dataclass(frozen=True)
class Int8:
    """The quantised twin of a model: its weights, and how many points of mAP@0.5 it may lose (2 points are 0.02)."""

    weights: str
    allowed_loss_points: float


@dataclass(frozen=True)
class ModelCard:
    """``weights`` is a full path; ``told`` holds the card's parts that are for people.

    ``smaller_px`` (width, height) is an input size that the weights take too; ``window_px`` that of a part of the frame
    which is worth looking at alone.
    """

    path: Path
    name: str
    weights: Path
    licence: str
    decoder: str
    classes: tuple[str, ...]
    input: Input
    output: Output
    score_threshold: float
    overlap_threshold: float
    providers: Mapping[str, Mapping[str, Any]]
    int8: Int8 | None
    smaller_px: tuple[int, int] | None
    window_px: tuple[int, int] | None
    told: Mapping[str, Any]
    precision: str = "fp32"

    def sized(self, width_px: int, height_px: int) -> ModelCard:
        """The same weights for a smaller picture; they must leave their input's size open."""
        return replace(self, input=replace(self.input, width_px=width_px, height_px=height_px))

    def of(self, precision: str) -> ModelCard:
        """The same model in another precision. Raises TaktError where the card or the file has none."""
        if precision == self.precision:
            return self
        if precision not in PRECISIONS:
            raise TaktError(f"no precision {precision!r}", f"one of: {', '.join(PRECISIONS)}")
        if precision == "fp32":
            return load(self.path)
        if self.int8 is None:
            raise TaktError(
                f"model card {self.path} names no INT8 weights",
                f"make them: takt model quantize {self.path} --help",
            )
        return replace(self, weights=_weights(self.path, self.int8.weights), precision="int8")


def load(card: str | Path = OWN, weights: str | Path = "", precision: str = "fp32") -> ModelCard:
    """Read and check a card; ``card`` is a path, a shipped file or the name of a shipped card. ``weights`` replaces the
    card's own.

    Raises TaktError for a missing card or weights file, an unknown or missing key, or a value that cannot be.
    """
    path = find(card)
    given = check(path, _read(path))
    file = Path(weights) if str(weights) else _weights(path, given["weights"], precision, given.get("int8"))
    if not file.is_file():
        raise TaktError(
            f"model file {file} does not exist",
            f"put the weights of {given['name']} there, or name them: --weights FILE (nodes: parameter 'weights')",
        )
    return replace(_card(path, file, given), precision=precision)


def find(card: str | Path) -> Path:
    """The file of a card given as a path, as a shipped path (config/models/x.yaml) or as a name (x)."""
    path = Path(card)
    if path.is_file():
        return path
    text = str(card)
    shipped = text if text.startswith("config/") else f"{FOLDER}/{text.removesuffix('.yaml')}.yaml"
    if not path.is_absolute() and "/" not in text.removeprefix(f"{FOLDER}/"):
        try:
            return resources.path(shipped)
        except TaktError:
            pass
    raise TaktError(f"model card {path} does not exist", f"check the path; ours is {OWN}")


def _weights(card: Path, named: str, precision: str = "fp32", int8: Mapping[str, Any] | None = None) -> Path:
    if precision == "int8":
        if int8 is None:
            raise TaktError(
                f"model card {card} names no INT8 weights", f"make them: takt model quantize {card} --help"
            )
        named = int8["weights"]
    elif precision != "fp32":
        raise TaktError(f"no precision {precision!r}", f"one of: {', '.join(PRECISIONS)}")
    file = card.parent / named
    if not file.is_file():
        raise TaktError(
            f"model file {file} does not exist",
            f"put it there, or correct the weights of {card}; --weights FILE names others",
        )
    return file


def _read(path: Path) -> dict[str, Any]:
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise TaktError(f"model card {path} cannot be read: {reason}", "correct the file") from error
    if not isinstance(given, dict):
        raise TaktError(f"model card {path} is no mapping of keys to values", f"see {OWN}")
    return given


def _card(path: Path, weights: Path, given: Mapping[str, Any]) -> ModelCard:
    int8 = given.get("int8")
    return ModelCard(
        path=path,
        name=given["name"],
        weights=weights,
        licence=given["licence"],
        decoder=given["decoder"],
        classes=tuple(given["classes"]),
        input=_input(given["input"]),
        output=_output(given["output"]),
        score_threshold=float(given["thresholds"]["score"]),
        overlap_threshold=float(given["thresholds"]["overlap"]),
        providers=given.get("providers", {}),
        smaller_px=_size(given.get("smaller")),
        window_px=_size(given.get("window")),
        int8=Int8(int8["weights"], float(int8.get("allowed_loss_points", ALLOWED_LOSS_POINTS)))
        if int8
        else None,
        told={key: given[key] for key in TOLD_ONLY if key in given},
    )


def _input(given: Mapping[str, Any]) -> Input:
    return Input(
        name=given.get("name", ""),
        width_px=given["width_px"],
        height_px=given["height_px"],
        scale=_triple(given["scale"]),
        mean=_triple(given["mean"]),
        channels=given.get("channels", "rgb"),
        resize=given.get("resize", "nearest"),
        letterbox=given.get("letterbox", "centre"),
        pad=float(given.get("pad", _GREY)),
    )


def _output(given: Mapping[str, Any]) -> Output:
    return Output(
        name=given.get("name", ""),
        strides_px=tuple(given["strides_px"]),
        decoded=given.get("decoded", False),
        reg_max=given.get("reg_max", 7),
        cell_centre=float(given.get("cell_centre", 0.5)),
        clip=given.get("clip", True),
    )


def _size(given: Mapping[str, int] | None) -> tuple[int, int] | None:
    return (given["width_px"], given["height_px"]) if given else None


def _triple(given: float | list[float]) -> tuple[float, float, float]:
    one, two, three = given if isinstance(given, list) else [given] * 3
    return float(one), float(two), float(three)
