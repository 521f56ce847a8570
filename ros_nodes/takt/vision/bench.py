"""`takt bench vision`: accuracy on held-out renders and the time from pixels to boxes, as flat JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from takt.errors import TaktError
from takt.realtime import apply_policy
from takt.vision import evaluate, model_card
from takt.vision.detector import Detector
from takt.vision.renders import TRAINING_SEEDS_FROM, Renderer

_FIFO_PRIORITY = 45  # the detector's own on the robot
_TIMED_PICTURES = 50


def main(argv: list[str]) -> int:
    """Measure, print, and write ``--json FILE``; exit status 0."""
    options = _options(argv)
    card = model_card.load(options.model, options.weights)
    with Renderer(options.width, options.height) as renderer:
        judged = Detector(card, options.width, options.height, evaluate.LOW_SCORE)
        report: dict[str, object] = {}
        report |= evaluate.figures(
            judged, evaluate.accuracy(judged, renderer.pictures(range(options.images)))
        )
        pictures = list(renderer.pictures(range(min(_TIMED_PICTURES, options.images))))
    granted = apply_policy(_FIFO_PRIORITY)
    timed = Detector(card, options.width, options.height)
    report |= evaluate.timing(timed, pictures, options.passes)
    report |= {"fifo_granted": granted.fifo_priority, "weights_bytes": card.weights.stat().st_size}
    text = json.dumps({"model": card.name, **report}, indent=1)
    print(text)
    if options.json:
        _write(Path(options.json), text)
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="takt bench vision", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--images", type=int, default=600, help="held-out renders to judge on (default 600)")
    parser.add_argument("--passes", type=int, default=1000, help="timed pictures (default 1000)")
    parser.add_argument("--model", default="config/models/takt_nano.yaml", metavar="CARD")
    parser.add_argument("--weights", default="", metavar="ONNX", help="weights instead of the card's")
    parser.add_argument("--width", type=int, default=320, help="width of the pictures in px")
    parser.add_argument("--height", type=int, default=240, help="height of the pictures in px")
    options = parser.parse_args(argv)
    if not 1 <= options.images < TRAINING_SEEDS_FROM or options.passes < 1:
        raise TaktError(
            f"--images {options.images} --passes {options.passes} measures nothing",
            f"use 1 to {TRAINING_SEEDS_FROM - 1} images (the rest were trained on) and at least one pass",
        )
    return options


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise TaktError(
            f"{path} cannot be written: {error.strerror}", "choose a folder that exists"
        ) from error
