"""An antialiased cubic filter for grey images: that of Pillow, five times faster.

Weights are whole numbers of 22 binary places, and pixels are rounded after each of the two passes, so that the result
is the same on every machine. Both passes combine whole rows, the first those of the transposed image, for the
processor combines many pixels at once where they lie side by side.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

PLACES = 22
SUPPORT = 2.0
"""Pixels of the reduced image on each side that the filter spans."""


@njit("float64(float64)", cache=True, nogil=True)
def _cubic(x: float) -> float:
    """The filter of Keys (1981) with a = -1/2."""
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    if x < SUPPORT:
        return (((x - 5) * x + 8) * x - 4) * -0.5
    return 0.0


@njit("uint8[:,::1](uint8[:,::1],int64,float64)", cache=True, nogil=True)
def _rows_reduced(rows: NDArray[np.uint8], count: int, extent: float) -> NDArray[np.uint8]:
    """`count` rows in place of the first `extent` rows."""
    height, width = rows.shape
    scale = extent / count
    spread = max(scale, 1.0)
    support = SUPPORT * spread
    weights = np.empty(2 * int(np.ceil(support)) + 1, np.float64)
    sums = np.empty(width, np.int32)
    reduced = np.empty((count, width), np.uint8)
    for i in range(count):
        centre = (i + 0.5) * scale
        start = max(int(centre - support + 0.5), 0)
        taps = min(int(centre + support + 0.5), height) - start
        total = 0.0
        for tap in range(taps):
            weights[tap] = _cubic((tap + start - centre + 0.5) * (1.0 / spread))
            total += weights[tap]
        sums[:] = 1 << (PLACES - 1)
        for tap in range(taps):
            share = weights[tap] / total if total != 0 else weights[tap]
            weight = np.int32(share * (1 << PLACES) + (0.5 if share >= 0 else -0.5))
            row = rows[start + tap]
            for x in range(width):
                sums[x] += weight * np.int32(row[x])
        for x in range(width):
            reduced[i, x] = min(max(sums[x] >> PLACES, 0), 255)
    return reduced


def reduce_cubic(
    grey: NDArray[np.uint8], *, width: int, height: int, extent: tuple[float, float]
) -> NDArray[np.uint8]:
    """The pixels of grey uint8 (h, w) as uint8 (height, width).

    `extent` is the part that counts, as (width, height) in pixels from the top left corner. The result is that of
    Pillow's `resize` with `BICUBIC` and this box, first to the width, then to the height.
    """
    across, down = (float(np.float32(side)) for side in extent)
    if (width, across) != (grey.shape[1], grey.shape[1]):
        grey = _transposed(_rows_reduced(_transposed(grey), width, across))
    if (height, down) != (grey.shape[0], grey.shape[0]):
        grey = _rows_reduced(np.ascontiguousarray(grey), height, down)
    return grey


def _transposed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.transpose(grey), np.uint8)
