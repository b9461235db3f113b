"""The image files of a study, as far as they are there now."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pimmi.study.catalogue import Catalogue


def original_file(catalogue: Catalogue, image: int, *, originals: Path | None) -> Path | None:
    """A file that holds an image, given by its rank, and has the size that it had; None if none is there.

    `originals` is the folder of images, if it isn't where it was when they were added.
    """
    files = catalogue.readable_files
    for place in np.flatnonzero(catalogue.file_ranks == image).tolist():
        inside, root, size = (files.column(name)[place].as_py() for name in ("path", "root", "bytes"))
        path = (originals or Path(str(root))) / str(inside)
        try:
            if path.is_file() and path.stat().st_size == size:
                return path
        except OSError:
            continue
    return None
