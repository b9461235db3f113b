"""What a worker does with some files: read, identify, decode, and extract their points."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname

import numpy as np
import pyarrow as pa

from pimmi.errors import PimmiError, UnreadableImage
from pimmi.images.identify import image_id, read_file
from pimmi.images.walk import ImageFile
from pimmi.index.codebook import load_codebook
from pimmi.index.points import encode_points
from pimmi.settings import Settings
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.shards import Shard, joined


@dataclass(frozen=True, slots=True)
class ReadTask:
    """Files below the folder `root`; images whose id is in `known` are only identified."""

    root: Path
    files: tuple[ImageFile, ...]
    known: frozenset[str]
    settings: Settings


@dataclass(frozen=True, slots=True)
class FileRead:
    """The image that a file holds, or the reason why it can't be read."""

    file: ImageFile
    image_id: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReadResult:
    """All files of a task, and the images that weren't known; None if there is none."""

    files: list[FileRead]
    shard: Shard | None


def read_images(task: ReadTask) -> ReadResult:
    """Read the files of a task; what is wrong with one of them becomes its reason.

    Raises PimmiError where the folder of images can't be seen, for then nothing is wrong with the files.
    """
    _check_seen(task.root)
    _ask_for(task.root / file.path for file in task.files)
    files, shards = [], {}
    for file in task.files:
        try:
            data = read_file(task.root / file.path, max_bytes=task.settings.images.max_bytes)
            name = image_id(data)
            if name not in task.known and name not in shards:
                shards[name] = describe(data, name, settings=task.settings)
            files.append(FileRead(file, name, None))
        except UnreadableImage as error:
            files.append(FileRead(file, None, str(error)))
        except (Exception, MemoryError) as error:
            files.append(FileRead(file, None, f"it can't be described: {type(error).__name__}: {error}"))
    return ReadResult(files, joined(list(shards.values())) if shards else None)


def _check_seen(root: Path) -> None:
    try:
        empty = next(root.iterdir(), None) is None
    except OSError as error:
        raise PimmiError(
            f"the folder of images {root} can't be seen from {gethostname()} ({error.strerror}): "
            "each machine with workers needs it under the same path"
        ) from None
    if empty:
        raise PimmiError(
            f"the folder of images {root} is empty on {gethostname()}: "
            "each machine with workers needs the images under the same path"
        )


def _ask_for(paths: Iterable[Path]) -> None:
    """Have the system read files from the disk ahead, while others are described; where it can't, it doesn't."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in paths:
        with suppress(OSError):
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(file)


def describe(data: bytes, name: str, *, settings: Settings) -> Shard:
    """The image in the bytes of a file, whose id is `name`, as a shard of one; raises UnreadableImage."""
    from pimmi.features.sift import extract
    from pimmi.features.signature import signature
    from pimmi.images.decode import decode
    from pimmi.images.thumbnail import grey_thumbnail

    image = decode(data, working_size=settings.images.working_size, max_pixels=settings.images.max_pixels)
    features = extract(image.grey, settings=settings.features)
    codebook = load_codebook(settings.matching.codebook)
    points = encode_points(features, codebook=codebook, probes=settings.matching.probes)
    thumbnail, (thumbnail_height, thumbnail_width) = grey_thumbnail(
        image.grey, size=settings.images.thumbnail_size
    )
    about = {
        "image_id": name,
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "bytes": len(data),
        "nb_points": len(points),
        "working_width": image.grey.shape[1],
        "working_height": image.grey.shape[0],
        "thumbnail_width": thumbnail_width,
        "thumbnail_height": thumbnail_height,
    }
    return Shard(
        images=pa.Table.from_pylist([about], schema=IMAGES_SCHEMA),
        points=points,
        offsets=np.array([0, len(points)]),
        signatures=signature(image.grey)[None],
        thumbnails=thumbnail,
    )
