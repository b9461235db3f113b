"""Which points of which images match: a range join of codes inside cells.

A match is one uint64:

    bits 50..63  place of the first image, the one with the smaller id
    bits 36..49  place of the second image
    bits 23..35  point in the first image
    bits 10..22  point in the second image
    bits  8..9   change between the two points (MIRRORED, INVERTED)
    bits  0..7   Hamming distance of the two codes

It depends on the two images alone: two points match when the nearest cell of one is among the cells in which a form of
the other looks, and their codes differ in few bits.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from pimmi.index.codebook import CELLS, Codebook
from pimmi.index.points import Points

MAX_IMAGES = 1 << 14
MATCHES_AT_ONCE = 1 << 20
FIRST_SHIFT = 50
SECOND_SHIFT = 36


@dataclass(frozen=True, slots=True)
class Lists:
    """Points of some images with the inverted lists over them; n points.

    `places` int32 (n,), place of each point's image; `numbers` int32 (n,), number of the point in its image;
    `form_order` int64 (f,), forms sorted by their nearest cell, so that neighbours read the same lists. `starts` int64
    (cells + 1,) is where the list of each cell starts. In the order of the lists: `signs`, `more_signs` uint64 (n,),
    the codes' two words of signs; `levels` uint64 (n, 2), the words of levels; `origins` uint64 (n,), place << 16 |
    number << 2 | change of each point; `plain_cells` uint16 (n, probes), the cells in which its plain form looks.
    """

    points: Points
    places: NDArray[np.int32]
    numbers: NDArray[np.int32]
    form_order: NDArray[np.int64]
    starts: NDArray[np.int64]
    signs: NDArray[np.uint64]
    more_signs: NDArray[np.uint64]
    levels: NDArray[np.uint64]
    origins: NDArray[np.uint64]
    plain_cells: NDArray[np.uint16]


def make_lists(points: Points, *, offsets: NDArray[np.int64], places: NDArray[np.int32]) -> Lists:
    """Lists over images whose points are `offsets[i]` to `offsets[i + 1]`; `places` int32, the place of each image."""
    counts = np.diff(offsets)
    listed = np.argsort(points.cells, kind="stable")
    owners = np.repeat(places, counts).astype(np.int32)
    numbers = (np.arange(len(points)) - np.repeat(offsets[:-1], counts)).astype(np.int32)
    origins = ((owners.astype(np.int64) << 16) | (numbers << 2) | points.changes).astype(np.uint64)
    codes = points.codes[listed]
    return Lists(
        points=points,
        places=owners,
        numbers=numbers,
        form_order=np.argsort(points.form_cells[:, 0], kind="stable"),
        starts=np.searchsorted(points.cells[listed], np.arange(CELLS + 1)).astype(np.int64),
        signs=np.ascontiguousarray(codes[:, 0]),
        more_signs=np.ascontiguousarray(codes[:, 1]),
        levels=np.ascontiguousarray(codes[:, 2:]),
        origins=origins[listed],
        plain_cells=_plain_cells(points)[listed],
    )


def _plain_cells(points: Points) -> NDArray[np.uint16]:
    plain = np.flatnonzero(points.form_changes == 0)
    cells = np.empty((len(points), points.form_cells.shape[1]), np.uint16)
    cells[points.form_points[plain]] = points.form_cells[plain]
    return cells


def change_masks(codebook: Codebook) -> NDArray[np.uint64]:
    """Bits uint64 (4, 2) of the two words of signs that each change (0 to 3) flips."""
    masks = np.zeros((4, 2), np.uint64)
    for change in range(4):
        flipped = codebook.flips(np.array([change], np.uint8))[0] < 0
        masks[change] = np.packbits(flipped, bitorder="little").view(np.uint64)
    return masks


@njit("int64(uint64)", cache=True, nogil=True, inline="always")
def ones(word):  # type: ignore[no-untyped-def]
    """The number of bits set in a uint64."""
    word = word - ((word >> uint64(1)) & uint64(0x5555555555555555))
    word = (word & uint64(0x3333333333333333)) + ((word >> uint64(2)) & uint64(0x3333333333333333))
    word = (word + (word >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    return (word * uint64(0x0101010101010101)) >> uint64(56)


@njit(cache=True, nogil=True, inline="always")
def _holds(cells, row, wanted):  # type: ignore[no-untyped-def]
    held = False
    for k in range(cells.shape[1]):
        held |= cells[row, k] == wanted
    return held


@njit(cache=True, nogil=True)
def _join(  # type: ignore[no-untyped-def]
    start, form_order, form_points, form_changes, form_cells, codes, cells, changes, places, numbers,
    starts, signs, more_signs, levels, origins, plain_cells,
    masks, sign_distance, code_distance, matches,
):  # fmt: skip
    """Fill `matches` from the `start`-th form on; returns how many there are and the form to go on with.

    A match that the plain forms of both points find is left to the one whose image comes first.
    """
    found = 0
    for f in range(start, len(form_order)):
        form = form_order[f]
        point = form_points[form]
        change = form_changes[form]
        here = places[point]
        flipped_wide, flipped_rest = masks[change, 0], masks[change, 1]
        wide = codes[point, 0] ^ flipped_wide
        rest = codes[point, 1] ^ flipped_rest
        above, below = codes[point, 2], codes[point, 3]
        high = (above & ~flipped_wide) | (~below & flipped_wide)
        low = (below & ~flipped_wide) | (~above & flipped_wide)
        found_before = found
        for probe in range(form_cells.shape[1]):
            cell = form_cells[form, probe]
            for at in range(starts[cell], starts[cell + 1]):
                distance = ones(wide ^ signs[at]) + ones(rest ^ more_signs[at])
                if distance > sign_distance:
                    continue
                distance += ones(high ^ levels[at, 0]) + ones(low ^ levels[at, 1])
                if distance > code_distance:
                    continue
                there = np.int64(origins[at] >> uint64(16))
                if here == there:
                    continue
                if change == 0 and there < here and _holds(plain_cells, at, cells[point]):
                    continue
                if found == len(matches):
                    return found_before, f
                first, second = uint64(here), uint64(there)
                first_point, second_point = uint64(numbers[point]), (origins[at] >> uint64(2)) & uint64(8191)
                if there < here:
                    first, second = second, first
                    first_point, second_point = second_point, first_point
                between = uint64(changes[point] ^ change) ^ (origins[at] & uint64(3))
                matches[found] = (
                    (first << uint64(50))
                    | (second << uint64(36))
                    | (first_point << uint64(23))
                    | (second_point << uint64(10))
                    | (between << uint64(8))
                    | uint64(distance)
                )
                found += 1
    return found, len(form_order)


def look_up(
    query: Lists, base: Lists, *, masks: NDArray[np.uint64], sign_distance: int, code_distance: int
) -> list[NDArray[np.uint64]]:
    """The matches of the forms of `query` with the points of `base`, in pieces, unsorted; no image with itself.

    `sign_distance` is the largest difference in the 128 signs, `code_distance` in the whole code of 256 bits.
    """
    found = []
    start = 0
    buffer = np.empty(MATCHES_AT_ONCE, np.uint64)
    while start < len(query.form_order):
        count, end = _join(
            start, query.form_order, query.points.form_points, query.points.form_changes, query.points.form_cells,
            query.points.codes, query.points.cells, query.points.changes, query.places, query.numbers,
            base.starts, base.signs, base.more_signs, base.levels, base.origins, base.plain_cells,
            masks, sign_distance, code_distance, buffer,
        )  # fmt: skip
        if end == start:
            buffer = np.empty(2 * len(buffer), np.uint64)
        start = end
        found.append(buffer[:count].copy())
    return found


@njit(cache=True, nogil=True)
def _count(matches, shift, counts):  # type: ignore[no-untyped-def]
    """Add to `counts` how many matches have each place in the 14 bits from `shift` on."""
    for m in range(len(matches)):
        counts[(matches[m] >> uint64(shift)) & uint64(MAX_IMAGES - 1)] += 1


@njit(cache=True, nogil=True)
def _scatter(matches, shift, starts, scattered):  # type: ignore[no-untyped-def]
    """Write the matches where the next one with their place in the 14 bits from `shift` on belongs."""
    for m in range(len(matches)):
        place = (matches[m] >> uint64(shift)) & uint64(MAX_IMAGES - 1)
        scattered[starts[place]] = matches[m]
        starts[place] += 1


def by_pair(pieces: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """All matches in one array, those of a pair of images together, pairs by rising places (a radix sort)."""
    for shift in (SECOND_SHIFT, FIRST_SHIFT):
        counts = np.zeros(MAX_IMAGES + 1, np.int64)
        for piece in pieces:
            _count(piece, shift, counts[1:])
        starts = np.cumsum(counts)
        scattered = np.empty(starts[-1], np.uint64)
        for piece in pieces:
            _scatter(piece, shift, starts, scattered)
        pieces = [scattered]
    return pieces[0]
