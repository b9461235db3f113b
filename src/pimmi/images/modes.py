"""Grey levels from every colour mode that Pillow knows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pimmi.images.raster import Grey

WHITE = 255


def grey_of(image: Image.Image) -> Grey:
    """The luma (ITU-R BT.601) of a loaded image, (h, w) uint8.

    Transparency is composed over white. CIELAB gives its lightness. Modes of more than 8 bits are scaled by
    their range, see `eight_bits`.
    """
    if image.mode.startswith(("I", "F")):
        return eight_bits(np.asarray(image))
    if image.mode == "LAB":
        image = image.getchannel("L")
    elif image.has_transparency_data:
        image = _over_white(image)
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return np.array(image.convert("L"), dtype=np.uint8)


def eight_bits(values: NDArray[np.generic]) -> Grey:
    """Integers or floats of any range as grey levels.

    Black is 0, or the least value if it is negative. White is the end of the smallest range that holds the
    values, among 1 (for floats), 255, 511, 1023, ... 65535 and so on, so that a 12-bit picture stored in 16
    bits isn't black and a dark one isn't stretched by more than a factor of two. What is not finite is black.
    """
    levels = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    black = min(0.0, float(levels.min()))
    levels -= black
    brightest = float(levels.max())
    white = 1.0 if brightest <= 1 and values.dtype.kind == "f" else 255.0
    while white < brightest:
        white = 2 * white + 1
    return np.rint(levels * (WHITE / white)).astype(np.uint8)


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        image = image.convert("RGBA")
    canvas = Image.new("L", image.size, WHITE)
    canvas.paste(image.convert("L"), mask=image.getchannel("A"))
    return canvas
