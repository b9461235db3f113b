"""The images that count: those that a file holds now; and the links between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.study.files import read_files
from pimmi.study.images import read_images
from pimmi.study.layout import StudyFolder
from pimmi.study.links import LINKS_SCHEMA, read_links
from pimmi.study.reading import values
from pimmi.study.standing import counting

Ids = NDArray[np.bytes_]
ENDS = ("query", "result")
PLACES = ("query_shard", "query_row", "result_shard", "result_row")


def id_array(table: pa.Table, column: str = "image_id") -> Ids:
    """Image ids as an S32 array, which sorts as they do."""
    return np.array(values(table, column), dtype="S32")


@dataclass(frozen=True)
class Catalogue:
    """What a study knows of files and images.

    `files` is the files table, sorted by path. `images` has a row for each image that one or more of the
    files hold, sorted by id; its columns are those of `read_images`. The place of an image in it is
    its *rank*.
    """

    folder: StudyFolder
    files: pa.Table
    images: pa.Table

    @classmethod
    def read(cls, folder: StudyFolder) -> Catalogue:
        files, images = read_files(folder), read_images(folder)
        held = pc.is_in(images.column("image_id"), value_set=files.column("image_id").drop_null())
        return cls(folder=folder, files=files, images=images.filter(held).sort_by("image_id"))

    @cached_property
    def ids(self) -> Ids:
        return id_array(self.images)

    @cached_property
    def readable_files(self) -> pa.Table:
        """The files that hold an image, sorted by path."""
        return self.files.filter(pc.is_valid(self.files.column("image_id")))

    @cached_property
    def file_ranks(self) -> NDArray[np.int64]:
        """The rank of the image of each readable file."""
        return np.searchsorted(self.ids, id_array(self.readable_files))

    @cached_property
    def first_files(self) -> NDArray[np.int64]:
        """For each image, its first readable file."""
        return np.unique(self.file_ranks, return_index=True)[1]

    @cached_property
    def nb_files(self) -> NDArray[np.int64]:
        """How many files hold each image."""
        return np.bincount(self.file_ranks, minlength=len(self.images))

    @cached_property
    def later_files(self) -> NDArray[np.int64]:
        """The readable files that hold the same bytes as one before them."""
        return np.setdiff1d(np.arange(len(self.file_ranks)), self.first_files)

    @cached_property
    def rows_by_shard(self) -> dict[int, NDArray[np.int64]]:
        """For each shard that holds one of the images, the rows of those, rising."""
        shards, rows = (self.images.column(name).to_numpy() for name in ("shard", "row"))
        order = np.lexsort((rows, shards))
        numbers, starts = np.unique(shards[order], return_index=True)
        parts = np.split(rows[order], starts[1:])
        return dict(zip(numbers.tolist(), parts, strict=False))

    def links(self, *, minimum_confidence: float, columns: Sequence[str] = LINKS_SCHEMA.names) -> Links:
        """The links between images that count, sorted by rank of query, then of result.

        `columns` are those of `LINKS_SCHEMA` that `Links.rows` will have.
        """
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in columns}
        ends: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
        near: list[NDArray[np.bool_]] = []
        needed = list(dict.fromkeys([*PLACES, "near", *columns]))
        for rows in read_links(self.folder, minimum_confidence=minimum_confidence, columns=needed):
            found = [self._ranks(rows.column(f"{end}_shard"), rows.column(f"{end}_row")) for end in ENDS]
            (held,) = np.nonzero((found[0] >= 0) & (found[1] >= 0))
            for ranks, all_ranks in zip(found, ends, strict=True):
                all_ranks.append(ranks[held])
            near.append(rows.column("near").to_numpy()[held])
            for name, arrays in parts.items():
                arrays.append(rows.column(name).to_numpy()[held])
        query, result = (np.concatenate([np.empty(0, np.int64), *each]) for each in ends)
        kept = counting(query, result, np.concatenate([np.empty(0, bool), *near]), images=len(self.images))
        order = kept[np.lexsort((result[kept], query[kept]))]
        return Links(query=query[order], result=result[order], rows=_taken(parts, order))

    def _ranks(self, shards: pa.ChunkedArray[Any], rows: pa.ChunkedArray[Any]) -> NDArray[np.int64]:
        """The ranks of images given by their place; -1 for those that don't count."""
        places, ranks = self._places
        wanted = shards.to_numpy().astype(np.int64) << 32 | rows.to_numpy()
        if not len(places):
            return np.full(len(wanted), -1)
        found = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
        return np.where(places[found] == wanted, ranks[found], -1)

    @cached_property
    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of all images, rising, and the ranks of those."""
        places = self.images.column("shard").to_numpy() << 32 | self.images.column("row").to_numpy()
        ranks = np.argsort(places)
        return places[ranks], ranks


def _taken(parts: dict[str, list[NDArray[Any]]], order: NDArray[np.int64]) -> pa.Table:
    """The rows of a table in some order; its parts are given up column by column, so that it isn't there twice."""
    schema = pa.schema([LINKS_SCHEMA.field(name) for name in parts])
    columns: dict[str, Any] = {}
    for field in schema:
        whole = np.concatenate([np.empty(0, field.type.to_pandas_dtype()), *parts.pop(field.name)])
        columns[field.name] = pa.array(whole[order], field.type)
    return pa.table(columns, schema=schema)


@dataclass(frozen=True, slots=True)
class Links:
    """Links between images: the ranks of both ends, int64, and rows of the link files: columns of `LINKS_SCHEMA`."""

    query: NDArray[np.int64]
    result: NDArray[np.int64]
    rows: pa.Table

    def __len__(self) -> int:
        return len(self.query)
