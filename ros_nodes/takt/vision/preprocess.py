"""From a camera's pixels to a model's tensor, in memory that is there already; and boxes back to the pixels."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from takt.vision.model_card import Input

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
_SHARES = 2048


class Preprocessor:
    """Resize into the model's picture (letterboxed or stretched), then ``(pixel - mean) * scale``.

    One instance serves one picture size and allocates nothing per picture. ``tensor`` is (1, 3, h, w), or (1, h, w, 3)
    for ``channels_last`` models; models that take half floats or bytes get their own copy of it.
    """

    def __init__(
        self,
        model_input: Input,
        width_px: int,
        height_px: int,
        dtype: type[np.generic] = np.float32,
        channels_last: bool = False,
    ) -> None:
        rows, columns = model_input.height_px, model_input.width_px
        self.size = (width_px, height_px)
        self._shape = (height_px, width_px, 3)
        self._fit(model_input.letterbox, width_px, height_px, columns, rows)
        shape = (1, rows, columns, 3) if channels_last else (1, 3, rows, columns)
        self._floats: Floats = np.empty(shape, np.float32)
        self.tensor: NDArray[np.generic] = self._floats if dtype is np.float32 else np.empty(shape, dtype)
        planes = self._floats[0].transpose(2, 0, 1) if channels_last else self._floats[0]
        self._mean = np.array(model_input.mean, np.float32).reshape(3, 1, 1)
        self._scale = np.array(model_input.scale, np.float32).reshape(3, 1, 1)
        planes[:] = (np.float32(model_input.pad) - self._mean) * self._scale
        self._inner = planes[:, self._top : self._top + self._rows, self._left : self._left + self._columns]
        self._order = slice(None, None, -1) if model_input.channels == "bgr" else slice(None)
        self._resize = _resizer(model_input.resize, (height_px, width_px), (self._rows, self._columns))

    def fits(self, pixels: Pixels) -> bool:
        """True for pictures of the size that this was made for."""
        return pixels.shape == self._shape

    def fill(self, pixels: Pixels) -> NDArray[np.generic]:
        """Write ``pixels`` (H, W, 3) uint8 rgb into the tensor and return it."""
        if not self.fits(pixels):
            raise ValueError(f"made for pictures of shape {self._shape}, got {pixels.shape}")
        np.copyto(self._inner, self._resize(pixels)[self._order])
        if self._mean.any():
            np.subtract(self._inner, self._mean, out=self._inner)
        if (self._scale != 1.0).any():
            np.multiply(self._inner, self._scale, out=self._inner)
        if self.tensor is not self._floats:
            np.copyto(self.tensor, self._floats, casting="unsafe")
        return self.tensor

    def to_source(self, boxes_xyxy: Floats, clip: bool = True) -> Floats:
        """Boxes (N, 4) in the tensor's pixels to the picture's, cut at its border if asked; in place, and returned."""
        height_px, width_px, _ = self._shape
        for side in range(4):
            of_x = side % 2 == 0
            values = boxes_xyxy[:, side]
            np.subtract(values, np.float32(self._left if of_x else self._top), out=values)
            np.divide(values, np.float32(self._ratio_x if of_x else self._ratio_y), out=values)
            if clip:
                np.maximum(values, np.float32(0.0), out=values)
                np.minimum(values, np.float32(width_px if of_x else height_px), out=values)
        return boxes_xyxy

    def _fit(self, letterbox: str, width_px: int, height_px: int, columns: int, rows: int) -> None:
        self._ratio_x, self._ratio_y = columns / width_px, rows / height_px
        if letterbox != "stretch":
            self._ratio_x = self._ratio_y = min(self._ratio_x, self._ratio_y)
        # A pixel is cut, never rounded up, by those whose padding lies on one side only (YOLOX).
        whole = int if letterbox == "top_left" else round
        self._columns = min(columns, max(1, whole(width_px * self._ratio_x)))
        self._rows = min(rows, max(1, whole(height_px * self._ratio_y)))
        centred = letterbox == "centre"
        self._left = (columns - self._columns) // 2 if centred else 0
        self._top = (rows - self._rows) // 2 if centred else 0


class _Resizer(Protocol):
    def __call__(self, pixels: Pixels) -> NDArray[np.generic]:
        """``pixels`` (H, W, 3) as (3, rows, columns), in memory that the next call uses again."""


def _resizer(kind: str, source: tuple[int, int], inner: tuple[int, int]) -> _Resizer:
    if source == inner:
        return lambda pixels: pixels.transpose(2, 0, 1)
    if kind == "nearest":
        return _Nearest(source, inner)
    cv2 = opencv()
    return _Bilinear(source, inner) if cv2 is None else _OpencvBilinear(cv2, inner)


def opencv() -> Any:
    """The module cv2 on one thread, like everything here; None where it is not installed."""
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError:
        return None
    cv2.setNumThreads(1)
    return cv2


class _Nearest:
    """The source pixel whose middle is nearest."""

    def __init__(self, source: tuple[int, int], inner: tuple[int, int]) -> None:
        rows, columns = (
            np.floor((np.arange(now) + 0.5) * (was / now)).astype(np.intp).clip(0, was - 1)
            for was, now in zip(source, inner, strict=True)
        )
        self._picked = np.empty((*inner, 3), np.uint8)
        self._planes: Pixels = self._picked.transpose(2, 0, 1)
        self._index = rows[:, None] * source[1] + columns[None, :]

    def __call__(self, pixels: Pixels) -> Pixels:
        np.take(pixels.reshape(-1, 3), self._index, axis=0, out=self._picked, mode="clip")
        return self._planes


class _OpencvBilinear:
    """Bilinear by OpenCV where there is one: the same bits as below in a fifth of the time."""

    def __init__(self, cv2: Any, inner: tuple[int, int]) -> None:
        self._resize, self._method = cv2.resize, cv2.INTER_LINEAR
        self._size = (inner[1], inner[0])
        self._scaled = np.empty((*inner, 3), np.uint8)
        self._planes: Pixels = self._scaled.transpose(2, 0, 1)

    def __call__(self, pixels: Pixels) -> Pixels:
        self._resize(pixels, self._size, dst=self._scaled, interpolation=self._method)
        return self._planes


class _Bilinear:
    """Between the middles of four source pixels, without smoothing: bit for bit what cv2's INTER_LINEAR gives.

    Most detectors were trained and are judged behind that function, and one level more or less moves a score by up to
    0.006. Fixed point as there: shares in 1/2048, columns first, then rows with two truncations. Only the rows that
    are needed go through the first step when that is less work.
    """

    def __init__(self, source: tuple[int, int], inner: tuple[int, int]) -> None:
        (rows, columns), (_, wide) = inner, source
        above, below, self._share_y = _neighbours(source[0], rows)
        before, after, share_x = _neighbours(wide, columns)
        self._used = np.unique(np.concatenate((above, below)))
        self._above, self._below = np.searchsorted(self._used, above), np.searchsorted(self._used, below)
        self._columns = np.stack((before, after)).reshape(-1)
        self._share_x = np.stack((_SHARES - share_x, share_x)).reshape(-1)
        used = len(self._used)
        self._lines = np.empty((used, wide, 3), np.uint8)
        self._planes = np.empty((3, used, wide), np.int32)
        self._pairs = np.empty((3, used, 2 * columns), np.int32)
        self._blend = np.empty((3, used, columns), np.int32)
        self._upper, self._lower = np.empty((2, 3, rows, columns), np.int32)

    def __call__(self, pixels: Pixels) -> NDArray[np.int32]:
        np.take(pixels, self._used, axis=0, out=self._lines, mode="clip")
        np.copyto(self._planes, self._lines.transpose(2, 0, 1))
        np.take(self._planes, self._columns, axis=2, out=self._pairs, mode="clip")
        np.multiply(self._pairs, self._share_x, out=self._pairs)
        half = self._blend.shape[2]
        np.add(self._pairs[..., :half], self._pairs[..., half:], out=self._blend)
        np.right_shift(self._blend, 4, out=self._blend)
        self._weigh(self._above, (_SHARES - self._share_y)[:, None], self._upper)
        self._weigh(self._below, self._share_y[:, None], self._lower)
        np.add(self._upper, self._lower, out=self._upper)
        np.add(self._upper, 2, out=self._upper)
        return np.right_shift(self._upper, 2, out=self._upper)

    def _weigh(self, rows: NDArray[np.intp], shares: NDArray[np.int32], out: NDArray[np.int32]) -> None:
        np.take(self._blend, rows, axis=1, out=out, mode="clip")
        np.multiply(out, shares, out=out)
        np.right_shift(out, 16, out=out)


def _neighbours(source: int, inner: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]:
    """For each of ``inner`` places the two source indices around it, and the share of the second in 1/2048."""
    place = ((np.arange(inner) + 0.5) * (source / inner) - 0.5).astype(np.float32)
    place = place.clip(0.0, source - 1)
    low = np.floor(place).astype(np.intp)
    share = np.rint((place - low) * _SHARES).astype(np.int32)
    return low, np.minimum(low + 1, source - 1), share
