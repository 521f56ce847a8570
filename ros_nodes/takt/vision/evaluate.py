"""Judges a detector on pictures with truth and times it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from takt.deadlines.histogram import exact_summary
from takt.vision.accuracy import Accuracy
from takt.vision.detector import Detector

_MOST_BOXES = 300
LOW_SCORE = 0.02  # for average precision the whole curve counts, not only what passes the working threshold


class Known(Protocol):
    """A picture with its truth: a render, or a sample of truth.py."""

    @property
    def pixels(self) -> NDArray[np.uint8]: ...
    @property
    def boxes_xyxy_px(self) -> NDArray[np.float32]: ...
    @property
    def class_ids(self) -> NDArray[np.int32]: ...
    @property
    def ignored(self) -> NDArray[np.bool_]: ...


def accuracy(detector: Detector, pictures: Iterable[Known]) -> Accuracy:
    """Run the detector over pictures of any sizes. For AP it should have been made with ``LOW_SCORE``."""
    result = Accuracy(len(detector.card.classes))
    for picture in pictures:
        detector.fit(picture.pixels.shape[1], picture.pixels.shape[0])
        found = detector.find(picture.pixels, _MOST_BOXES)
        result.add(found, picture.boxes_xyxy_px, picture.class_ids, picture.ignored)
    return result


def figures(detector: Detector, result: Accuracy, precision: str = "fp32") -> dict[str, float | None]:
    """Flat figures of one accuracy run; box errors are of the boxes that were right, None where none was."""
    flat: dict[str, float | None] = {
        f"map50_{precision}": round(result.mean_average_precision(), 4),
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


def timing(detector: Detector, pictures: Sequence[NDArray[np.uint8]], passes: int) -> dict[str, float]:
    """Time from pixels to boxes over ``passes`` pictures of one size, one after the other: p50, p95, p99, max in ms."""
    detector.fit(pictures[0].shape[1], pictures[0].shape[0])
    samples = []
    for index in range(passes):
        began_ns = time.perf_counter_ns()
        detector.find(pictures[index % len(pictures)])
        samples.append((time.perf_counter_ns() - began_ns) / 1e6)
    summary = exact_summary(samples)
    return {key: summary[key] for key in ("p50", "p95", "p99", "max")}


def _percentile(values: list[float], percent: int) -> float | None:
    return round(float(np.percentile(values, percent)), 4) if values else None
