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
from pimmi.study.sorting import sorted_by
from pimmi.study.standing import counting

Ids = NDArray[np.bytes_]
PLACES = ("query_shard", "query_row", "result_shard", "result_row")


def id_array(table: pa.Table, column: str = "image_id") -> Ids:
    """Image ids as an S32 array, which sorts as they do."""
    return np.array(values(table, column), dtype="S32")


def among(ids: Ids, sorted_ids: Ids) -> NDArray[np.bool_]:
    """Whether each id is one of others, which are sorted."""
    if not len(sorted_ids):
        return np.zeros(len(ids), bool)
    places = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    found: NDArray[np.bool_] = sorted_ids[places] == ids
    return found


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
        return cls(folder=folder, files=files, images=sorted_by(images.filter(held), "image_id"))

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

    def paths_of(self, image: str) -> list[str]:
        """The files that hold an image, given by its id, sorted; none if there is no such image."""
        rank = int(np.searchsorted(self.ids, image.encode()))
        if rank == len(self.ids) or self.ids[rank] != image.encode():
            return []
        paths, ranks = self._paths_by_rank
        start, stop = np.searchsorted(ranks, [rank, rank + 1]).tolist()
        return [str(path) for path in paths[start:stop]]

    @cached_property
    def _paths_by_rank(self) -> tuple[pa.Array[Any], NDArray[np.int64]]:
        """The paths of the readable files in the order of their images, and the ranks of those."""
        files = np.argsort(self.file_ranks, kind="stable")
        paths: Any = self.readable_files.column("path").take(files)
        return paths.combine_chunks(), self.file_ranks[files]

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
        ends = self.link_ends(minimum_confidence=minimum_confidence)
        rows = self.link_rows(ends.stored, minimum_confidence=minimum_confidence, columns=columns)
        return Links(query=ends.query, result=ends.result, rows=rows)

    def link_ends(self, *, minimum_confidence: float) -> LinkEnds:
        """Which images the links are between, sorted as in `links`: so much fits in memory, however many there are."""
        ends: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
        nears = [np.empty(0, bool)]
        for rows in read_links(self.folder, minimum_confidence=minimum_confidence, columns=(*PLACES, "near")):
            for name, ranks in zip(("query", "result"), ends, strict=True):
                ranks.append(self._ranks(rows.column(f"{name}_shard"), rows.column(f"{name}_row")))
            nears.append(rows.column("near").to_numpy())
        query, result = (np.concatenate([np.empty(0, np.int64), *ranks]) for ranks in ends)
        (kept,) = np.nonzero((query >= 0) & (result >= 0))
        near = np.concatenate(nears)[kept]
        kept = kept[counting(query[kept], result[kept], near, images=len(self.images))]
        order = kept[np.lexsort((result[kept], query[kept]))]
        return LinkEnds(query=query[order], result=result[order], stored=order)

    def link_rows(
        self, stored: NDArray[np.int64], *, minimum_confidence: float, columns: Sequence[str]
    ) -> pa.Table:
        """Some columns of some links, in the order of `stored` (`LinkEnds`); the files are read again."""
        schema = pa.schema([LINKS_SCHEMA.field(name) for name in columns])
        found = {field.name: np.empty(len(stored), field.type.to_pandas_dtype()) for field in schema}
        if not found:
            return schema.empty_table()
        places = np.argsort(stored)
        rising = stored[places]
        first = 0
        for rows in read_links(self.folder, minimum_confidence=minimum_confidence, columns=columns):
            start, stop = np.searchsorted(rising, [first, first + len(rows)])
            for name, column in found.items():
                column[places[start:stop]] = rows.column(name).to_numpy()[rising[start:stop] - first]
            first += len(rows)
        return pa.table([pa.array(found[field.name], field.type) for field in schema], schema=schema)

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


@dataclass(frozen=True, slots=True)
class LinkEnds:
    """The ranks of both ends of n links, int64 (n,), and the place of each, int64 (n,), among all that are stored."""

    query: NDArray[np.int64]
    result: NDArray[np.int64]
    stored: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Links:
    """Links between images: the ranks of both ends, int64, and rows of the link files: columns of `LINKS_SCHEMA`."""

    query: NDArray[np.int64]
    result: NDArray[np.int64]
    rows: pa.Table

    def __len__(self) -> int:
        return len(self.query)
