"""Judges a detector on held-out renders and times it."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from takt.deadlines.histogram import exact_summary
from takt.vision.accuracy import Accuracy
from takt.vision.detector import Detector
from takt.vision.renders import Picture

LOW_SCORE = 0.02  # for average precision the whole curve counts, not only what passes the working threshold


def accuracy(detector: Detector, pictures: Iterable[Picture]) -> Accuracy:
    """Run the detector over pictures with truth. For AP the detector should have been made with ``LOW_SCORE``."""
    result = Accuracy(len(detector.card.classes))
    for picture in pictures:
        found = detector.detect(picture.pixels)
        result.add(found, picture.boxes_xyxy_px, picture.class_ids, picture.ignored)
    return result


def figures(detector: Detector, result: Accuracy) -> dict[str, float | None]:
    """Flat figures of one accuracy run; box errors are of the boxes that were right, None where none was."""
    flat: dict[str, float | None] = {
        "map50_fp32": round(result.mean_average_precision(), 4),
        "images": result.pictures,
    }
    for name, tally in zip(detector.card.classes, result.classes, strict=True):
        flat[f"ap50_{name}"] = round(tally.average_precision(), 4)
        flat[f"objects_{name}"] = tally.objects
        for what, errors in (
            ("centre_px", tally.centre_errors_px),
            ("height_ratio", tally.height_errors_ratio),
        ):
            for percent in (50, 95):
                flat[f"{name}_{what}_error_p{percent}"] = _percentile(errors, percent)
    return flat


def timing(detector: Detector, pictures: list[Picture], passes: int) -> dict[str, float]:
    """Time from pixels to boxes over ``passes`` pictures, one after the other; ms."""
    samples = []
    for index in range(passes):
        pixels = pictures[index % len(pictures)].pixels
        began_ns = time.perf_counter_ns()
        detector.detect(pixels)
        samples.append((time.perf_counter_ns() - began_ns) / 1e6)
    summary = exact_summary(samples)
    return {f"own_fp32_{key}_ms": summary[key] for key in ("p50", "p95", "p99", "max")} | {
        "own_fp32_count": passes
    }


def _percentile(values: list[float], percent: int) -> float | None:
    return round(float(np.percentile(values, percent)), 4) if values else None
