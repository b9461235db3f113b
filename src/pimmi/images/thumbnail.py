"""The grey thumbnail on which a link is checked pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pimmi.images.raster import Grey, fitted, long_side_of


def grey_thumbnail(grey: Grey, *, size: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The image's pixels, row by row, uint8 (height * width,), and its (height, width).

    The image keeps its proportions; its long side is that of `long_side_of`, or its own if that is shorter, for
    nothing is enlarged.
    """
    height, width = grey.shape
    long_side = long_side_of(width=width, height=height, working_size=size)
    width, height = fitted(width=width, height=height, long_side=long_side)
    small: NDArray[np.uint8] = np.asarray(
        cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8
    )
    return small.ravel(), (height, width)
