"""Shards: a bounded number of images with all that matching needs of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.index.points import POINT_FIELDS, Points, offsets_of, runs, taken_points
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import ARRIVAL, StudyFolder
from pimmi.study.reading import read_array, read_parquet, read_pieces, values
from pimmi.study.writing import write_array, write_parquet, written_whole

PIECE = 1 << 16
"""Points read at once where all are read, and those of one image more: what the processor's cache holds."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some images; n of them.

    `images` has a row for each (`IMAGES_SCHEMA`); `points` are those of all, in the order of the images; `offsets`
    int64 (n + 1,), the first point of each; `signatures` uint64 (n, 2); `thumbnails` uint8 (t,), the pixels of all, one
    after the other.
    """

    images: pa.Table
    points: Points
    offsets: NDArray[np.int64]
    signatures: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def ids(self) -> list[str]:
        return values(self.images, "image_id")


def joined(shards: Sequence[Shard]) -> Shard:
    """One shard of all images, each once, sorted by id."""
    fields = {
        name: np.concatenate([getattr(shard.points, name) for shard in shards]) for name in POINT_FIELDS
    }
    counts = np.concatenate([np.diff(shard.offsets) for shard in shards])
    everything = Shard(
        images=pa.concat_tables([shard.images for shard in shards]),
        points=Points(**fields),
        offsets=offsets_of(counts),
        signatures=np.concatenate([shard.signatures for shard in shards]),
        thumbnails=np.concatenate([shard.thumbnails for shard in shards]),
    )
    return taken(everything, np.unique(everything.ids, return_index=True)[1])


def taken(shard: Shard, rows: NDArray[np.int64]) -> Shard:
    """The images of some rows, in their order."""
    points, offsets = taken_points(shard.points, shard.offsets, rows)
    width, height = (shard.images.column(f"thumbnail_{side}").to_numpy() for side in ("width", "height"))
    pixels = width.astype(np.int64) * height
    return Shard(
        images=shard.images.take(rows).combine_chunks(),
        points=points,
        offsets=offsets,
        signatures=shard.signatures[rows],
        thumbnails=runs(shard.thumbnails, offsets_of(pixels), rows),
    )


def write_shard(shard: Shard, folder: StudyFolder, *, arrival: Mapping[str, Any] | None = None) -> int:
    """Write the next shard of a study, and return its number; `arrival` is as in `StudyFolder.shard_numbers`."""
    number = folder.next_shard_number()
    with written_whole(folder.shard(number)) as path:
        path.mkdir()
        if arrival is not None:
            (path / ARRIVAL).write_text(json.dumps(arrival), encoding="utf-8")
        fill_shard(shard, path)
    return number


def fill_shard(shard: Shard, path: Path) -> None:
    """Write a shard into a folder."""
    write_parquet(shard.images, path / "images.parquet")
    for name in POINT_FIELDS:
        write_array(getattr(shard.points, name), path / f"{name}.npy")
    write_array(shard.offsets, path / "offsets.npy")
    write_array(shard.signatures, path / "signatures.npy")
    write_array(shard.thumbnails, path / "thumbnails.npy")


def read_shard(path: Path) -> Shard:
    """Read what `write_shard` or `fill_shard` wrote; arrays stay on the disk until they are needed."""
    return Shard(images=read_parquet(path / "images.parquet", schema=IMAGES_SCHEMA), **read_arrays(path))


def read_arrays(path: Path) -> dict[str, Any]:
    """All of the shard in a folder but `images`, by the names that `Shard` has for them."""

    def array(name: str) -> Any:
        return read_array(path / f"{name}.npy")

    points = Points(**{name: array(name) for name in POINT_FIELDS})
    return {"points": points} | {name: array(name) for name in ("offsets", "signatures", "thumbnails")}


def read_offsets(path: Path) -> NDArray[np.int64]:
    """The offsets of the shard in a folder, as `Shard` has them."""
    offsets: Any = read_array(path / "offsets.npy")
    return np.asarray(offsets, np.int64)


def record_pieces(path: Path, offsets: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """The records of the shard in a folder, those of some images at a time; `offsets` are its own.

    Gives a slice of the images, and their records; these are overwritten by the next.
    """
    starts = np.searchsorted(offsets, np.arange(0, max(int(offsets[-1]), 1), PIECE))
    images = np.unique([*starts, len(offsets) - 1]).tolist()
    pieces: Any = read_pieces(path / "records.npy", offsets[images].tolist())
    for start, stop, records in zip(images, images[1:], pieces, strict=False):
        yield slice(start, stop), records
