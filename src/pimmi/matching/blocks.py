"""The images that one matching task reads, and the links that it finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pimmi.index.codebook import Codebook
from pimmi.index.points import Points, runs, taken_points
from pimmi.matching.lists import Lists, make_lists


@dataclass(frozen=True)
class ImageBlock:
    """What matching needs of some images; n images, at most 8,192.

    `ids` list of n image ids, strictly increasing; `points` of all of them in that order, with the inverted `lists`
    over them; `offsets` int64 (n + 1,), the first point of each; `original_sizes` and `working_sizes` int32 (n, 2),
    width and height in pixels of the upright file and of the working image; `signatures` uint64 (n, 2)
    (`pimmi.features.signature`); `thumbnails` uint8 (t,), grey, row by row, one
    after the other; `thumbnail_sizes` int32 (n, 2), their width and height.
    """

    ids: list[str]
    points: Points
    lists: Lists
    offsets: NDArray[np.int64]
    original_sizes: NDArray[np.int32]
    working_sizes: NDArray[np.int32]
    signatures: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]
    thumbnail_sizes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def thumbnail_offsets(self) -> NDArray[np.int64]:
        """int64 (n + 1,): the first pixel of each thumbnail."""
        return np.concatenate([[0], np.cumsum(self.thumbnail_sizes.prod(axis=1, dtype=np.int64))])

    def taken(self, rows: NDArray[np.int64], *, codebook: Codebook, probes: int) -> ImageBlock:
        """The images of some rows, rising."""
        if len(rows) == len(self):
            return self
        points, offsets = taken_points(self.points, self.offsets, rows)
        return ImageBlock(
            ids=[self.ids[row] for row in rows.tolist()],
            points=points,
            lists=make_lists(points, offsets=offsets, codebook=codebook, probes=probes),
            offsets=offsets,
            original_sizes=self.original_sizes[rows],
            working_sizes=self.working_sizes[rows],
            signatures=self.signatures[rows],
            thumbnails=runs(self.thumbnails, self.thumbnail_offsets, rows),
            thumbnail_sizes=self.thumbnail_sizes[rows],
        )


RELATIONS = ("same", "contains", "contained", "overlap")
"""What the query of a link is to the result: nearly the whole of both is shown in both; all of the result in a part of
the query; all of the query in a part of the result; a part of each."""
STANDING = 24
"""Near-exact copies of smaller id from which on an image needn't be matched: they stand for it."""
LOOKED_AT = STANDING + STANDING // 3
"""Copies by their pixels that are given for each image: a few have too few keypoints to be verified."""
PART_SIDE = 8
"""A part is a bitmap of an image in so many rows and columns: bit 0 is the top left cell, bit 1 the one right of it.

A cell agrees if most of its textured windows do; it is of the other part if half of them or more do not.
"""
PARTS = ("query_part", "result_part", "query_other", "result_other")


@dataclass(frozen=True, slots=True)
class KnownCopies:
    """The smallest near-exact copies, of smaller id, that are known of the n images of a block, LOOKED_AT at most each.

    `counts` uint8 (n,): how many there are of each image; `rows` int32 (counts.sum(),): for each of them how many
    images of the block in which others are looked for have smaller ids, rising for each image.
    """

    counts: NDArray[np.uint8]
    rows: NDArray[np.int32]

    @classmethod
    def none(cls, images: int) -> KnownCopies:
        """Nothing is known of so many images."""
        return cls(counts=np.zeros(images, np.uint8), rows=np.empty(0, np.int32))


@dataclass(frozen=True, slots=True)
class Links:
    """m links, sorted by the ids of their images; the query of a link is the image with the smaller id.

    `query`, `result` int64 (m,): row of the image in the first block, or, counted on from the first block's length,
    in the second. `change` uint8 (m,), 0 plain, 1 mirrored, 2 negative, 3 both. `score` float64 (m,), -log10 of the
    expected number of false alarms for this pair of images. `inliers` int64 (m,). `transform` float64 (m, 6), a11
    a12 tx a21 a22 ty, from query to result in pixels of the upright files. `query_coverage`, `result_coverage`
    float64 (m,), shares of the images' areas that show the same, 0 to 1. `relation` uint8 (m,), place in RELATIONS.
    `agreement`, `conflict` float64 (m,), shares of the overlap where the two agree and where they differ, 0 to 1;
    what is left is blank in both. `query_part`, `result_part` uint64 (m,), bitmaps of 8 x 8 cells of each image
    where they agree, and `query_other`, `result_other` where they differ (PART_SIDE). `confidence` float64 (m,), 0
    to 1, that the link shows a copy (`pimmi.matching.confidence`).
    """

    query: NDArray[np.int64]
    result: NDArray[np.int64]
    change: NDArray[np.uint8]
    score: NDArray[np.float64]
    inliers: NDArray[np.int64]
    transform: NDArray[np.float64]
    query_coverage: NDArray[np.float64]
    result_coverage: NDArray[np.float64]
    relation: NDArray[np.uint8]
    agreement: NDArray[np.float64]
    conflict: NDArray[np.float64]
    query_part: NDArray[np.uint64]
    result_part: NDArray[np.uint64]
    query_other: NDArray[np.uint64]
    result_other: NDArray[np.uint64]
    confidence: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query)

    @classmethod
    def joined(cls, parts: Iterable[Links]) -> Links:
        """One or more parts, one after the other."""
        found = list(parts)
        columns = {field.name: [getattr(part, field.name) for part in found] for field in fields(cls)}
        return cls(**{name: np.concatenate(arrays) for name, arrays in columns.items()})
