"""The points of a block of images in inverted lists, one for each cell of the index."""

from dataclasses import dataclass

import numpy as np
from numba import njit, uint32, uint64
from numpy.typing import NDArray

from pimmi.index.cells import shapes
from pimmi.index.codebook import Codebook
from pimmi.index.points import FORMS_OF_DOUBT, OTHER, Points
from pimmi.matching.lanes import LANES
from pimmi.matching.packed import doubt_of, nearest_cell, word_at

FEW_POINTS = 100
"""Points up to which an image, flat or blurred, has few."""
ORIGIN_ROW, ORIGIN_NUMBER, ORIGIN_CHANGE = 19, 6, 4
"""Lowest bits of the image's row (13), the point's number (13) and its change (2) in an origin; then its shape."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The inverted lists over the points of some images; n points, f further forms.

    `few` bool (images,) says whether an image has FEW_POINTS or fewer; `starts` int32 (cells + 2,) is where the list of
    each cell starts. In the order of the lists: `signs`, `more_signs` uint64 (n + LANES,), `beyond` uint64 (n,), the
    words of the codes; `origins` uint32 (n,), the image's row, the point's number, its change and its shape; `nearest`
    uint64 (n,), its nearest centroids. Of the further forms, in the order in which they are stored: `other_points`
    int32 (f,), the point's place in the lists; `other_changes` uint8 (f,); `other_nearest` uint64 (f,). `shapes` int64
    (s, depth) and `bits` are the codebook's.
    """

    few: NDArray[np.bool_]
    starts: NDArray[np.int32]
    signs: NDArray[np.uint64]
    more_signs: NDArray[np.uint64]
    beyond: NDArray[np.uint64]
    origins: NDArray[np.uint32]
    nearest: NDArray[np.uint64]
    other_points: NDArray[np.int32]
    other_changes: NDArray[np.uint8]
    other_nearest: NDArray[np.uint64]
    shapes: NDArray[np.int64]
    bits: int

    def __len__(self) -> int:
        return len(self.nearest)


def make_lists(points: Points, *, offsets: NDArray[np.int64], codebook: Codebook, probes: int) -> Lists:
    """Lists over images whose points are `offsets[i]` to `offsets[i + 1]`."""
    n, f = len(points), len(points.others)
    lists = Lists(
        few=np.diff(offsets) <= FEW_POINTS,
        starts=np.zeros(codebook.cells + 2, np.int32),
        signs=np.zeros(n + LANES, np.uint64),
        more_signs=np.zeros(n + LANES, np.uint64),
        beyond=np.empty(n, np.uint64),
        origins=np.empty(n, np.uint32),
        nearest=np.empty(n, np.uint64),
        other_points=np.empty(f, np.int32),
        other_changes=np.empty(f, np.uint8),
        other_nearest=np.empty(f, np.uint64),
        shapes=shapes(probes, codebook.depth),
        bits=codebook.centroid_bits,
    )
    _fill(
        points.records, points.others, offsets, codebook.centroid_bits, codebook.depth, FORMS_OF_DOUBT,
        lists.starts, lists.signs, lists.more_signs, lists.beyond, lists.origins, lists.nearest,
        lists.other_points, lists.other_changes, lists.other_nearest,
    )  # fmt: skip
    return lists


@njit(cache=True, nogil=True)
def _fill(  # type: ignore[no-untyped-def]
    records, others, offsets, bits, depth, forms_of_doubt,
    starts, signs, more_signs, beyond, origins, nearest, other_points, other_changes, other_nearest,
):  # fmt: skip
    """Sort points into the lists of their nearest cells, by counting."""
    places = np.empty(len(records), np.int32)
    for point in range(len(records)):
        near = word_at(records[point], 30, 8)
        starts[nearest_cell(near, bits, depth) + 2] += np.int32(1)
    for cell in range(2, len(starts)):
        starts[cell] += starts[cell - 1]
    for image in range(len(offsets) - 1):
        for point in range(offsets[image], offsets[image + 1]):
            record = records[point]
            near = word_at(record, 30, 8)
            cell = nearest_cell(near, bits, depth) + 1
            at = starts[cell]
            starts[cell] += np.int32(1)
            places[point] = at
            geometry = word_at(record, 0, 6)
            signs[at], more_signs[at], beyond[at] = (
                word_at(record, 6, 8),
                word_at(record, 14, 8),
                word_at(record, 22, 8),
            )
            nearest[at] = near
            origins[at] = uint32(
                (uint64(image) << uint64(ORIGIN_ROW))
                | (uint64(point - offsets[image]) << uint64(ORIGIN_NUMBER))
                | (((geometry >> uint64(41)) & uint64(3)) << uint64(ORIGIN_CHANGE))
                | ((geometry >> uint64(45)) & uint64(7))
            )
    form = 0
    for point in range(len(records)):
        doubt = doubt_of(records[point])
        for k in range(forms_of_doubt[doubt]):
            other_points[form] = places[point]
            other_changes[form] = k + 1 if doubt == 3 else doubt
            other_nearest[form] = word_at(others[form], 0, OTHER)
            form += 1
