"""`takt bench vision`: accuracy on held-out renders, time from pixels to boxes, FP32 and INT8, as flat JSON.

With real weights at hand (``--yolox FILE``, or TAKT_SHARED) also what everything around the network costs: the whole
way of YOLOX-Nano against the bare ``session.run`` of the same file, taken in turn so that both see the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt.deadlines.histogram import exact_summary
from takt.errors import TaktError
from takt.realtime import apply_policy
from takt.vision import evaluate, model_card, truth
from takt.vision.detector import Detector
from takt.vision.model_card import ModelCard

_FIFO_PRIORITY = 45  # the detector's own on the robot
_TIMED_PICTURES = 50
_HELD_OUT = 1_000_000  # seeds from here on were trained on
_SHARED_MODEL = "models/yolox_nano.onnx"
_YOLOX_SIZE = (640, 480)

Pixels = NDArray[np.uint8]


def main(argv: list[str]) -> int:
    """Measure, print, and write ``--json FILE``; exit status 0."""
    options = _options(argv)
    cards = _cards(options)
    report: dict[str, object] = {"model": cards["fp32"].name}
    pictures: list[Pixels] = []
    for precision, card in cards.items():
        judged = Detector(card, options.width, options.height, evaluate.LOW_SCORE)
        result = evaluate.accuracy(judged, truth.from_simulator(card, range(options.images)))
        report |= (
            evaluate.figures(judged, result, precision)
            if precision == "fp32"
            else {f"map50_{precision}": round(result.mean_average_precision(), 4)}
        )
        report[f"{precision}_weights_bytes"] = card.weights.stat().st_size
    pictures = [one.pixels for one in truth.from_simulator(card, range(min(_TIMED_PICTURES, options.images)))]
    report["fifo_granted"] = apply_policy(_FIFO_PRIORITY).fifo_priority
    samples = _time_own(cards, pictures, options)
    samples |= _time_yolox(options, report)
    report |= _percentiles(samples)
    _finish(options, report, samples)
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="takt bench vision", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--samples", metavar="DIR", help="write every single time there, one file a figure")
    parser.add_argument("--images", type=int, default=600, help="held-out renders to judge on (default 600)")
    parser.add_argument("--passes", type=int, default=1000, help="timed pictures (default 1000)")
    parser.add_argument("--model", default=model_card.OWN, metavar="CARD")
    parser.add_argument(
        "--weights", default="", metavar="ONNX", help="weights instead of the card's; no INT8 then"
    )
    parser.add_argument("--width", type=int, default=320, help="width of the pictures in px")
    parser.add_argument("--height", type=int, default=240, help="height of the pictures in px")
    parser.add_argument(
        "--yolox", default="", metavar="ONNX", help="weights of YOLOX-Nano; default: in TAKT_SHARED"
    )
    options = parser.parse_args(argv)
    if not 1 <= options.images < _HELD_OUT or options.passes < 1:
        raise TaktError(
            f"--images {options.images} --passes {options.passes} measures nothing",
            f"use 1 to {_HELD_OUT - 1} images (the rest were trained on) and at least one pass",
        )
    return options


def _cards(options: argparse.Namespace) -> dict[str, ModelCard]:
    card = model_card.load(options.model, options.weights)
    return {"fp32": card} if options.weights or card.int8 is None else {"fp32": card, "int8": card.of("int8")}


def _time_own(
    cards: dict[str, ModelCard], pictures: list[Pixels], options: argparse.Namespace
) -> dict[str, list[float]]:
    """Pixels to boxes, the precisions in turn."""
    detectors = {name: Detector(card, options.width, options.height) for name, card in cards.items()}
    samples: dict[str, list[float]] = {f"own_{name}": [] for name in detectors}
    for index in range(options.passes):
        for name, detector in detectors.items():
            began_ns = time.perf_counter_ns()
            detector.detect(pictures[index % len(pictures)])
            samples[f"own_{name}"].append((time.perf_counter_ns() - began_ns) / 1e6)
    return samples


def _time_yolox(options: argparse.Namespace, report: dict[str, object]) -> dict[str, list[float]]:
    """The whole way and the bare network in turn; nothing, and the reason, where there are no weights."""
    shared = os.environ.get("TAKT_SHARED", "")
    weights = options.yolox or (f"{shared}/{_SHARED_MODEL}" if shared else "")
    if not weights or not Path(weights).is_file():
        report["yolox_nano"] = "not measured: no weights, give --yolox FILE"
        return {}
    width_px, height_px = _YOLOX_SIZE
    detector = Detector(model_card.load("yolox_nano", weights), width_px, height_px)
    pixels = np.random.default_rng(1).integers(0, 256, (height_px, width_px, 3), np.uint8)
    samples: dict[str, list[float]] = {"yolox_nano": [], "yolox_nano_bare": []}
    for _ in range(max(10, options.passes // 5)):
        for name, run in (
            ("yolox_nano", lambda: detector.detect(pixels)),
            ("yolox_nano_bare", detector.run_bare),
        ):
            began_ns = time.perf_counter_ns()
            run()
            samples[name].append((time.perf_counter_ns() - began_ns) / 1e6)
    report["yolox_nano_over_bare_ratio"] = round(
        float(np.median(samples["yolox_nano"]) / np.median(samples["yolox_nano_bare"])), 4
    )
    return samples


def _percentiles(samples: dict[str, list[float]]) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, values in samples.items():
        summary = exact_summary(values)
        flat |= {f"{name}_{key}_ms": summary[key] for key in ("p50", "p95", "p99", "max")}
        flat[f"{name}_count"] = len(values)
    return flat


def _finish(options: argparse.Namespace, report: dict[str, object], samples: dict[str, list[float]]) -> None:
    text = json.dumps(report, indent=1)
    print(text)
    try:
        if options.json:
            Path(options.json).write_text(text + "\n", encoding="utf-8")
        if options.samples:
            Path(options.samples).mkdir(parents=True, exist_ok=True)
            for name, values in samples.items():
                lines = "\n".join(f"{value:.6f}" for value in values)
                (Path(options.samples) / f"{name}_ms.txt").write_text(lines + "\n")
    except OSError as error:
        raise TaktError(
            f"{error.filename} cannot be written: {error.strerror}", "choose a folder that exists"
        ) from error
