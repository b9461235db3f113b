"""The images of a shard as searches look them up: a few of them, again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.index.codebook import load_codebook
from pimmi.index.points import Points, form_offsets, offsets_of
from pimmi.matching.blocks import ImageBlock
from pimmi.matching.lists import make_lists
from pimmi.settings import MatchingSettings
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.reading import read_parquet
from pimmi.study.shards import read_arrays

KINDS = ("", "working_", "thumbnail_")
"""What the names of the columns of sizes begin with: those of the file, of the working image, and of the thumbnail."""
SIDES = [f"{kind}{side}" for kind in KINDS for side in ("width", "height")]
COLUMNS = pa.schema([IMAGES_SCHEMA.field(name) for name in ("image_id", *SIDES)])


@dataclass(frozen=True, slots=True)
class Shelf:
    """The n images of a shard.

    `ids` bytes (n,); `sizes` int32 (n, 6), width and height of each of KINDS; `points`, `offsets`, `signatures` and
    `thumbnails` as of a `Shard`; `forms` and `pixels` int64 (n + 1,), the first further form and the first pixel of the
    thumbnail of each image.
    """

    ids: NDArray[np.bytes_]
    sizes: NDArray[np.int32]
    points: Points
    offsets: NDArray[np.int64]
    signatures: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]
    forms: NDArray[np.int64]
    pixels: NDArray[np.int64]

    @classmethod
    def read(cls, path: Path, *, forms: NDArray[np.int64] | None = None) -> Shelf:
        """That of the shard in a folder; arrays stay on the disk until they are needed. `forms` if they are known."""
        images = read_parquet(path / "images.parquet", schema=COLUMNS)
        sizes = np.column_stack([images.column(name).to_numpy() for name in SIDES])
        arrays = read_arrays(path)
        points, offsets = arrays["points"], arrays["offsets"]
        return cls(
            ids=images.column("image_id").to_numpy().astype(np.bytes_),
            sizes=np.ascontiguousarray(sizes, np.int32),
            **arrays,
            forms=form_offsets(points, offsets) if forms is None else forms,
            pixels=offsets_of(sizes[:, 4].astype(np.int64) * sizes[:, 5]),
        )


def block_of(chosen: Sequence[tuple[Shelf, int]], *, settings: MatchingSettings) -> ImageBlock:
    """Some images, each a row of a shelf, as a block; their ids must rise."""
    points = Points(
        records=_runs((shelf.points.records, shelf.offsets, row) for shelf, row in chosen),
        others=_runs((shelf.points.others, shelf.forms, row) for shelf, row in chosen),
    )
    offsets = offsets_of(np.array([shelf.offsets[row + 1] - shelf.offsets[row] for shelf, row in chosen]))
    sizes = np.array([shelf.sizes[row] for shelf, row in chosen], np.int32)
    originals, working, thumbnails = (np.ascontiguousarray(part) for part in np.split(sizes, 3, axis=1))
    codebook = load_codebook(settings.codebook)
    return ImageBlock(
        ids=[shelf.ids[row].decode() for shelf, row in chosen],
        points=points,
        lists=make_lists(points, offsets=offsets, codebook=codebook, probes=settings.probes),
        offsets=offsets,
        original_sizes=originals,
        working_sizes=working,
        signatures=np.array([shelf.signatures[row] for shelf, row in chosen], np.uint64),
        thumbnails=_runs((shelf.thumbnails, shelf.pixels, row) for shelf, row in chosen),
        thumbnail_sizes=thumbnails,
    )


def _runs(places: Iterable[tuple[NDArray[Any], NDArray[np.int64], int]]) -> NDArray[Any]:
    """Runs of arrays, one after the other: of each, that of a row, between two of the starts."""
    return np.concatenate([array[starts[row] : starts[row + 1]] for array, starts, row in places])
