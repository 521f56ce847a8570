"""A model card says everything about a model that its weights cannot: what goes in, what comes out, how good it is.

One YAML file in config/models, weights beside it. Unknown keys, missing ones and impossible values are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from takt import resources
from takt.errors import TaktError

DECODERS = ("takt_cells",)
_KEYS = {
    "name": str, "weights": str, "licence": str, "decoder": str, "classes": list,
    "input": Mapping, "output": Mapping, "thresholds": Mapping,
}  # fmt: skip
_INPUT_KEYS = {"name": str, "width_px": int, "height_px": int, "scale": float, "mean": list}
_OUTPUT_KEYS = {"name": str, "stride_px": int}
_THRESHOLD_KEYS = {"score": float, "overlap": float}
_TOLD_ONLY = (
    "description",
    "parameters",
    "opset",
    "training",
    "accuracy",
)  # for people; read by nothing that decides


@dataclass(frozen=True)
class Input:
    """The tensor (1, 3, height, width) float32 rgb, each value ``(pixel - mean[channel]) * scale``."""

    name: str
    width_px: int
    height_px: int
    scale: float
    mean: tuple[float, float, float]


@dataclass(frozen=True)
class Output:
    """The tensor (1, classes + 4, height / stride, width / stride); see decoder.py."""

    name: str
    stride_px: int


@dataclass(frozen=True)
class ModelCard:
    """``weights`` is a full path; ``told`` holds the card's parts that are for people."""

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
    told: Mapping[str, Any]

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        stride = self.output.stride_px
        return 1, len(self.classes) + 4, self.input.height_px // stride, self.input.width_px // stride


def load(card: str | Path = "config/models/takt_nano.yaml", weights: str | Path = "") -> ModelCard:
    """Read and check a card; ``card`` is a path or a shipped file. ``weights`` replaces the card's own.

    Raises TaktError for a missing card or weights file, an unknown or missing key, or a value that cannot be.
    """
    path = Path(card)
    if not path.exists():
        if path.is_absolute() or not str(card).startswith("config/"):
            raise TaktError(
                f"model card {path} does not exist", "check the path; ours is config/models/takt_nano.yaml"
            )
        path = resources.path(str(card))
    given = _read(path)
    _check(path, "", given, _KEYS, _TOLD_ONLY)
    file = Path(weights) if str(weights) else path.parent / given["weights"]
    if not file.is_file():
        raise TaktError(f"model file {file} does not exist", f"put it there, or correct 'weights' of {path}")
    return _card(path, file, given)


def _read(path: Path) -> dict[str, Any]:
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise TaktError(f"model card {path} cannot be read: {reason}", "correct the file") from error
    if not isinstance(given, dict):
        raise TaktError(
            f"model card {path} is no mapping of keys to values", "see config/models/takt_nano.yaml"
        )
    return given


def _check(
    path: Path, prefix: str, given: Mapping[str, Any], keys: Mapping[str, type], more: tuple[str, ...] = ()
) -> None:
    for key in given:
        if key not in keys and key not in more:
            raise TaktError(
                f"model card {path}: unknown key {prefix + str(key)!r}",
                f"known are: {', '.join((*keys, *more))}",
            )
    for key, kind in keys.items():
        if key not in given:
            raise TaktError(
                f"model card {path}: key {prefix + key!r} is missing", "add it; see takt_nano.yaml"
            )
        value = given[key]
        accepted = (int, float) if kind is float else kind
        if not isinstance(value, accepted) or isinstance(value, bool):
            raise TaktError(
                f"model card {path}: {prefix + key} is {value!r}, which is no {kind.__name__}",
                "correct the value",
            )


def _card(path: Path, weights: Path, given: Mapping[str, Any]) -> ModelCard:
    if given["decoder"] not in DECODERS:
        raise TaktError(
            f"model card {path}: no decoder {given['decoder']!r}", f"one of: {', '.join(DECODERS)}"
        )
    classes = given["classes"]
    if not classes or not all(isinstance(name, str) for name in classes) or len(set(classes)) != len(classes):
        raise TaktError(
            f"model card {path}: classes must be different names, not {classes!r}", "correct the list"
        )
    _check(path, "thresholds.", given["thresholds"], _THRESHOLD_KEYS)
    for key, value in given["thresholds"].items():
        if not 0.0 < value < 1.0:
            raise TaktError(f"model card {path}: thresholds.{key} is {value}", "use a value between 0 and 1")
    tensor_in, tensor_out = _tensors(path, given)
    return ModelCard(
        path=path,
        name=given["name"],
        weights=weights,
        licence=given["licence"],
        decoder=given["decoder"],
        classes=tuple(classes),
        input=tensor_in,
        output=tensor_out,
        score_threshold=float(given["thresholds"]["score"]),
        overlap_threshold=float(given["thresholds"]["overlap"]),
        told={key: given[key] for key in _TOLD_ONLY if key in given},
    )


def _tensors(path: Path, given: Mapping[str, Any]) -> tuple[Input, Output]:
    source, sink = given["input"], given["output"]
    _check(path, "input.", source, _INPUT_KEYS)
    _check(path, "output.", sink, _OUTPUT_KEYS)
    mean, stride = source["mean"], sink["stride_px"]
    if len(mean) != 3 or not all(isinstance(value, int | float) for value in mean):
        raise TaktError(
            f"model card {path}: input.mean is {mean!r}", "give three numbers, for red, green and blue"
        )
    for key in ("width_px", "height_px"):
        if not 8 <= source[key] <= 4096 or stride < 1 or source[key] % stride:
            raise TaktError(
                f"model card {path}: input.{key} {source[key]} with output.stride_px {stride}",
                "use 8 to 4096 px, a multiple of the stride",
            )
    channels = (float(mean[0]), float(mean[1]), float(mean[2]))
    return (
        Input(source["name"], source["width_px"], source["height_px"], float(source["scale"]), channels),
        Output(sink["name"], stride),
    )
