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

from pimmi.index.points import FORM_FIELDS, POINT_FIELDS, Points
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import ARRIVAL, StudyFolder
from pimmi.study.reading import read_array, read_parquet, values
from pimmi.study.writing import write_array, write_parquet, written_whole


@dataclass(frozen=True, slots=True)
class Shard:
    """Some images; n of them.

    `images` has a row for each (`IMAGES_SCHEMA`); `points` are those of all, in the order of the images, as
    are their forms; `offsets` int64 (n + 1,), the first point of each; `thumbnails` uint8 (n, S * S).
    """

    images: pa.Table
    points: Points
    offsets: NDArray[np.int64]
    thumbnails: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def ids(self) -> list[str]:
        return values(self.images, "image_id")


def joined(shards: Sequence[Shard]) -> Shard:
    """One shard of all images, each once, sorted by id."""
    starts = np.cumsum([0, *(len(shard.points) for shard in shards)])
    fields = {
        name: np.concatenate([getattr(shard.points, name) for shard in shards])
        for name in (*POINT_FIELDS, *FORM_FIELDS)
    }
    fields["form_points"] = np.concatenate(
        [shard.points.form_points + start for shard, start in zip(shards, starts, strict=False)]
    ).astype(np.int32)
    counts = np.concatenate([np.diff(shard.offsets) for shard in shards])
    everything = Shard(
        images=pa.concat_tables([shard.images for shard in shards]),
        points=Points(**fields),
        offsets=_offsets(counts),
        thumbnails=np.concatenate([shard.thumbnails for shard in shards]),
    )
    return taken(everything, np.unique(everything.ids, return_index=True)[1])


def taken(shard: Shard, rows: NDArray[np.int64]) -> Shard:
    """The images of some rows, in their order."""
    points, counts = shard.points, np.diff(shard.offsets)
    image_of_form = np.searchsorted(shard.offsets, points.form_points, side="right") - 1
    form_counts = np.bincount(image_of_form, minlength=len(shard))
    point_rows = _ranges(shard.offsets[:-1][rows], counts[rows])
    form_rows = _ranges(_offsets(form_counts)[:-1][rows], form_counts[rows])
    offsets = _offsets(counts[rows])
    moved = np.repeat(offsets[:-1] - shard.offsets[:-1][rows], form_counts[rows])
    fields: dict[str, Any] = {name: getattr(points, name)[point_rows] for name in POINT_FIELDS}
    fields |= {name: getattr(points, name)[form_rows] for name in FORM_FIELDS}
    fields["form_points"] = (fields["form_points"] + moved).astype(np.int32)
    return Shard(
        images=shard.images.take(rows).combine_chunks(),
        points=Points(**fields),
        offsets=offsets,
        thumbnails=shard.thumbnails[rows],
    )


def write_shard(shard: Shard, folder: StudyFolder, *, arrival: Mapping[str, Any] | None = None) -> int:
    """Write the next shard of a study, and return its number; `arrival` is as in `StudyFolder.shard_numbers`."""
    number = folder.next_shard_number()
    with written_whole(folder.shard(number)) as path:
        path.mkdir()
        if arrival is not None:
            (path / ARRIVAL).write_text(json.dumps(arrival), encoding="utf-8")
        write_parquet(shard.images, path / "images.parquet")
        for name in (*POINT_FIELDS, *FORM_FIELDS):
            write_array(getattr(shard.points, name), path / f"{name}.npy")
        write_array(shard.offsets, path / "offsets.npy")
        write_array(shard.thumbnails, path / "thumbnails.npy")
    return number


def read_shard(path: Path) -> Shard:
    """Read what `write_shard` wrote; arrays stay on the disk until they are needed."""

    def array(name: str) -> Any:
        return read_array(path / f"{name}.npy")

    return Shard(
        images=read_parquet(path / "images.parquet", schema=IMAGES_SCHEMA),
        points=Points(**{name: array(name) for name in (*POINT_FIELDS, *FORM_FIELDS)}),
        offsets=array("offsets"),
        thumbnails=array("thumbnails"),
    )


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """`starts[0], starts[0] + 1, …` for `counts[0]` numbers, then those of the next start."""
    before = np.repeat(starts - _offsets(counts)[:-1], counts)
    return before + np.arange(len(before))
