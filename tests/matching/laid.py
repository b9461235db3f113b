"""Two working images laid onto each other, and what pixels say of it."""

import cv2
import numpy as np
from described import picture
from numpy.typing import NDArray

from pimmi.demo.raster import encode_jpeg
from pimmi.images.decode import decode
from pimmi.images.thumbnail import grey_thumbnail
from pimmi.matching.blocks import PART_SIDE
from pimmi.matching.confirm import PART_COLUMNS, PIXEL_COLUMNS, confirm
from pimmi.matching.sampling import levels_of
from pimmi.matching.second_look import look_again
from pimmi.matching.verify import LINK_COLUMNS

RIVAL_COLUMN = 12
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]


def grey_picture(name: str, *, width: int = 256, height: int = 192) -> Grey:
    grey = cv2.cvtColor(picture(name), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def recompressed(grey: Grey) -> Grey:
    data = encode_jpeg(np.repeat(grey[:, :, None], 3, axis=2), quality=30)
    return decode(data, working_size=256, max_pixels=10**6).grey


def compared(
    first: Grey,
    second: Grey,
    *,
    transform: tuple[float, ...] = IDENTITY,
    change: int = 0,
    rival: float = 0.0,
) -> Floats:
    """The row of `pixels` for two working images; the transform leads from the first to the second."""
    return confirmed(first, second, transform=transform, change=change, rival=rival)[0]


def confirmed(
    first: Grey,
    second: Grey,
    *,
    transform: tuple[float, ...] = IDENTITY,
    change: int = 0,
    rival: float = 0.0,
) -> tuple[Floats, list[NDArray[np.bool_]]]:
    """The rows of `pixels` and of `parts` for two working images; a part as bool (PART_SIDE, PART_SIDE)."""
    links = np.zeros((1, LINK_COLUMNS))
    links[0, 1:3] = 1, change
    links[0, 6:12] = transform
    links[0, RIVAL_COLUMN] = rival
    working = np.array([image.shape[::-1] for image in (first, second)], np.float32)
    thumbnails, sizes = zip(*(grey_thumbnail(image, size=128) for image in (first, second)), strict=True)
    pixels = np.full((1, PIXEL_COLUMNS), np.nan)
    parts = np.full((1, PART_COLUMNS), 7, np.uint64)
    thumbnail_sizes = np.array([size[::-1] for size in sizes], np.int32)
    stacked = np.zeros((2, max(map(len, thumbnails))), np.uint8)
    for row, thumbnail in zip(stacked, thumbnails, strict=True):
        row[: len(thumbnail)] = thumbnail
    shown = (working, levels_of(stacked, thumbnail_sizes), thumbnail_sizes)
    confirm(links, *shown, pixels, parts)
    look_again(links, np.ones(1, bool), np.ones(1, bool), *shown, pixels)
    bits = np.unpackbits(parts.view(np.uint8), bitorder="little").astype(bool)
    return pixels[0], list(bits.reshape(PART_COLUMNS, PART_SIDE, PART_SIDE))
