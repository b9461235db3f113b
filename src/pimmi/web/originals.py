"""The image files of a study, as far as they are there now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pimmi.errors import UnreadableImage
from pimmi.images.identify import image_id, read_file
from pimmi.study.catalogue import Catalogue


def has_original(catalogue: Catalogue, image: int, *, originals: Path | None) -> bool:
    """Whether there is a file where one of an image was, given by its rank, with the size that it had.

    `originals` is the folder of images, if it isn't where it was when they were added.
    """
    return next(_files(catalogue, image, originals), None) is not None


def read_original(
    catalogue: Catalogue, image: int, *, originals: Path | None, max_bytes: int
) -> tuple[str, bytes] | None:
    """The name and the bytes of a file that holds an image, and nothing else: None if none is there.

    The bytes are those that the study knows: what lies in place of a file is never given away.
    """
    name = catalogue.ids[image].decode()
    for path in _files(catalogue, image, originals):
        try:
            data = read_file(path, max_bytes=max_bytes)
        except UnreadableImage:
            continue
        if image_id(data) == name:
            return path.name, data
    return None


def _files(catalogue: Catalogue, image: int, originals: Path | None) -> Iterator[Path]:
    files = catalogue.readable_files
    for place in np.flatnonzero(catalogue.file_ranks == image).tolist():
        inside, root, size = (files.column(name)[place].as_py() for name in ("path", "root", "bytes"))
        path = (originals or Path(str(root))) / str(inside)
        try:
            if path.is_file() and path.stat().st_size == size:
                yield path
        except (OSError, ValueError):
            continue
