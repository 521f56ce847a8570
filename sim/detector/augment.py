"""What cameras do to a picture and a renderer does not: exposure, colour cast, noise, blur; and mirroring.

On bytes and by table, since on two cores this must cost little beside the training step itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LIGHT_SHARE = 0.8
_NOISE_SHARE = 0.4
_BLUR_SHARE = 0.2
_LEVELS = np.arange(256) / 255.0

Pixels = NDArray[np.uint8]


def augment(
    pixels: Pixels, boxes: NDArray[np.float32], rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.float32]]:
    """One picture (H, W, 3) uint8 with its boxes (M, 4) px; both come back changed, the arguments do not."""
    boxes = boxes.copy()
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
        boxes[:, [0, 2]] = pixels.shape[1] - boxes[:, [2, 0]]
    if rng.random() < _BLUR_SHARE:
        pixels = _blur(pixels, along=bool(rng.random() < 0.5))
    if rng.random() < _LIGHT_SHARE:
        pixels = _light(pixels, rng)
    if rng.random() < _NOISE_SHARE:
        pixels = _noise(pixels, rng)
    return pixels, boxes


def _light(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    gain, offset = rng.uniform(0.7, 1.25) * rng.uniform(0.95, 1.05, size=3), rng.uniform(-0.05, 0.05)
    curve = np.power(_LEVELS, rng.uniform(0.75, 1.35))
    changed = np.empty(pixels.shape, np.uint8)
    for channel in range(3):
        table = np.clip(curve * gain[channel] + offset, 0.0, 1.0) * 255.0
        np.take(table.astype(np.uint8), pixels[..., channel], out=changed[..., channel])
    return changed


def _noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Triangular noise: the sum of two bytes, a tenth of the cost of a normal one."""
    dice = rng.integers(0, 256, (2, *pixels.shape), np.uint8)
    spread = rng.uniform(1.0, 8.0) / 104.0  # the sum of two uniform bytes has a deviation of 104
    noise = (dice[0].astype(np.float32) + dice[1] - 255.0) * np.float32(spread)
    return np.clip(pixels + noise, 0.0, 255.0).astype(np.uint8)


def _blur(pixels: Pixels, along: bool) -> Pixels:
    """Over five pixels of a row, as a turning robot sees it, or over three by three."""
    wide = pixels.astype(np.uint16)
    if along:
        rows = sum(np.roll(wide, shift, axis=1) for shift in (-2, -1, 0, 1, 2))
        return (np.asarray(rows) // 5).astype(np.uint8)
    soft = wide + np.roll(wide, 1, axis=1) + np.roll(wide, -1, axis=1)
    return ((soft + np.roll(soft, 1, axis=0) + np.roll(soft, -1, axis=0)) // 9).astype(np.uint8)
