"""Models that misbehave on command, so that what becomes of the robot can be shown and tested.

slow     takes five times as long (slow:20 twenty times), as far as the time limit lets it
fail     raises an error at every frame
nan      answers with numbers that are none
crash    ends the process at once, as a fault inside a model's code does
hang     never answers and cannot be cancelled
blind    finds nothing
ghost    finds a second target that is not there
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.frames import Detections
from takt.frames.layout import MAX_DETECTIONS
from takt.vision.detector import NotFinite
from takt.vision.looks import Model

KINDS = ("none", "slow", "fail", "nan", "crash", "hang", "blind", "ghost")
_SLOWER = 5.0
_LOOK_S = 0.001
_GHOST = ((200.0, 80.0, 240.0, 190.0), 0.9, 0)  # px, score, class: as large as the target two steps away


class Cancelled(RuntimeError):
    """The time limit was over."""


def checked(fault: str) -> str:
    """``fault`` if there is such a one, else TaktError."""
    kind, _, factor = fault.partition(":")
    if kind not in KINDS or (factor and (kind != "slow" or not factor.replace(".", "", 1).isdigit())):
        raise TaktError(f"no model fault {fault!r}", f"one of: {', '.join(KINDS)}, or slow:20")
    return fault


class FaultyModel:
    """Stands before a model; ``fault`` is asked at every frame."""

    def __init__(self, model: Model, fault: Callable[[], str]) -> None:
        self._model, self._fault = model, fault
        self._cancelled = False

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        kind, _, factor = self._fault().partition(":")
        if kind == "fail":
            raise RuntimeError("the model fails, as it was told to")
        if kind == "nan":
            raise NotFinite("the model answers with NaN, as it was told to")
        if kind == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        while kind == "hang":
            time.sleep(_LOOK_S)
        began_s = time.monotonic()
        found = self._model.detect(pixels)
        if kind == "blind":
            return Detections.empty()
        if kind == "ghost":
            return _with_ghost(found)
        if kind == "slow":
            self._dawdle(began_s, (time.monotonic() - began_s) * float(factor or _SLOWER))
        return found

    def cancel(self) -> None:
        self._cancelled = True
        self._model.cancel()

    def resume(self) -> None:
        self._cancelled = False
        self._model.resume()

    def _dawdle(self, began_s: float, takes_s: float) -> None:
        while time.monotonic() - began_s < takes_s:
            if self._cancelled:
                raise Cancelled("over the time limit")
            time.sleep(_LOOK_S)


def _with_ghost(found: Detections) -> Detections:
    box, score, class_id = _GHOST
    kept = slice(0, MAX_DETECTIONS - 1)
    return Detections(
        np.concatenate([np.array([box], np.float32), found.boxes_xyxy_px[kept]]),
        np.concatenate([np.array([score], np.float32), found.scores[kept]]),
        np.concatenate([np.array([class_id], np.int32), found.class_ids[kept]]),
    )
