#!/usr/bin/env python3
"""Trains takt_nano, our own detector, from nothing: renders pictures, trains, exports, judges on held-out renders.

    pip install -r requirements/train.txt
    python sim/train_detector.py --out config/models            about half an hour on two cores
    python sim/train_detector.py --untrained --out DIR          the same network knowing nothing, for tests; no torch

Writes takt_nano.onnx and its model card takt_nano.yaml. Its INT8 twin: takt model quantize takt_nano --simulator 300
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
for _folder in (_HERE, _HERE.parent / "ros_nodes"):
    sys.path.insert(0, str(_folder))

from detector import export  # noqa: E402

from takt import resources  # noqa: E402
from takt.errors import guarded  # noqa: E402


def main() -> int:
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.untrained:
        _write_untrained(options.out, options.seed)
    else:
        _train(options)
    return 0


def _write_untrained(out: Path, seed: int) -> None:
    shipped = resources.path("config/models/takt_nano.onnx")
    export.untrained(shipped, out / "takt_nano.onnx", seed)
    card = export.untrained_card(shipped.with_suffix(".yaml").read_text(encoding="utf-8"), seed)
    (out / "takt_nano.yaml").write_text(card, encoding="utf-8")
    print(f"untrained network in {out}")


def _train(options: argparse.Namespace) -> None:
    from detector import dataset, training

    from takt.vision.renders import TRAINING_SEEDS_FROM

    plan = training.Plan(epochs=options.epochs, seed=options.seed, processes=options.processes)
    folder = options.work or Path(tempfile.gettempdir()) / "takt_detector"
    weights = folder / "takt_nano.pt"
    if not options.export_only:
        shards = dataset.render(folder, TRAINING_SEEDS_FROM, options.pictures, options.processes)
        training.train(shards, plan, weights)
    told: dict[str, Any] = {
        "data": "domain-randomised MuJoCo renders and views of runs, labelled by visible pixels (takt.vision.renders)",
        "pictures": options.pictures,
        "picture_seeds": [TRAINING_SEEDS_FROM, TRAINING_SEEDS_FROM + options.pictures - 1],
        "epochs": plan.epochs,
        "seed": plan.seed,
    }
    _write_model(weights, options.out, told)


def _write_model(weights: Path, out: Path, told: dict[str, Any]) -> None:
    parameters = export.to_onnx(weights, out / "takt_nano.onnx")
    card = out / "takt_nano.yaml"
    card.write_text(export.card(parameters, told, {}), encoding="utf-8")  # the judge needs a card already
    figures = _judge(card)
    card.write_text(export.card(parameters, told, figures), encoding="utf-8")
    print(f"mAP@0.5 {figures['map50_fp32']} on {figures['images']} held-out renders; written to {out}")


def _judge(card: Path) -> dict[str, Any]:
    from takt.vision import evaluate, model_card
    from takt.vision.detector import Detector
    from takt.vision.renders import Renderer

    held_out = range(600)
    detector = Detector(model_card.load(card), 320, 240, evaluate.LOW_SCORE)
    with Renderer(320, 240) as renderer:
        figures = evaluate.figures(detector, evaluate.accuracy(detector, renderer.pictures(held_out)))
    return {"picture_seeds": [held_out.start, held_out.stop - 1], **figures}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for takt_nano.onnx and takt_nano.yaml"
    )
    parser.add_argument("--untrained", action="store_true", help="only scramble the shipped weights")
    parser.add_argument("--export-only", action="store_true", help="export and judge what was trained before")
    parser.add_argument(
        "--work", type=Path, help="folder for pictures and weights (default: TMPDIR/takt_detector)"
    )
    parser.add_argument("--pictures", type=int, default=12_000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(guarded(main))
