"""Which keys a model card may have, of which kind, and in which range: one table, so that a refusal names its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from takt.errors import TaktError

DECODERS = ("takt_cells", "yolox", "yolov8", "nanodet")
LETTERBOXES = ("centre", "top_left", "stretch")
RESIZES = ("nearest", "bilinear")
CHANNELS = ("rgb", "bgr")
TOLD_ONLY = (
    "description",
    "source",
    "parameters",
    "opset",
    "training",
    "accuracy",
)  # for people; decides nothing
_LONGEST_SIDE_PX = 4096


@dataclass(frozen=True)
class Key:
    """``kind`` of the value; ``good`` must hold for it; ``wanted`` says so in words."""

    kind: type | tuple[type, ...]
    good: Callable[[Any], bool] = lambda value: True
    wanted: str = ""
    required: bool = True


_NUMBER = (int, float)


def _one_of(names: tuple[str, ...], required: bool = False) -> Key:
    return Key(str, lambda value: value in names, f"one of: {', '.join(names)}", required)


def _is_side(value: int) -> bool:
    return 8 <= value <= _LONGEST_SIDE_PX


def _are_names(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)


def _are_numbers(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return len(values) in ((3,) if isinstance(value, list) else (1,)) and all(
        isinstance(one, _NUMBER) and not isinstance(one, bool) for one in values
    )


def _are_strides(value: list[Any]) -> bool:
    return bool(value) and all(
        isinstance(one, int) and not isinstance(one, bool) and one >= 1 for one in value
    )


def _is_share(value: float) -> bool:
    return 0.0 < value < 1.0


_CHANNEL_VALUES = "one number, or three in the order of the channels"
_SIDE = Key(int, _is_side, f"8 to {_LONGEST_SIDE_PX} px")
SCHEMA: dict[str, dict[str, Key]] = {
    "": {
        "name": Key(str),
        "weights": Key(str),
        "licence": Key(str),
        "decoder": _one_of(DECODERS, required=True),
        "classes": Key(list, _are_names, "a list of different names"),
        "input": Key(dict),
        "output": Key(dict),
        "thresholds": Key(dict),
        "providers": Key(
            dict, lambda v: all(isinstance(o, dict) for o in v.values()), "options by provider", False
        ),
        "int8": Key(dict, required=False),
        "smaller": Key(dict, required=False),
        "window": Key(dict, required=False),
    },
    "input": {
        "name": Key(str, required=False),
        "width_px": _SIDE,
        "height_px": _SIDE,
        "scale": Key((int, float, list), _are_numbers, _CHANNEL_VALUES),
        "mean": Key((int, float, list), _are_numbers, _CHANNEL_VALUES),
        "channels": _one_of(CHANNELS),
        "resize": _one_of(RESIZES),
        "letterbox": _one_of(LETTERBOXES),
        "pad": Key(_NUMBER, lambda value: 0 <= value <= 255, "0 to 255", False),
    },
    "output": {
        "name": Key(str, required=False),
        "strides_px": Key(list, _are_strides, "whole numbers of px"),
        "decoded": Key(bool, required=False),
        "reg_max": Key(int, lambda value: 1 <= value <= 32, "1 to 32", False),
        "cell_centre": Key(_NUMBER, lambda value: value in (0, 0.5), "0 or 0.5", False),
        "clip": Key(bool, required=False),
    },
    "smaller": {"width_px": _SIDE, "height_px": _SIDE},
    "window": {"width_px": _SIDE, "height_px": _SIDE},
    "thresholds": {
        "score": Key(_NUMBER, _is_share, "a value between 0 and 1"),
        "overlap": Key(_NUMBER, _is_share, "a value between 0 and 1"),
    },
    "int8": {
        "weights": Key(str),
        "allowed_loss_points": Key(
            _NUMBER, lambda value: 0 < value <= 100, "0 to 100 points of mAP@0.5", False
        ),
    },
}


def check(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """``given`` itself when it is a card; raises TaktError with key, value and what is wanted."""
    _check_section(path, "", given)
    for section in ("input", "output", "thresholds", "int8", "smaller", "window"):
        if section in given:
            _check_section(path, section, given[section])
    _check_strides(path, given)
    return given


def _check_section(path: Path, section: str, given: Mapping[str, Any]) -> None:
    keys, prefix = SCHEMA[section], f"{section}." if section else ""
    known = (*keys, *TOLD_ONLY) if not section else tuple(keys)
    for name in given:
        if name not in known:
            raise TaktError(
                f"model card {path}: unknown key {prefix + str(name)!r}", f"known are: {', '.join(known)}"
            )
    for name, key in keys.items():
        if name in given:
            _check_value(path, prefix + name, given[name], key)
        elif key.required:
            raise TaktError(
                f"model card {path}: key {prefix + name!r} is missing", "add it; see takt_nano.yaml"
            )


def _check_value(path: Path, name: str, value: Any, key: Key) -> None:
    kinds = key.kind if isinstance(key.kind, tuple) else (key.kind,)
    is_bool = isinstance(value, bool)
    if not isinstance(value, kinds) or (is_bool and bool not in kinds):
        raise TaktError(
            f"model card {path}: {name} is {value!r}, which is no {' or '.join(kind.__name__ for kind in kinds)}",
            "correct the value",
        )
    if not key.good(value):
        raise TaktError(f"model card {path}: {name} is {value!r}", f"use {key.wanted}")


def _check_strides(path: Path, given: Mapping[str, Any]) -> None:
    strides = given["output"]["strides_px"]
    if given["decoder"] == "takt_cells" and len(strides) != 1:
        raise TaktError(f"model card {path}: takt_cells has one stride, not {strides}", "give one")
    for key in ("width_px", "height_px"):
        side = given["input"][key]
        if given["decoder"] != "nanodet" and any(side % stride for stride in strides):
            raise TaktError(
                f"model card {path}: input.{key} {side} is no multiple of output.strides_px {strides}",
                "use the size that the model was exported with",
            )
