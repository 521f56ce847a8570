"""A folder of pictures, shown one after the other and over again: for trying a detector without a camera."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision.pictures import SUFFIXES, load
from takt.vision.sources import SourceSettings
from takt.vision.sources.clock import RosStamp

_MOST_PICTURES = 500  # kept decoded in memory, so that reading one costs a copy and no file access


class ImageFolder:
    """Pictures in order of their names, scaled to the ring's size. The stamp is the ROS time of the reading."""

    def __init__(self, settings: SourceSettings) -> None:
        folder = Path(settings.folder)
        files = sorted(f for f in folder.glob("*") if f.suffix.lower() in SUFFIXES) if folder.is_dir() else []
        if not files:
            raise TaktError(f"{folder} holds no pictures", f"put {', '.join(SUFFIXES)} files there")
        self._pictures = [
            load(file, (settings.width_px, settings.height_px)) for file in files[:_MOST_PICTURES]
        ]
        self._next = 0
        self.stamp = RosStamp("none", time.time_ns, time.monotonic_ns)

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        stamp_ns = self.stamp.of(None)
        pixels[:] = self._pictures[self._next]
        self._next = (self._next + 1) % len(self._pictures)
        return stamp_ns

    def close(self) -> None:
        self._pictures.clear()
