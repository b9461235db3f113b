"""Shards: a bounded number of images with all that matching needs of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.index.points import POINT_FIELDS, Points
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import ARRIVAL, StudyFolder
from pimmi.study.reading import read_array, read_parquet, values
from pimmi.study.writing import write_array, write_parquet, written_whole


@dataclass(frozen=True, slots=True)
class Shard:
    """Some images; n of them.

    `images` has a row for each (`IMAGES_SCHEMA`); `points` are those of all, in the order of the images; `offsets` int64
    (n + 1,), the first point of each; `signatures` uint64 (n, 2); `thumbnails` uint8 (t,), the pixels of all, one after
    the other.
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
    fields = {name: np.concatenate([getattr(shard.points, name) for shard in shards]) for name in POINT_FIELDS}
    counts = np.concatenate([np.diff(shard.offsets) for shard in shards])
    everything = Shard(
        images=pa.concat_tables([shard.images for shard in shards]),
        points=Points(**fields),
        offsets=_offsets(counts),
        signatures=np.concatenate([shard.signatures for shard in shards]),
        thumbnails=np.concatenate([shard.thumbnails for shard in shards]),
    )
    return taken(everything, np.unique(everything.ids, return_index=True)[1])


def taken(shard: Shard, rows: NDArray[np.int64]) -> Shard:
    """The images of some rows, in their order."""
    points, counts = shard.points, np.diff(shard.offsets)
    form_offsets = _offsets(points.other_counts)
    forms = np.diff(form_offsets[shard.offsets])
    sizes = shard.images.column("thumbnail_width").to_numpy().astype(np.int64) * shard.images.column(
        "thumbnail_height"
    )
    return Shard(
        images=shard.images.take(rows).combine_chunks(),
        points=Points(
            records=points.records[_ranges(shard.offsets[:-1][rows], counts[rows])],
            others=points.others[_ranges(form_offsets[shard.offsets[:-1]][rows], forms[rows])],
        ),
        offsets=_offsets(counts[rows]),
        signatures=shard.signatures[rows],
        thumbnails=shard.thumbnails[_ranges(_offsets(sizes)[:-1][rows], sizes[rows])],
    )


def write_shard(shard: Shard, folder: StudyFolder, *, arrival: Mapping[str, Any] | None = None) -> int:
    """Write the next shard of a study, and return its number; `arrival` is as in `StudyFolder.shard_numbers`."""
    number = folder.next_shard_number()
    with written_whole(folder.shard(number)) as path:
        path.mkdir()
        if arrival is not None:
            (path / ARRIVAL).write_text(json.dumps(arrival), encoding="utf-8")
        write_parquet(shard.images, path / "images.parquet")
        for name in POINT_FIELDS:
            write_array(getattr(shard.points, name), path / f"{name}.npy")
        write_array(shard.offsets, path / "offsets.npy")
        write_array(shard.signatures, path / "signatures.npy")
        write_array(shard.thumbnails, path / "thumbnails.npy")
    return number


def read_shard(path: Path) -> Shard:
    """Read what `write_shard` wrote; arrays stay on the disk until they are needed."""

    def array(name: str) -> Any:
        return read_array(path / f"{name}.npy")

    return Shard(
        images=read_parquet(path / "images.parquet", schema=IMAGES_SCHEMA),
        points=Points(**{name: array(name) for name in POINT_FIELDS}),
        offsets=array("offsets"),
        signatures=array("signatures"),
        thumbnails=array("thumbnails"),
    )


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """`starts[0], starts[0] + 1, …` for `counts[0]` numbers, then those of the next start."""
    before = np.repeat(starts - _offsets(counts)[:-1], counts)
    return before + np.arange(len(before))
