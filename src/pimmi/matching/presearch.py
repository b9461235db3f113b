"""Which of very many images share some points with one image: what is to be looked at when it is searched for.

Only the image looks in cells, where in matching each of two images looks in those of the other; so it looks in more: in
all pairs of its forms' nearest centroids.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from pimmi.index.codebook import Codebook
from pimmi.index.points import NEAREST, OTHER_DEPTH, RECORD, Points, further_forms, stored_codes, words_of
from pimmi.matching.join import FEW_POINTS, ORIGIN_ROW, Lists, centroid, change_masks, ones, word_at
from pimmi.matching.lanes import LANES, near_lanes


@dataclass(frozen=True, slots=True)
class Wanted:
    """The forms of an image, by the cells in which they look; c cells, e entries.

    `cells` int64 (c,), rising; `starts` int64 (c + 1,), the first entry of each; `codes` uint64 (e, 3), the words of
    the codes; `places` int32 (all cells,), the place of each cell in `cells`, -1 for others; `limits` uint8 (2,
    all cells), the largest distance of codes that match in each, for images of many points and for those of few.
    """

    cells: NDArray[np.int64]
    starts: NDArray[np.int64]
    codes: NDArray[np.uint64]
    places: NDArray[np.int32]
    limits: NDArray[np.uint8]


def wanted(points: Points, *, codebook: Codebook, code_distance: int) -> Wanted:
    """What the points of an image look for."""
    limits = codebook.limits_within(code_distance)
    if len(points) <= FEW_POINTS:
        limits[0] = limits[1]
    bits, depth = codebook.centroid_bits, codebook.depth
    stored = stored_codes(points.records)
    owners, changes = further_forms(points.doubts)
    masks = change_masks(codebook)
    further = stored[owners].copy()
    further[:, :2] ^= masks[changes]
    cells, codes = [], []
    for words, near, deep in (
        (stored, words_of(points.records[:, RECORD - NEAREST :]), depth),
        (further, words_of(points.others), OTHER_DEPTH),
    ):
        centroids = [
            (near >> np.uint64(bits * place)) & np.uint64((1 << bits) - 1) for place in range(2 * deep)
        ]
        for first, second in product(centroids[:deep], centroids[deep:]):
            cells.append(((first << np.uint64(bits)) + second).astype(np.int64))
            codes.append(words)
    every = np.concatenate(cells)
    order = np.argsort(every, kind="stable")
    distinct, starts = np.unique(every[order], return_index=True)
    places = np.full(codebook.cells, -1, np.int32)
    places[distinct] = np.arange(len(distinct))
    return Wanted(distinct, np.append(starts, len(every)), np.concatenate(codes)[order], places, limits)


def count_in_lists(found: Wanted, lists: Lists, *, images: int, sign_distance: int) -> NDArray[np.int32]:
    """int32 (images,): how many points of each image match a form."""
    counts = np.zeros(images, np.int32)
    _count_in_lists(
        found.cells, found.starts, found.codes, lists.starts, lists.signs, lists.more_signs, lists.beyond,
        lists.origins, lists.few, found.limits, sign_distance, counts,
    )  # fmt: skip
    return counts


def count_in_records(
    found: Wanted,
    records: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    *,
    codebook: Codebook,
    sign_distance: int,
) -> NDArray[np.int32]:
    """The same without lists, from the points as they are stored: slower by far, but there is nothing to prepare."""
    counts = np.zeros(len(offsets) - 1, np.int32)
    _count_in_records(
        found.places, found.starts, found.codes, records, offsets, codebook.centroid_bits, codebook.depth,
        found.limits, sign_distance, counts,
    )  # fmt: skip
    return counts


@njit(cache=True, nogil=True, inline="always")
def _distance(codes, entry, wide, rest, beyond, sign_distance):  # type: ignore[no-untyped-def]
    signs = ones(codes[entry, 0] ^ wide) + ones(codes[entry, 1] ^ rest)
    if signs > sign_distance:
        return np.int64(256)
    own, outer = codes[entry, 0], codes[entry, 2]
    return signs + ones((own & outer) ^ (wide & beyond)) + ones((own | ~outer) ^ (wide | ~beyond))


@njit(cache=True, nogil=True)
def _count_in_lists(  # type: ignore[no-untyped-def]
    cells, starts, codes, list_starts, signs, more_signs, beyond, origins, few, limits, sign_distance, counts,
):  # fmt: skip
    touched = uint64(0)
    for k in range(len(cells)):
        if k + 16 < len(cells):
            touched += signs[list_starts[cells[k + 16]]] ^ more_signs[list_starts[cells[k + 16]]]
        stop = np.int64(list_starts[cells[k] + 1])
        for strip in range(np.int64(list_starts[cells[k]]), stop, LANES):
            done = uint64(0)
            for entry in range(starts[k], starts[k + 1]):
                near = near_lanes(signs, more_signs, strip, codes[entry, 0], codes[entry, 1], sign_distance)
                near &= ~done
                while near != 0:
                    lowest = near & (~near + uint64(1))
                    near ^= lowest
                    at = strip + ones(lowest - uint64(1))
                    if at >= stop:
                        break
                    apart = _distance(codes, entry, signs[at], more_signs[at], beyond[at], sign_distance)
                    image = origins[at] >> np.uint32(ORIGIN_ROW)
                    if apart <= limits[np.int64(few[image]), cells[k]]:
                        done |= lowest
                        counts[image] += np.int32(1)
    return touched


@njit(cache=True, nogil=True)
def _count_in_records(  # type: ignore[no-untyped-def]
    places, starts, codes, records, offsets, bits, depth, limits, sign_distance, counts
):  # fmt: skip
    for image in range(len(counts)):
        few = np.int64(offsets[image + 1] - offsets[image] <= FEW_POINTS)
        for point in range(offsets[image], offsets[image + 1]):
            record = records[point]
            near = word_at(record, RECORD - NEAREST, NEAREST)
            cell = (centroid(near, 0, bits) << bits) + centroid(near, depth, bits)
            place, limit = places[cell], np.int64(limits[few, cell])
            if place < 0:
                continue
            wide, rest, beyond = word_at(record, 6, 8), word_at(record, 14, 8), word_at(record, 22, 8)
            for entry in range(starts[place], starts[place + 1]):
                if _distance(codes, entry, wide, rest, beyond, sign_distance) <= limit:
                    counts[image] += np.int32(1)
                    break
