"""The grey pixels that a decoder hands over, and how they are made small and upright."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimmi.errors import UnreadableImage
from pimmi.images.resample import reduce_cubic

Grey = NDArray[np.uint8]

COVER = 2
"""A JPEG is decoded at a reduced scale only if that still has COVER times the working size.

Of the keypoints of one picture saved at two sizes, 80 % repeat with 1, 84 % with 2, and 85 % if all is
decoded at full scale, which takes twice as long.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """An image as stored in its file: not yet turned, and perhaps decoded at a reduced scale.

    `grey` is (h, w) uint8; `width` and `height` are the stored size in pixels; `reduction` is how many of
    them one pixel of `grey` spans, so that the last row and column may lie partly outside the image;
    `orientation` is the value of the EXIF tag of that name, 1 to 8.
    """

    grey: Grey
    width: int
    height: int
    reduction: int = 1
    orientation: int = 1

    @property
    def turned(self) -> bool:
        """Whether the upright image is as wide as the stored one is high."""
        return self.orientation >= 5


def check_size(*, width: int, height: int, max_pixels: int) -> None:
    """Raise UnreadableImage for an image without pixels or with more than `max_pixels`."""
    if width <= 0 or height <= 0:
        raise UnreadableImage("an image without pixels: its width or height is zero")
    if width * height > max_pixels:
        raise UnreadableImage(too_large(f"{width} x {height}", max_pixels=max_pixels))


def too_large(what: str, *, max_pixels: int) -> str:
    """The reason of an image that is refused for its size."""
    return f"too large: {what} pixels, more than images.max_pixels = {max_pixels} allows"


def truncated(kind: str) -> str:
    """The reason of a file that was cut short, by an interrupted download for instance."""
    return f"truncated {kind}: its data stop before the picture is complete"


def long_side_of(*, width: int, height: int, working_size: int) -> int:
    """The long side, in pixels, to which an image is reduced.

    It is `working_size`, or more for a long image, so that this has as many pixels as one of 4:3; at most twice.
    """
    longest, shortest = max(width, height), min(width, height)
    same_area = math.isqrt(3 * working_size * working_size * longest // (4 * shortest))
    return min(2 * working_size, max(working_size, same_area))


def fitted(*, width: int, height: int, long_side: int) -> tuple[int, int]:
    """(width, height) of the image reduced to `long_side`; its own size if it is not larger than that."""
    longest = max(width, height)
    if longest <= long_side:
        return width, height
    return (
        max(1, (width * long_side + longest // 2) // longest),
        max(1, (height * long_side + longest // 2) // longest),
    )


def reduced(grey: Grey, *, width: int, height: int, extent: tuple[float, float] | None = None) -> Grey:
    """The pixels reduced to (height, width) by an antialiased cubic filter.

    `extent` is the part that counts, as (width, height) in pixels from the top left corner; None is all. Of
    the keypoints of one picture saved at two sizes, 79 % repeat with this filter, 76 % with area averages.
    """
    if grey.shape == (height, width):
        return grey
    whole = grey.shape[1], grey.shape[0]
    return reduce_cubic(grey, width=width, height=height, extent=whole if extent is None else extent)


def upright(grey: Grey, *, orientation: int) -> Grey:
    """Undo the EXIF orientation: turn and mirror the pixels the way that a viewer shows them."""
    if orientation in (2, 5, 7):
        grey = grey[:, ::-1]
    elif orientation == 4:
        grey = grey[::-1]
    quarter_turns = {3: 2, 5: 1, 6: 3, 7: 3, 8: 1}
    return np.ascontiguousarray(np.rot90(grey, quarter_turns.get(orientation, 0)))
