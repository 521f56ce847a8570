"""`takt model`: how good a model is, and its INT8 twin, which is kept only when it is good enough.

takt model evaluate CARD   mAP@0.5 and speed of a model, on renders or on photographs
takt model quantize CARD   make the INT8 twin, judge it against FP32, and refuse it if it loses too much
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt.errors import EXIT_BAD_INPUT, TaktError
from takt.vision import evaluate, model_card, pictures, quantize, truth
from takt.vision.detector import Detector
from takt.vision.model_card import ModelCard
from takt.vision.truth import Sample

_CALIBRATION_SEEDS_FROM = 1_000_000  # of the pictures that were trained on; judged is on seeds from 0
_KNOWN_SHARE = 0.05  # of the calibration pictures the model must find something in
_TIMED_PASSES = 200


def main(argv: list[str]) -> int:
    """Exit status 0; 2 for bad input and for a twin that was refused."""
    options = _options(argv)
    card = model_card.load(options.card, options.weights)
    if options.verb == "evaluate":
        return _evaluate(options, card)
    return _quantize(options, card)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="takt model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("evaluate", "quantize"):
        one = verbs.add_parser(verb)
        one.add_argument("card", metavar="CARD", help="a model card, or the name of a shipped one")
        one.add_argument("--weights", default="", metavar="FILE", help="FP32 weights instead of the card's")
        one.add_argument(
            "--judge", default="", metavar="DIR", help="photographs to judge on instead of renders"
        )
        one.add_argument(
            "--truth", default="", metavar="JSON", help="their boxes; without it FP32 is the judge"
        )
        one.add_argument(
            "--renders", type=int, default=600, help="how many renders to judge on (default 600)"
        )
        one.add_argument("--json", metavar="FILE", help="write the figures there too")
    verbs.choices["evaluate"].add_argument("--precision", default="fp32", choices=model_card.PRECISIONS)
    verbs.choices["evaluate"].add_argument(
        "--int8", default="", metavar="FILE", help="judge this INT8 twin too"
    )
    making = verbs.choices["quantize"]
    making.add_argument("--images", default="", metavar="DIR", help="pictures to calibrate on")
    making.add_argument(
        "--simulator", type=int, default=0, metavar="N", help="calibrate on N renders instead"
    )
    making.add_argument(
        "--out", default="", metavar="FILE", help="default: where the card says, or beside it"
    )
    return parser.parse_args(argv)


def _evaluate(options: argparse.Namespace, card: ModelCard) -> int:
    report: dict[str, object] = {"model": card.name}
    cards = {"fp32": card}
    if options.int8:
        cards["int8"] = model_card.load(options.card, options.int8)
    elif options.precision == "int8":
        cards["int8"] = card.of("int8")
    for precision, one in cards.items():
        report |= _judged(one, card, options, precision)
    _tell(report, options.json)
    if "int8" in cards:
        return _gate(card, report)
    return 0


def _quantize(options: argparse.Namespace, card: ModelCard) -> int:
    out = _destination(options, card)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "int8.onnx"
        used = quantize.quantize(card, _calibration(options, card), made)
        report: dict[str, object] = {"model": card.name, "calibrated_on": used}
        report |= _judged(card, card, options, "fp32")
        report |= _judged(model_card.load(options.card, made), card, options, "int8")
        _tell(report, options.json)
        if status := _gate(card, report):
            return status
        _keep(made, out)
    print(f"written: {out}")
    return 0


def _calibration(options: argparse.Namespace, card: ModelCard) -> Iterator[NDArray[np.uint8]]:
    """Calibration pictures. Ranges taken from what the model has never seen fit nothing, so that is refused first."""
    if bool(options.images) == bool(options.simulator):
        raise TaktError("nothing to calibrate on, or too much", "give --images DIR or --simulator N")
    if options.simulator:
        seeds = range(_CALIBRATION_SEEDS_FROM, _CALIBRATION_SEEDS_FROM + options.simulator)
        yield from (sample.pixels for sample in truth.from_simulator(card, seeds))
        return
    files = truth.files_in(options.images)
    _require_known(card, files, options.images)
    yield from (pictures.load(file) for file in files)


def _require_known(card: ModelCard, files: list[Path], folder: str) -> None:
    detector = Detector(card, card.input.width_px, card.input.height_px)
    known = sum(bool(len(sample.class_ids)) for sample in truth.from_model(files, detector))
    if known < max(1, _KNOWN_SHARE * len(files)):
        raise TaktError(
            f"refused: {card.name} finds something in {known} of the {len(files)} pictures of {folder}; ranges taken "
            "from pictures that show nothing it knows do not hold for those that do",
            "calibrate on pictures like those that the robot will see",
        )


def _samples(options: argparse.Namespace, fp32: ModelCard) -> Iterator[Sample]:
    """Photographs where given; else held-out renders for a model that knows them; else what it was calibrated on."""
    if options.judge or (fp32.classes != truth.SIMULATED and getattr(options, "images", "")):
        files = truth.files_in(options.judge or options.images)
        if options.truth:
            return truth.from_boxes(files, options.truth, fp32.classes)
        return truth.from_model(files, Detector(fp32, fp32.input.width_px, fp32.input.height_px))
    return truth.from_simulator(fp32, range(options.renders))


def _judged(
    card: ModelCard, fp32: ModelCard, options: argparse.Namespace, precision: str
) -> dict[str, object]:
    detector = Detector(card, card.input.width_px, card.input.height_px, evaluate.LOW_SCORE)
    result = evaluate.accuracy(detector, _samples(options, fp32))
    working = Detector(card, card.input.width_px, card.input.height_px)
    picture = np.full((card.input.height_px, card.input.width_px, 3), 114, np.uint8)
    timing = evaluate.timing(working, [picture], _TIMED_PASSES)
    return {
        f"map50_{precision}": round(result.mean_average_precision(), 4),
        "pictures": result.pictures,
        f"{precision}_p50_ms": timing["p50"],
        f"{precision}_p99_ms": timing["p99"],
        f"{precision}_bytes": card.weights.stat().st_size,
        "timed_passes": _TIMED_PASSES,
    }


def _gate(card: ModelCard, report: dict[str, object]) -> int:
    """The one judgement: points of mAP@0.5 lost against what the card allows."""
    allowed = card.int8.allowed_loss_points if card.int8 else model_card.ALLOWED_LOSS_POINTS
    before, after = float(str(report["map50_fp32"])), float(str(report["map50_int8"]))
    lost = round(100.0 * (before - after), 4)
    if before > 0.0 and lost <= allowed:
        print(f"accepted: INT8 loses {lost:.2f} points of mAP@0.5, {allowed} are allowed")
        return 0
    why = (
        f"loses {lost:.2f} points of mAP@0.5, {allowed} are allowed"
        if before > 0.0
        else "has nothing to be judged by"
    )
    print(
        f"error: refused: the INT8 model {why}. Fix: calibrate on pictures like those that the robot will see",
        file=sys.stderr,
    )
    return EXIT_BAD_INPUT


def _destination(options: argparse.Namespace, card: ModelCard) -> Path:
    if options.out:
        return Path(options.out)
    name = card.int8.weights if card.int8 else f"{card.name}_int8.onnx"
    return card.path.parent / name


def _keep(made: Path, out: Path) -> None:
    try:
        out.write_bytes(made.read_bytes())
    except OSError as error:
        raise TaktError(
            f"{out} cannot be written: {error.strerror}", "choose another by --out FILE"
        ) from error


def _tell(report: dict[str, object], file: str | None) -> None:
    text = json.dumps(report, indent=1)
    print(text)
    if file:
        try:
            Path(file).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise TaktError(
                f"{file} cannot be written: {error.strerror}", "choose a folder that exists"
            ) from error
