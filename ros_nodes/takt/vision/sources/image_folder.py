"""A folder of pictures, shown one after the other and over again: for trying a detector without a camera."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from takt.errors import TaktError
from takt.vision.sources import SourceSettings

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_MOST_PICTURES = 500  # kept decoded in memory, so that reading one costs a copy and no file access


class ImageFolder:
    """Pictures in order of their names, scaled to the ring's size. The stamp is the ROS time of the reading."""

    def __init__(self, settings: SourceSettings) -> None:
        folder = Path(settings.folder)
        files = (
            sorted(f for f in folder.glob("*") if f.suffix.lower() in _SUFFIXES) if folder.is_dir() else []
        )
        if not files:
            raise TaktError(f"{folder} holds no pictures", f"put {', '.join(_SUFFIXES)} files there")
        self._pictures = [
            load_picture(file, settings.width_px, settings.height_px) for file in files[:_MOST_PICTURES]
        ]
        self._next = 0

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        stamp_ns = time.time_ns()
        pixels[:] = self._pictures[self._next]
        self._next = (self._next + 1) % len(self._pictures)
        return stamp_ns

    def close(self) -> None:
        self._pictures.clear()


def load_picture(file: Path, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """One file as rgb8 (height, width, 3). Raises TaktError if it is no whole picture."""
    try:
        with Image.open(file) as image:
            scaled = image.convert("RGB").resize((width_px, height_px), Image.Resampling.BILINEAR)
            return np.asarray(scaled, np.uint8)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as error:
        raise TaktError(f"{file} is no whole picture: {error}", "remove it or copy it again") from error
