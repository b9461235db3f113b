"""Changes of the pixels or of the geometry of one image.

Each takes an image (RGB uint8, height x width x 3) and a random generator, and returns a new image.
"""

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from pimmi.demo.raster import Image, decode, encode_jpeg, random_colour, resize, scale


def unchanged(image: Image, rng: np.random.Generator) -> Image:
    """The image itself: what changes is the JPEG quality it is written at."""
    del rng
    return image


def recompress(image: Image, rng: np.random.Generator) -> Image:
    """JPEG at a quality between 25 and 60."""
    return decode(encode_jpeg(image, quality=int(rng.integers(25, 61))))


def shrink(image: Image, rng: np.random.Generator, *, factor: float) -> Image:
    """Both sides multiplied by `factor`."""
    del rng
    return scale(image, factor)


def crop(image: Image, rng: np.random.Generator, *, share: float) -> Image:
    """Keep a rectangle of `share` of the area, at a random place, of an aspect within 25 % of the image's."""
    height, width = image.shape[:2]
    stretch = float(np.exp(rng.uniform(-np.log(1.25), np.log(1.25))))
    kept_width = min(width, max(1, round(width * np.sqrt(share * stretch))))
    kept_height = min(height, max(1, round(height * width * share / kept_width)))
    left = int(rng.integers(0, width - kept_width + 1))
    top = int(rng.integers(0, height - kept_height + 1))
    return np.ascontiguousarray(image[top : top + kept_height, left : left + kept_width])


def change_aspect(image: Image, rng: np.random.Generator) -> Image:
    """Squash the height: width over height is multiplied by .6 to .85 or by 1.18 to 1.6."""
    height, width = image.shape[:2]
    ratio = float(rng.uniform(0.6, 0.85) if rng.integers(2) else rng.uniform(1.18, 1.6))
    if ratio < 1:
        return resize(image, width=round(width * ratio), height=height)
    return resize(image, width=width, height=round(height / ratio))


def rotate(image: Image, rng: np.random.Generator) -> Image:
    """Turn by 4 to 20 degrees either way; then crop inside, or enlarge the canvas and fill the corners."""
    height, width = image.shape[:2]
    degrees = float(rng.uniform(4, 20)) * (1 if rng.integers(2) else -1)
    cosine, sine = abs(np.cos(np.radians(degrees))), abs(np.sin(np.radians(degrees)))
    turned_width, turned_height = width * cosine + height * sine, width * sine + height * cosine
    if rng.integers(2):
        inside = min(width / turned_width, height / turned_height)
        new_width, new_height = int(width * inside), int(height * inside)
    else:
        new_width, new_height = int(turned_width), int(turned_height)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix[:, 2] += ((new_width - width) / 2, (new_height - height) / 2)
    turned = cv2.warpAffine(
        image,
        matrix,
        (new_width, new_height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=random_colour(rng),
    )
    return cast(Image, turned)


def quarter_turn(image: Image, rng: np.random.Generator) -> Image:
    """Turn by 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(image, k=int(rng.integers(1, 4))))


def mirror(image: Image, rng: np.random.Generator) -> Image:
    """Exchange left and right."""
    del rng
    return np.ascontiguousarray(image[:, ::-1])


def mirror_crop(image: Image, rng: np.random.Generator) -> Image:
    """Exchange left and right, and keep half of the area."""
    return crop(mirror(image, rng), rng, share=0.5)


def warp_perspective(image: Image, rng: np.random.Generator) -> Image:
    """Move each corner inwards by up to 18 % of the sides, as in a photo of a screen; fill what is left."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * rng.uniform(0, 0.18, (4, 2))
    moved = (corners + inwards * (width, height)).astype(np.float32)
    warped = cv2.warpPerspective(
        image,
        cv2.getPerspectiveTransform(corners, moved),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=random_colour(rng),
    )
    return cast(Image, warped)


def greyscale(image: Image, rng: np.random.Generator) -> Image:
    """Drop the colours."""
    del rng
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cast(Image, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))


def negative(image: Image, rng: np.random.Generator) -> Image:
    """Invert every level."""
    del rng
    return 255 - image


def _to_levels(values: npt.NDArray[np.floating]) -> Image:
    """Round to whole levels from 0 to 255."""
    levels: Image = np.clip(values, 0, 255).round().astype(np.uint8)
    return levels


def jitter_colours(image: Image, rng: np.random.Generator) -> Image:
    """Multiply brightness, contrast and saturation each by a factor from .5 to 1.6."""
    brightness, contrast, saturation = rng.uniform(0.5, 1.6, 3)
    levels: npt.NDArray[np.float64] = image * brightness
    levels = (levels - levels.mean()) * contrast + levels.mean()
    grey = levels @ np.array([0.299, 0.587, 0.114])
    levels = grey[..., None] + (levels - grey[..., None]) * saturation
    return _to_levels(levels)


def blur(image: Image, rng: np.random.Generator) -> Image:
    """Gaussian blur with a standard deviation of .4 to .8 % of the long side."""
    sigma = float(rng.uniform(0.004, 0.008)) * max(image.shape)
    return cast(Image, cv2.GaussianBlur(image, (0, 0), sigma))


def add_noise(image: Image, rng: np.random.Generator) -> Image:
    """Gaussian noise with a standard deviation of 22 levels, separate for each channel."""
    noise = rng.standard_normal(image.shape, dtype=np.float32) * 22
    return _to_levels(image + noise)


def pixelate(image: Image, rng: np.random.Generator) -> Image:
    """Shrink by a factor from .25 to .4, and enlarge back to square blocks."""
    height, width = image.shape[:2]
    small = scale(image, float(rng.uniform(0.25, 0.4)))
    return cast(Image, cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST))
