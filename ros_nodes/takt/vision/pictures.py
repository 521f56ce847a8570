"""Picture files as pixels, and pixels with boxes drawn in as picture files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from takt.errors import TaktError
from takt.vision.suppression import Candidates

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_COLOURS = ("#ff8c00", "#33b3ff", "#5ad05a", "#e05ad0", "#e0d040", "#ff5050")


def load(file: Path, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """One file as rgb8 (height, width, 3), upright, scaled to ``size`` (width, height) if given.

    Raises TaktError if it is no whole picture.
    """
    if not file.is_file():
        raise TaktError(f"{file} does not exist", "check the path")
    try:
        with Image.open(file) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            if size is not None:
                upright = upright.resize(size, Image.Resampling.BILINEAR)
            return np.asarray(upright, np.uint8)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise TaktError(f"{file} is no whole picture: {error}", "remove it or copy it again") from error


def scaled(pixels: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """``pixels`` (H, W, 3) in another size; itself when it has that size."""
    if pixels.shape[:2] == (height_px, width_px):
        return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((width_px, height_px), Image.Resampling.BILINEAR), np.uint8)


def jpeg(pixels: NDArray[np.uint8], quality: int = 85) -> bytes:
    """``pixels`` (H, W, 3) rgb8 as a JPEG file's bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def save_annotated(file: Path, pixels: NDArray[np.uint8], found: Candidates, classes: Sequence[str]) -> None:
    """Write ``pixels`` with each box, its class and score drawn in. Raises TaktError if the file cannot be written."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    draw = ImageDraw.Draw(image)
    for box, score, class_id in zip(found.boxes_xyxy_px, found.scores, found.class_ids, strict=True):
        colour = _COLOURS[int(class_id) % len(_COLOURS)]
        left, top, right, bottom = (float(edge) for edge in box)
        if right <= left or bottom <= top:
            continue
        draw.rectangle((left, top, right, bottom), outline=colour, width=2)
        draw.text((left + 3, max(0.0, top) + 2), f"{classes[class_id]} {score:.2f}", fill=colour)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file)
    except (OSError, ValueError) as error:
        raise TaktError(
            f"{file} cannot be written: {error}", "choose a folder that can be written"
        ) from error
