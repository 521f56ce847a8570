"""A camera that misbehaves on command, so that what becomes of the robot can be shown and tested.

covered     black pictures
unplugged   the device is gone; it is opened again when it is back
slow:10     a picture takes ten times as long
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision.sources import ImageSource

KINDS = ("none", "covered", "unplugged", "slow")


def checked(fault: str) -> str:
    """``fault`` if there is such a one, else TaktError."""
    kind, _, factor = fault.partition(":")
    if kind not in KINDS or (kind == "slow") != factor.replace(".", "", 1).isdigit():
        raise TaktError(f"no camera fault {fault!r}", f"one of: {', '.join(KINDS[:3])}, or slow:10")
    return fault


def open_unless_unplugged(open_it: Callable[[], ImageSource], fault: Callable[[], str]) -> FaultySource:
    """Raises TaktError while the fault says that there is no camera."""
    _require_plugged(fault())
    return FaultySource(open_it(), fault)


class FaultySource:
    """Stands before a source; ``fault`` is asked at every picture."""

    def __init__(self, source: ImageSource, fault: Callable[[], str]) -> None:
        self._source, self._fault = source, fault

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        kind, _, factor = self._fault().partition(":")
        _require_plugged(kind)
        began_s = time.monotonic()
        stamp_ns = self._source.read_into(pixels)
        if kind == "covered":
            pixels[...] = 0
        elif kind == "slow":
            time.sleep((time.monotonic() - began_s) * max(float(factor) - 1.0, 0.0))
        return stamp_ns

    def close(self) -> None:
        self._source.close()


def _require_plugged(fault: str) -> None:
    if fault == "unplugged":
        raise TaktError("the camera is unplugged, as it was told to be", "plug it in again")
