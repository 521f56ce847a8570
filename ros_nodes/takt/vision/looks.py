"""The ways of looking at a frame that a model offers, each with its cost on this computer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
_QUICK_RUNS = 5  # where the robot stands still meanwhile

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


@dataclass(frozen=True)
class Loaded:
    """A model that is loaded and warm, not yet measured."""

    name: str
    model: Detector
    size_px: tuple[int, int]


def load_models(card: ModelCard, width_px: int, height_px: int, say: Callable[[str], object]) -> list[Loaded]:
    """Every model that the card's weights allow at this size of frame: the slow part of a start.

    Raises TaktError only for the model itself; a twin that does not load is told and left out.
    """
    loaded = [Loaded("at full", Detector(card, width_px, height_px), (width_px, height_px))]
    for name, make, size in _variants(card, width_px, height_px):
        try:
            loaded.append(Loaded(name, make(), size))
        except TaktError as error:
            say(f"no look {name}: {error}")
    return loaded


def looks_of(models: Sequence[Loaded], clock_ns: Callable[[], int], quick: bool = False) -> list[Look]:
    """The looks that they make, from the best to the least, measured; ``quick``: with fewer runs each."""
    runs = _QUICK_RUNS if quick else _TIMED_RUNS
    looks = [
        Look(
            Step(one.name, _cost_ms(one.model, *one.size_px, clock_ns, runs)),
            one.model,
            one.size_px if "around" in one.name else None,
        )
        for one in models
    ]
    least = looks[-1]
    slow = Step(f"{least.step.name}, every second frame", least.step.cost_ms, every=2)
    return [*looks, replace(least, step=slow)]


def looks_for(
    card: ModelCard, width_px: int, height_px: int, clock_ns: Callable[[], int], say: Callable[[str], object]
) -> list[Look]:
    """Both: loaded and measured."""
    return looks_of(load_models(card, width_px, height_px, say), clock_ns)


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


def _cost_ms(model: Detector, width_px: int, height_px: int, clock_ns: Callable[[], int], runs: int) -> float:
    """Median of a few runs; ``clock_ns`` is any steady clock."""
    pixels = np.full((height_px, width_px, 3), 114, np.uint8)
    times = []
    for _ in range(runs):
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
