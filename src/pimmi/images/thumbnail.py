"""The grey thumbnail on which a link is checked pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np

from pimmi.images.raster import Grey, fitted


def grey_thumbnail(grey: Grey, *, size: int) -> tuple[Grey, tuple[int, int]]:
    """A (size, size) uint8 canvas with the image in its top left corner, and the image's (height, width).

    The image keeps its proportions; its long side is `size`, or its own if that is shorter, for nothing is
    enlarged. The rest of the canvas is zero, so that the thumbnails of a shard stack into one array.
    """
    height, width = grey.shape
    width, height = fitted(width=width, height=height, long_side=size)
    canvas = np.zeros((size, size), dtype=np.uint8)
    canvas[:height, :width] = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return canvas, (height, width)
