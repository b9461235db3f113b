"""Images as arrays: reading, writing, resizing. An image is RGB uint8 of shape (height, width, 3)."""

import io
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageOps

Image = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]


def decode(data: bytes) -> Image:
    """Decode an image file: upright (EXIF orientation applied), and on white where it is transparent."""
    with PillowImage.open(io.BytesIO(data)) as picture:
        upright = ImageOps.exif_transpose(picture)
    if not upright.has_transparency_data:
        return np.asarray(upright.convert("RGB"))
    canvas = PillowImage.new("RGBA", upright.size, "white")
    canvas.alpha_composite(upright.convert("RGBA"))
    return np.asarray(canvas.convert("RGB"))


def encode_jpeg(image: Image, *, quality: int) -> bytes:
    """Encode as JPEG; quality goes from 1 to 100."""
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def resize(image: Image, *, width: int, height: int) -> Image:
    """Resize to the given pixels: by area when it shrinks, bicubic when it grows."""
    shrinks = width * height < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    size = (max(1, width), max(1, height))
    return cast(Image, cv2.resize(image, size, interpolation=interpolation))


def scale(image: Image, factor: float) -> Image:
    """Resize both sides by `factor`."""
    height, width = image.shape[:2]
    return resize(image, width=max(1, round(width * factor)), height=max(1, round(height * factor)))


def random_colour(rng: np.random.Generator) -> Colour:
    """White, black, or any colour, with equal chances."""
    kind = rng.integers(3)
    if kind == 0:
        return (255, 255, 255)
    if kind == 1:
        return (0, 0, 0)
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return (red, green, blue)
