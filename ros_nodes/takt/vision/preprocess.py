"""From a camera's pixels to a model's tensor, in memory that is there already; and boxes back to the pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takt.vision.model_card import Input

_PAD_VALUE = 114.0  # mid grey around a picture of another shape, as detectors are commonly trained


class Preprocessor:
    """Letterbox to the model's size by nearest pixel, centred; then ``(pixel - mean) * scale``.

    One instance serves one picture size and allocates nothing per picture.
    """

    def __init__(self, model_input: Input, width_px: int, height_px: int) -> None:
        rows, columns = model_input.height_px, model_input.width_px
        self.tensor: NDArray[np.float32] = np.empty((1, 3, rows, columns), np.float32)
        self._mean = np.array(model_input.mean, np.float32).reshape(3, 1, 1)
        self._scale = np.float32(model_input.scale)
        self.tensor[:] = (_PAD_VALUE - self._mean) * self._scale
        self._ratio = min(columns / width_px, rows / height_px)
        inner_columns = min(columns, max(1, round(width_px * self._ratio)))
        inner_rows = min(rows, max(1, round(height_px * self._ratio)))
        self._left, self._top = (columns - inner_columns) // 2, (rows - inner_rows) // 2
        self._inner = self.tensor[
            0, :, self._top : self._top + inner_rows, self._left : self._left + inner_columns
        ]
        self._shape = (height_px, width_px, 3)
        self._same_size = (inner_columns, inner_rows) == (width_px, height_px)
        self._rows = _nearest(inner_rows, height_px)[:, None]
        self._columns = _nearest(inner_columns, width_px)[None, :]
        self._picked = np.empty((inner_rows, inner_columns, 3), np.uint8)
        self._flat_index = (self._rows * width_px + self._columns).astype(np.intp)

    def fits(self, pixels: NDArray[np.uint8]) -> bool:
        """True for pictures of the size that this was made for."""
        return pixels.shape == self._shape

    def fill(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Write ``pixels`` (H, W, 3) uint8 rgb into the tensor (1, 3, h, w) and return it."""
        if not self.fits(pixels):
            raise ValueError(f"made for pictures of shape {self._shape}, got {pixels.shape}")
        if not self._same_size:
            np.take(pixels.reshape(-1, 3), self._flat_index, axis=0, out=self._picked, mode="clip")
            pixels = self._picked
        np.copyto(self._inner, pixels.transpose(2, 0, 1))
        if self._mean.any():
            np.subtract(self._inner, self._mean, out=self._inner)
        np.multiply(self._inner, self._scale, out=self._inner)
        return self.tensor

    def to_source(self, boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes (N, 4) in the tensor's pixels to the picture's, cut at its border; in place, and returned."""
        boxes_xyxy[:, 0::2] -= self._left
        boxes_xyxy[:, 1::2] -= self._top
        boxes_xyxy /= np.float32(self._ratio)
        height_px, width_px, _ = self._shape
        np.clip(boxes_xyxy[:, 0::2], 0.0, width_px, out=boxes_xyxy[:, 0::2])
        np.clip(boxes_xyxy[:, 1::2], 0.0, height_px, out=boxes_xyxy[:, 1::2])
        return boxes_xyxy


def _nearest(inner: int, source: int) -> NDArray[np.intp]:
    """For each of ``inner`` places the source index whose middle is nearest."""
    index: NDArray[np.intp] = np.floor((np.arange(inner) + 0.5) * (source / inner)).astype(np.intp)
    return index.clip(0, source - 1)
