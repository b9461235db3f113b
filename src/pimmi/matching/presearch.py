"""Which of very many images share points with one image: what is to be looked at when it is searched for.

Only the image looks in cells, where in matching each of two images looks in those of the other; so its further forms
look in more. A point that matches few images tells more than one that matches many: images are ranked by the squared
inverse document frequencies of the points that they match, each counted once (Sivic and Zisserman 2003, Jégou et al.
2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from pimmi.index.codebook import Codebook, load_codebook
from pimmi.index.points import (
    FORMS_OF_DOUBT,
    NEAREST,
    OTHER,
    OTHER_DEPTH,
    RECORD,
    Points,
    further_forms,
    stored_codes,
    words_of,
)
from pimmi.matching.join import change_masks, sign_limits
from pimmi.matching.lanes import LANES, near_lanes
from pimmi.matching.lists import FEW_POINTS
from pimmi.matching.packed import doubt_of, nearest_cell, ones, word_at

WEIGHT_STEPS = 1 << 20
"""Steps in which weights are added: whole numbers have the same sum in whatever order."""
NEAREST_PAIRS = 4
"""A form looks in the cell of its r-th and s-th nearest centroid if r s is so much or less."""
FIRST_ROOM = 1 << 16
"""Matches for which there is room at first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The forms of an image, by the cells in which they look; c cells, e entries.

    `cells` int64 (c,), rising; `starts` int64 (c + 1,), the first entry of each; `codes` uint64 (e, 3), the words of
    the codes; `owners` int32 (e,), the points whose forms they are, of `points` in all; `limits` uint8 (2, all cells),
    the largest distance of codes that match in each, for images of many points and for those of few.
    """

    cells: NDArray[np.int64]
    starts: NDArray[np.int64]
    codes: NDArray[np.uint64]
    owners: NDArray[np.int32]
    points: int
    limits: NDArray[np.uint8]


def wanted(points: Points, *, codebook: Codebook, code_distance: int) -> Wanted:
    """What the points of an image look for."""
    limits = codebook.limits_within(code_distance)
    if len(points) <= FEW_POINTS:
        limits = limits[[1, 1]]
    bits, depth = codebook.centroid_bits, codebook.depth
    stored = stored_codes(points.records)
    further_points, changes = further_forms(points.doubts)
    masks = change_masks(codebook)
    further = stored[further_points].copy()
    further[:, :2] ^= masks[changes]
    cells, codes, owners = [], [], []
    for words, near, deep, points_of in (
        (stored, words_of(points.records[:, RECORD - NEAREST :]), depth, np.arange(len(points))),
        (further, words_of(points.others), OTHER_DEPTH, further_points),
    ):
        centroids = [
            (near >> np.uint64(bits * place)) & np.uint64((1 << bits) - 1) for place in range(2 * deep)
        ]
        ranked = ((r, s) for r, s in product(range(deep), repeat=2) if (r + 1) * (s + 1) <= NEAREST_PAIRS)
        for first, second in ((centroids[r], centroids[deep + s]) for r, s in ranked):
            cells.append(((first << np.uint64(bits)) + second).astype(np.int64))
            codes.append(words)
            owners.append(points_of)
    every = np.concatenate(cells)
    order = np.argsort(every, kind="stable")
    distinct, starts = np.unique(every[order], return_index=True)
    return Wanted(
        cells=distinct,
        starts=np.append(starts, len(every)),
        codes=np.concatenate(codes)[order],
        owners=np.concatenate(owners)[order].astype(np.int32),
        points=len(points),
        limits=limits,
    )


def promising(
    matches: NDArray[np.uint64], *, images: int, points: int, fewest: int, most: int
) -> NDArray[np.int64]:
    """The images, rising, with which at least `fewest` points match, and of these the `most` that promise most.

    `matches` are those of `points` points with `images` images, as `matches_in_lists` gives them.
    """
    counts, scores = np.zeros(images, np.int64), np.zeros(images, np.int64)
    frequencies = np.zeros(points, np.int64)
    distinct = _count_distinct(matches, np.zeros(images * points // 8 + 1, np.uint8), counts, frequencies)
    weights = np.log(images / np.maximum(frequencies, 1)) ** 2
    _add_weights(distinct, np.rint(WEIGHT_STEPS * weights).astype(np.int64), scores)
    (enough,) = np.nonzero(counts >= fewest)
    best = enough[np.argsort(-scores[enough], kind="stable")[:most]]
    return np.sort(best)


@njit(cache=True, nogil=True)
def _count_distinct(matches, seen, counts, frequencies):  # type: ignore[no-untyped-def]
    """The matches, each once; counted for each image, and for each point. `seen` has a bit for each that could be."""
    distinct = np.empty_like(matches)
    found = 0
    for m in range(len(matches)):
        image, point = np.int64(matches[m] >> uint64(32)), np.int64(matches[m] & uint64(2**32 - 1))
        place = image * len(frequencies) + point
        if (seen[place >> 3] >> (place & 7)) & 1 == 0:
            seen[place >> 3] |= np.uint8(1 << (place & 7))
            counts[image] += 1
            frequencies[point] += 1
            distinct[found] = matches[m]
            found += 1
    return distinct[:found]


@njit(cache=True, nogil=True)
def _add_weights(matches, weights, scores):  # type: ignore[no-untyped-def]
    for m in range(len(matches)):
        scores[matches[m] >> uint64(32)] += weights[matches[m] & uint64(2**32 - 1)]


@dataclass(frozen=True, slots=True)
class CellLists:
    """The points of very many images by their nearest cells; n points.

    `starts` int64 (cells + 1,) is where the list of each cell starts. In the order of the lists: `signs`, `more_signs`
    uint64 (n + LANES,), `beyond` uint64 (n,), the words of the codes; `images` int32 (n,), the image's number. `few`
    bool (images,) says whether an image has FEW_POINTS or fewer.
    """

    starts: NDArray[np.int64]
    signs: NDArray[np.uint64]
    more_signs: NDArray[np.uint64]
    beyond: NDArray[np.uint64]
    images: NDArray[np.int32]
    few: NDArray[np.bool_]


def make_cell_lists(
    parts: Sequence[tuple[NDArray[np.uint8], NDArray[np.int64]]], *, codebook: Codebook
) -> CellLists:
    """Lists over the images of some parts, numbered on from part to part; the records of each, and its offsets."""
    bits, depth = codebook.centroid_bits, codebook.depth
    starts = np.zeros(codebook.cells + 2, np.int64)
    for records, _ in parts:
        _count_cells(records, bits, depth, starts)
    np.cumsum(starts, out=starts)
    n = int(starts[-1])
    lists = CellLists(
        starts=starts[:-1],
        signs=np.zeros(n + LANES, np.uint64),
        more_signs=np.zeros(n + LANES, np.uint64),
        beyond=np.empty(n, np.uint64),
        images=np.empty(n, np.int32),
        few=np.concatenate([np.diff(offsets) <= FEW_POINTS for _, offsets in parts]),
    )
    first = 0
    for records, offsets in parts:
        _fill_cells(
            records, offsets, first, bits, depth, starts[1:], lists.signs, lists.more_signs, lists.beyond, lists.images
        )  # fmt: skip
        first += len(offsets) - 1
    return lists


def matches_in_lists(
    found: Wanted, lists: CellLists, *, sign_limits: NDArray[np.int64], share: slice = slice(None)
) -> NDArray[np.uint64]:
    """Which images match which points, in a share of the cells: the image's number in the upper 32 bits, the point in
    the lower."""
    matches: NDArray[np.uint64] = _matches_in_lists(
        found.cells[share], found.starts[share.start :], found.codes, found.owners, lists.starts, lists.signs,
        lists.more_signs, lists.beyond, lists.images, lists.few, found.limits, sign_limits,
    )  # fmt: skip
    return matches


def cell_places(found: Wanted, *, codebook: Codebook) -> NDArray[np.int32]:
    """int32 (all cells,): the place of each cell among those that are looked in, -1 for others."""
    places = np.full(codebook.cells, -1, np.int32)
    places[found.cells] = np.arange(len(found.cells))
    return places


def matches_in_records(
    found: Wanted,
    records: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    *,
    places: NDArray[np.int32],
    first: int,
    codebook: Codebook,
    sign_limits: NDArray[np.int64],
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The same without lists, from the points as they are stored: slower by far, but there is nothing to prepare.

    `places` are the `cell_places`, and `first` is the number of the first image. Gives also how many further forms each
    image has, int64 (images,).
    """
    forms = np.empty(len(offsets) - 1, np.int64)
    matches: NDArray[np.uint64] = _matches_in_records(
        places, found.starts, found.codes, found.owners, records, offsets, first, codebook.centroid_bits,
        codebook.depth, found.limits, sign_limits, FORMS_OF_DOUBT, forms,
    )  # fmt: skip
    return matches, forms


@njit(cache=True, nogil=True, inline="always")
def _match(codes, entry, wide, rest, beyond, limit, sign_limit):  # type: ignore[no-untyped-def]
    """Whether a form's code differs from another in few enough bits, and its signs as well."""
    apart = ones(codes[entry, 0] ^ wide) + ones(codes[entry, 1] ^ rest)
    if apart > sign_limit:
        return False
    own, outer = codes[entry, 0], codes[entry, 2]
    return apart + ones((own & outer) ^ (wide & beyond)) + ones((own | ~outer) ^ (wide | ~beyond)) <= limit


@njit(cache=True, nogil=True, inline="always")
def _cell_of(record, bits, depth):  # type: ignore[no-untyped-def]
    return nearest_cell(word_at(record, RECORD - NEAREST, NEAREST), bits, depth)


@njit(cache=True, nogil=True)
def _count_cells(records, bits, depth, starts):  # type: ignore[no-untyped-def]
    for point in range(len(records)):
        starts[_cell_of(records[point], bits, depth) + 2] += 1


@njit(cache=True, nogil=True)
def _fill_cells(  # type: ignore[no-untyped-def]
    records, offsets, first, bits, depth, starts, signs, more_signs, beyond, images
):  # fmt: skip
    for image in range(len(offsets) - 1):
        for point in range(offsets[image], offsets[image + 1]):
            record = records[point]
            cell = _cell_of(record, bits, depth)
            at = starts[cell]
            starts[cell] += 1
            signs[at], more_signs[at], beyond[at] = (
                word_at(record, 6, 8),
                word_at(record, 14, 8),
                word_at(record, 22, 8),
            )
            images[at] = first + image


@njit(cache=True, nogil=True, inline="always")
def _with_match(matches, found, image, point):  # type: ignore[no-untyped-def]
    """The matches, longer if they were full, with one more."""
    if found == len(matches):
        longer = np.empty(2 * len(matches), np.uint64)
        longer[:found] = matches
        matches = longer
    matches[found] = (uint64(image) << uint64(32)) | uint64(point)
    return matches


@njit(cache=True, nogil=True)
def _matches_in_lists(  # type: ignore[no-untyped-def]
    cells, starts, codes, owners, list_starts, signs, more_signs, beyond, images, few, limits, sign_limits,
):  # fmt: skip
    matches, found = np.empty(FIRST_ROOM, np.uint64), 0
    for k in range(len(cells)):
        stop = list_starts[cells[k] + 1]
        most = sign_limits[max(limits[0, cells[k]], limits[1, cells[k]])]
        for strip in range(list_starts[cells[k]], stop, LANES):
            for entry in range(starts[k], starts[k + 1]):
                near = near_lanes(signs, more_signs, strip, codes[entry, 0], codes[entry, 1], most)
                while near != 0:
                    lowest = near & (~near + uint64(1))
                    near ^= lowest
                    at = strip + ones(lowest - uint64(1))
                    if at >= stop:
                        break
                    limit = np.int64(limits[np.int64(few[images[at]]), cells[k]])
                    if _match(codes, entry, signs[at], more_signs[at], beyond[at], limit, sign_limits[limit]):
                        matches = _with_match(matches, found, images[at], owners[entry])
                        found += 1
    return matches[:found]


@njit(cache=True, nogil=True)
def _matches_in_records(  # type: ignore[no-untyped-def]
    places, starts, codes, owners, records, offsets, first, bits, depth, limits, sign_limits, forms_of_doubt, forms
):  # fmt: skip
    matches, found = np.empty(FIRST_ROOM, np.uint64), 0
    inside = np.empty(np.max(np.diff(offsets)) if len(offsets) > 1 else 0, np.int64)
    for image in range(len(offsets) - 1):
        few = np.int64(offsets[image + 1] - offsets[image] <= FEW_POINTS)
        count = further = 0
        for point in range(offsets[image], offsets[image + 1]):
            record = records[point]
            further += forms_of_doubt[doubt_of(record)]
            inside[count] = point
            count += places[_cell_of(record, bits, depth)] >= 0
        forms[image] = further
        for k in range(count):
            record = records[inside[k]]
            cell = _cell_of(record, bits, depth)
            place, limit = places[cell], np.int64(limits[few, cell])
            wide, rest, beyond = word_at(record, 6, 8), word_at(record, 14, 8), word_at(record, 22, 8)
            for entry in range(starts[place], starts[place + 1]):
                if _match(codes, entry, wide, rest, beyond, limit, sign_limits[limit]):
                    matches = _with_match(matches, found, first + image, owners[entry])
                    found += 1
    return matches[:found]


def compile_all() -> None:
    """Compile the loops, or load them if an earlier process has."""
    codebook = load_codebook("small")
    points = Points(np.zeros((1, RECORD), np.uint8), np.zeros((0, OTHER), np.uint8))
    offsets = np.array([0, 1])
    found = wanted(points, codebook=codebook, code_distance=0)
    limits = sign_limits(sign_distance=0, code_distance=0)
    lists = make_cell_lists([(points.records, offsets)], codebook=codebook)
    matches = matches_in_lists(found, lists, sign_limits=limits)
    promising(matches, images=1, points=1, fewest=1, most=1)
    places = cell_places(found, codebook=codebook)
    matches_in_records(
        found, points.records, offsets, places=places, first=0, codebook=codebook, sign_limits=limits
    )
