"""The cells of a model that predicts on several grids at once, in the order in which such models list them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def cells(
    width_px: int, height_px: int, strides_px: Sequence[int], offset: float = 0.0
) -> tuple[Floats, Floats]:
    """Every cell, finest grid first, row by row: its corner (N, 2) in cells plus ``offset``, and its stride (N, 1) px.

    A side that is no multiple of the stride has one more cell, cut by the border.
    """
    corners, strides = [], []
    for stride in strides_px:
        columns, rows = -(-width_px // stride), -(-height_px // stride)
        y, x = np.divmod(np.arange(rows * columns), columns)
        corners.append(np.stack((x, y), axis=1))
        strides.append(np.full((rows * columns, 1), stride))
    return np.concatenate(corners).astype(np.float32) + np.float32(offset), np.concatenate(strides).astype(
        np.float32
    )
