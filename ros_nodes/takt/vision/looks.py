"""The ways of looking at a frame that a model offers, each with its cost on this computer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.frames import Detections
from takt.vision.detector import Detector
from takt.vision.model_card import ModelCard
from takt.vision.quality import Step

_TIMED_RUNS = 15

Pixels = NDArray[np.uint8]


class Model(Protocol):
    """What perception needs of a detector, or of what stands in for one."""

    def detect(self, pixels: Pixels) -> Detections: ...
    def cancel(self) -> None: ...
    def resume(self) -> None: ...


@dataclass(frozen=True)
class Look:
    """A model and the step it stands for; ``window_px`` (width, height) is the part of a frame it sees, or None."""

    step: Step
    model: Model
    window_px: tuple[int, int] | None = None

    def at(self, pixels: Pixels, centre_px: tuple[float, float]) -> Detections:
        """Boxes in pixels of the whole frame; a window lies around ``centre_px`` (x, y) as far as the frame allows."""
        if self.window_px is None:
            return self.model.detect(pixels)
        left, top = _corner(pixels.shape, self.window_px, centre_px)
        width, height = self.window_px
        found = self.model.detect(pixels[top : top + height, left : left + width])
        found.boxes_xyxy_px[:] += np.array((left, top, left, top), np.float32)
        return found


def looks_for(
    card: ModelCard, width_px: int, height_px: int, clock_ns: Callable[[], int], say: Callable[[str], object]
) -> list[Look]:
    """Every look that the card's weights allow at this size of frame, from the best to the least, measured.

    Raises TaktError only for the model itself; a twin that does not load is told and left out.
    """
    best = Detector(card, width_px, height_px)
    looks = [Look(Step("at full", _cost_ms(best, width_px, height_px, clock_ns)), best)]
    for name, make, size in _variants(card, width_px, height_px):
        try:
            model = make()
        except TaktError as error:
            say(f"no look {name}: {error}")
            continue
        looks.append(
            Look(Step(name, _cost_ms(model, *size, clock_ns)), model, size if "around" in name else None)
        )
    least = looks[-1]
    slow = Step(f"{least.step.name}, every second frame", least.step.cost_ms, every=2)
    return [*looks, replace(least, step=slow)]


def _variants(
    card: ModelCard, width_px: int, height_px: int
) -> Iterator[tuple[str, Callable[[], Detector], tuple[int, int]]]:
    """Name, maker and size of picture of each variant, in order of what it sees."""
    cheap, whole = card, (width_px, height_px)
    if card.int8 is not None and card.precision == "fp32":
        try:
            cheap = card.of("int8")
        except TaktError:
            cheap = card
        else:
            yield "in INT8", lambda: Detector(cheap, *whole), whole
    if card.smaller_px is not None:
        small = cheap.sized(*card.smaller_px)
        yield "at a smaller picture", lambda: Detector(small, *whole), whole
    if card.window_px is not None and card.window_px[0] <= width_px and card.window_px[1] <= height_px:
        part, window = cheap.sized(*card.window_px), card.window_px
        yield "around the track", lambda: Detector(part, *window), window


def _cost_ms(model: Detector, width_px: int, height_px: int, clock_ns: Callable[[], int]) -> float:
    """Median of a few runs; ``clock_ns`` is any steady clock."""
    pixels = np.full((height_px, width_px, 3), 114, np.uint8)
    times = []
    for _ in range(_TIMED_RUNS):
        began_ns = clock_ns()
        model.detect(pixels)
        times.append((clock_ns() - began_ns) / 1e6)
    return float(np.median(times))


def _corner(
    shape: tuple[int, ...], window_px: tuple[int, int], centre_px: tuple[float, float]
) -> tuple[int, int]:
    left = min(max(0, round(centre_px[0] - window_px[0] / 2)), shape[1] - window_px[0])
    top = min(max(0, round(centre_px[1] - window_px[1] / 2)), shape[0] - window_px[1])
    return left, top
