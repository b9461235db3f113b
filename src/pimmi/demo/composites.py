"""Images that show two originals: a sticker, a picture in a picture, a collage."""

import cv2
import numpy as np

from pimmi.demo.dressing import enclose
from pimmi.demo.raster import Image, resize, scale


def _fit_inside(image: Image, host: Image, *, share: float) -> Image:
    """Scale so that the long side is `share` of the host's long side, or less where it would not fit."""
    longest = share * max(host.shape[:2]) / max(image.shape[:2])
    roomiest = 0.75 * min(host.shape[0] / image.shape[0], host.shape[1] / image.shape[1])
    return scale(image, min(longest, roomiest))


def _random_place(image: Image, host: Image, rng: np.random.Generator) -> tuple[slice, slice]:
    top = int(rng.integers(0, host.shape[0] - image.shape[0] + 1))
    left = int(rng.integers(0, host.shape[1] - image.shape[1] + 1))
    return slice(top, top + image.shape[0]), slice(left, left + image.shape[1])


def add_sticker(image: Image, other: Image, rng: np.random.Generator) -> Image:
    """The other original over this one at 45 % of its size, with round corners and a white rim, tilted."""
    sticker = _fit_inside(other, image, share=0.45)
    rim = max(2, round(0.025 * max(sticker.shape)))
    height, width = sticker.shape[:2]
    margin = rim + round(0.08 * max(height, width))
    opacity = np.zeros((height + 2 * margin, width + 2 * margin), dtype=np.uint8)
    corners = (margin, margin), (margin + width - 1, margin + height - 1)
    cv2.rectangle(opacity, *corners, 255, -1)
    opacity = cv2.dilate(opacity, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1)))
    sticker = enclose(sticker, thickness=margin, colour=(255, 255, 255))
    centre = (sticker.shape[1] / 2, sticker.shape[0] / 2)
    tilt = cv2.getRotationMatrix2D(centre, float(rng.uniform(-8, 8)), 1.0)
    size = (sticker.shape[1], sticker.shape[0])
    sticker = np.asarray(cv2.warpAffine(sticker, tilt, size), dtype=np.uint8)
    opacity = np.asarray(cv2.warpAffine(opacity, tilt, size), dtype=np.uint8)
    left, top, wide, high = cv2.boundingRect(opacity)
    room = min(1.0, image.shape[0] / high, image.shape[1] / wide)
    sticker = scale(sticker[top : top + high, left : left + wide], room)
    weight = scale(opacity[top : top + high, left : left + wide], room)[:, :, None] / 255
    canvas = image.copy()
    place = _random_place(sticker, canvas, rng)
    canvas[place] = (sticker * weight + canvas[place] * (1 - weight)).round()
    return canvas


def put_in_picture(image: Image, other: Image, rng: np.random.Generator, *, share: float) -> Image:
    """This original shrunk to `share` of the other's size and put on it at a random place."""
    small = _fit_inside(image, other, share=share)
    canvas = other.copy()
    canvas[_random_place(small, canvas, rng)] = small
    return canvas


def make_collage(image: Image, other: Image, rng: np.random.Generator) -> Image:
    """Both originals side by side at one height, or one above the other at one width, in random order."""
    pair = [image, other] if rng.integers(2) else [other, image]
    if rng.integers(2):
        height = min(part.shape[0] for part in pair)
        parts = [
            resize(part, width=round(part.shape[1] * height / part.shape[0]), height=height) for part in pair
        ]
        return np.concatenate(parts, axis=1)
    width = min(part.shape[1] for part in pair)
    parts = [resize(part, width=width, height=round(part.shape[0] * width / part.shape[1])) for part in pair]
    return np.concatenate(parts, axis=0)
