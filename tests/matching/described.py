"""Images described as a study describes them, and the blocks that matching reads."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import Image, encode_jpeg
from pimmi.features.sift import NO_FEATURES, Features, extract
from pimmi.features.signature import signature
from pimmi.images.decode import decode
from pimmi.images.thumbnail import grey_thumbnail
from pimmi.index.codebook import load_codebook
from pimmi.index.points import POINT_FIELDS, Points, encode_points, offsets_of
from pimmi.matching.blocks import ImageBlock
from pimmi.matching.lists import make_lists
from pimmi.settings import Settings

SETTINGS = Settings()


@dataclass(frozen=True, slots=True)
class Described:
    """One image: its sizes are (width, height) in pixels."""

    features: Features
    points: Points
    original_size: tuple[int, int]
    working_size: tuple[int, int]
    signature: NDArray[np.uint64]
    thumbnail: NDArray[np.uint8]
    thumbnail_size: tuple[int, int]


def described(picture: Image, *, settings: Settings = SETTINGS, quality: int = 95) -> Described:
    """A picture saved as JPEG and read again."""
    image = decode(
        encode_jpeg(picture, quality=quality), working_size=settings.images.working_size, max_pixels=10**9
    )
    features = extract(image.grey, settings=settings.features)
    thumbnail, (height, width) = grey_thumbnail(image.grey, size=settings.images.thumbnail_size)
    codebook = load_codebook(settings.matching.codebook)
    return Described(
        features=features,
        points=encode_points(features, codebook=codebook, probes=settings.matching.probes),
        original_size=(image.width, image.height),
        working_size=(image.grey.shape[1], image.grey.shape[0]),
        signature=signature(image.grey),
        thumbnail=thumbnail,
        thumbnail_size=(width, height),
    )


def joined_points(parts: list[Points]) -> tuple[Points, NDArray[np.int64]]:
    """The points of some images, one after the other, and their offsets."""
    nothing = encode_points(NO_FEATURES, codebook=load_codebook(), probes=SETTINGS.matching.probes)
    fields = {
        name: np.concatenate([getattr(nothing, name), *(getattr(part, name) for part in parts)])
        for name in POINT_FIELDS
    }
    return Points(**fields), offsets_of(np.array([len(part) for part in parts], np.int64))


def block(images: Mapping[str, Described], *, settings: Settings = SETTINGS) -> ImageBlock:
    """The images, by id, as a block."""
    ids = sorted(images)
    chosen = [images[name] for name in ids]
    points, offsets = joined_points([image.points for image in chosen])
    codebook = load_codebook(settings.matching.codebook)

    def sizes(values: list[tuple[int, int]]) -> NDArray[np.int32]:
        return np.array(values, np.int32).reshape(-1, 2)

    return ImageBlock(
        ids=ids,
        points=points,
        lists=make_lists(points, offsets=offsets, codebook=codebook, probes=settings.matching.probes),
        offsets=offsets,
        original_sizes=sizes([image.original_size for image in chosen]),
        working_sizes=sizes([image.working_size for image in chosen]),
        signatures=np.array([image.signature for image in chosen], np.uint64).reshape(-1, 2),
        thumbnails=np.concatenate([np.zeros(0, np.uint8), *(image.thumbnail for image in chosen)]),
        thumbnail_sizes=sizes([image.thumbnail_size for image in chosen]),
    )


def picture(name: str, *, width: int = 400) -> Image:
    """A real picture of the given width."""
    found = load_picture(name)
    height = round(found.shape[0] * width / found.shape[1])
    return np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
