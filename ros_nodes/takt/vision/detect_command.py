"""`takt detect`: boxes in pictures, a camera or a film, as JSON and as pictures with the boxes drawn in."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision import model_card, pictures
from takt.vision.detector import Detector
from takt.vision.model_card import ModelCard
from takt.vision.sources import SourceSettings, open_source
from takt.vision.suppression import Candidates

_MOST_BOXES = 300
_REOPEN_S = 0.5
_DIGITS = 6  # of a picture's number in the names of a camera or film


def main(argv: list[str]) -> int:
    """Look, print, and write what was asked for; exit status 0."""
    options = _options(argv)
    card = model_card.load(options.model, options.weights, options.precision)
    found: dict[str, list[dict[str, Any]]] = {}
    looker = _Looker(card)
    try:
        for name, pixels in _pictures(options):
            boxes = looker.look(pixels)
            found[name] = rows(boxes, card)
            _tell(name, found[name])
            if options.annotate:
                target = Path(options.annotate) / (name if Path(name).suffix else f"{name}.jpg")
                pictures.save_annotated(target, pixels, boxes, card.classes)
    except KeyboardInterrupt:
        pass
    if options.json:
        _write(Path(options.json), found)
    return 0


class _Looker:
    """One session for pictures of any size."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card
        self._detector: Detector | None = None
        self._shape: tuple[int, ...] = ()

    def look(self, pixels: NDArray[np.uint8]) -> Candidates:
        height_px, width_px, _ = pixels.shape
        if self._detector is None:
            self._detector = Detector(self._card, width_px, height_px)
            print(f"model {self._card.name}, providers granted: {', '.join(self._detector.providers)}")
        elif pixels.shape != self._shape:
            self._detector.fit(width_px, height_px)
        self._shape = pixels.shape
        return self._detector.find(pixels, _MOST_BOXES)


def rows(found: Candidates, card: ModelCard) -> list[dict[str, Any]]:
    """Boxes as the JSON has them: label, score, and left, top, right, bottom in px; best first."""
    return [
        {
            "label": card.classes[class_id],
            "score": round(float(score), 4),
            "xyxy": [round(float(edge), 2) for edge in box],
        }
        for box, score, class_id in zip(found.boxes_xyxy_px, found.scores, found.class_ids, strict=True)
    ]


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="takt detect", description=__doc__)
    parser.add_argument(
        "--model", required=True, metavar="CARD", help="a model card, or the name of a shipped one"
    )
    parser.add_argument("--weights", default="", metavar="FILE", help="weights instead of the card's")
    parser.add_argument("--precision", default="fp32", choices=model_card.PRECISIONS)
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    parser.add_argument(
        "--camera", nargs="?", const="/dev/video0", metavar="DEVICE", help="until Ctrl-C or --frames"
    )
    parser.add_argument("--video", metavar="FILE", help="every picture of a film")
    parser.add_argument("--frames", type=int, default=0, help="at most so many pictures of a camera or film")
    parser.add_argument(
        "--size", default="640x480", metavar="WxH", help="asked of the camera (default 640x480)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the boxes there")
    parser.add_argument("--annotate", metavar="DIR", help="write pictures with the boxes drawn in there")
    options = parser.parse_args(argv)
    if sum((bool(options.images), bool(options.camera), bool(options.video))) != 1:
        raise TaktError("nothing to look at, or too much", "give pictures, or --camera, or --video FILE")
    return options


def _pictures(options: argparse.Namespace) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    if options.images:
        yield from _files(options.images)
    elif options.video:
        yield from _stream(SourceSettings.of_video(options.video), options.frames)
    else:
        width_px, height_px = _size(options.size)
        yield from _stream(
            SourceSettings("v4l2", width_px, height_px, rate_hz=30, device=options.camera), options.frames
        )


def _files(names: list[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    short = [Path(name).name for name in names]
    for name, base in zip(names, short, strict=True):
        yield (base if short.count(base) == 1 else name), pictures.load(Path(name))


def _stream(settings: SourceSettings, most: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Pictures of a source; a camera that goes away is opened again, a film ends."""
    source, number = open_source(settings), 0
    pixels = np.empty((settings.height_px, settings.width_px, 3), np.uint8)
    try:
        while not most or number < most:
            try:
                source.read_into(pixels)
            except EOFError:
                return
            except TaktError as error:
                print(f"{error}; trying again", flush=True)
                source.close()
                source = _opened_again(settings)
                continue
            number += 1
            yield f"frame_{number:0{_DIGITS}d}", pixels
    finally:
        source.close()


def _opened_again(settings: SourceSettings) -> Any:
    while True:
        time.sleep(_REOPEN_S)
        try:
            return open_source(settings)
        except TaktError:
            continue


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (
        width.isdecimal() and height.isdecimal() and 1 <= int(width) <= 16384 and 1 <= int(height) <= 16384
    ):
        raise TaktError(f"--size {text} is no size", "write it as 640x480")
    return int(width), int(height)


def _tell(name: str, boxes: list[dict[str, Any]]) -> None:
    said = ", ".join(f"{box['label']} {box['score']:.2f}" for box in boxes) or "nothing"
    print(f"{name}: {said}", flush=True)


def _write(path: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    try:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise TaktError(
            f"{path} cannot be written: {error.strerror}", "choose a folder that exists"
        ) from error
