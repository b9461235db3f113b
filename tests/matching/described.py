"""Images described as a study describes them, and the blocks that matching reads."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import Image, encode_jpeg
from pimmi.features.sift import NO_FEATURES, Features, extract
from pimmi.images.decode import decode
from pimmi.images.thumbnail import grey_thumbnail
from pimmi.index.codebook import load_codebook
from pimmi.index.points import FORM_FIELDS, POINT_FIELDS, Points, encode_points
from pimmi.matching.blocks import ImageBlock
from pimmi.settings import Settings

SETTINGS = Settings()


@dataclass(frozen=True, slots=True)
class Described:
    """One image: its sizes are (width, height) in pixels."""

    features: Features
    points: Points
    original_size: tuple[int, int]
    working_size: tuple[int, int]
    thumbnail: NDArray[np.uint8]
    thumbnail_size: tuple[int, int]


def described(picture: Image, *, settings: Settings = SETTINGS) -> Described:
    """A picture saved as JPEG and read again."""
    image = decode(
        encode_jpeg(picture, quality=95), working_size=settings.images.working_size, max_pixels=10**9
    )
    features = extract(image.grey, settings=settings.features)
    thumbnail, (height, width) = grey_thumbnail(image.grey, size=settings.images.thumbnail_size)
    return Described(
        features=features,
        points=encode_points(features, codebook=load_codebook(), probes=settings.matching.probes),
        original_size=(image.width, image.height),
        working_size=(image.grey.shape[1], image.grey.shape[0]),
        thumbnail=thumbnail,
        thumbnail_size=(width, height),
    )


def joined_points(parts: list[Points]) -> tuple[Points, NDArray[np.int64]]:
    """The points of some images, one after the other, and their offsets."""
    nothing = encode_points(NO_FEATURES, codebook=load_codebook(), probes=SETTINGS.matching.probes)
    offsets = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
    fields = {
        name: np.concatenate([getattr(nothing, name), *(getattr(part, name) for part in parts)])
        for name in (*POINT_FIELDS, *FORM_FIELDS)
    }
    moved = [part.form_points + start for part, start in zip(parts, offsets[:-1], strict=True)]
    fields["form_points"] = np.concatenate([nothing.form_points, *moved]).astype(np.int32)
    return Points(**fields), offsets


def block(images: Mapping[str, Described]) -> ImageBlock:
    """The images, by id, as a block."""
    ids = sorted(images)
    chosen = [images[name] for name in ids]
    points, offsets = joined_points([image.points for image in chosen])
    pixels = SETTINGS.images.thumbnail_size**2
    thumbnails = [image.thumbnail for image in chosen]

    def sizes(values: list[tuple[int, int]]) -> NDArray[np.int32]:
        return np.array(values, np.int32).reshape(-1, 2)

    return ImageBlock(
        ids=ids,
        points=points,
        offsets=offsets,
        original_sizes=sizes([image.original_size for image in chosen]),
        working_sizes=sizes([image.working_size for image in chosen]),
        thumbnails=np.array(thumbnails, np.uint8).reshape(-1, pixels),
        thumbnail_sizes=sizes([image.thumbnail_size for image in chosen]),
    )


def picture(name: str, *, width: int = 400) -> Image:
    """A real picture of the given width."""
    found = load_picture(name)
    height = round(found.shape[0] * width / found.shape[1])
    return np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
