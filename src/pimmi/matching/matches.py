"""Matches of points, sorted by the pairs of images that they put together.

A match is one uint64:

    bits 50..63  place of the first image, the one with the smaller id
    bits 36..49  place of the second image
    bits 23..35  point in the first image
    bits 10..22  point in the second image
    bits  8..9   change between the two points (MIRRORED, INVERTED)
    bits  0..7   Hamming distance of the two codes
"""

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from pimmi.index.points import POSITION_UNIT
from pimmi.matching.packed import word_at

MAX_IMAGES = 1 << 14
FIRST_SHIFT = 50
SECOND_SHIFT = 36


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


@njit(cache=True, nogil=True)
def _drop_small(matches, at_least):  # type: ignore[no-untyped-def]
    """Keep the matches of pairs of images that have `at_least` of them, in place; returns how many."""
    kept = start = 0
    for m in range(1, len(matches) + 1):
        if m < len(matches) and matches[m] >> uint64(36) == matches[start] >> uint64(36):
            continue
        if m - start >= at_least:
            for k in range(start, m):
                matches[kept] = matches[k]
                kept += 1
        start = m
    return kept


def by_pair(pieces: list[NDArray[np.uint64]], *, at_least: int) -> NDArray[np.uint64]:
    """The matches of the pairs of images that have `at_least` of them, those of a pair together, by rising places.

    A radix sort. The list of pieces is emptied, as soon as they aren't needed any more.
    """
    for shift in (SECOND_SHIFT, FIRST_SHIFT):
        counts = np.zeros(MAX_IMAGES + 1, np.int64)
        for piece in pieces:
            _count(piece, shift, counts[1:])
        starts = np.cumsum(counts)
        scattered = np.empty(starts[-1], np.uint64)
        for piece in pieces:
            _scatter(piece, shift, starts, scattered)
        pieces.clear()
        pieces.append(scattered)
    return pieces[0][: _drop_small(pieces[0], at_least)]


def matched_places(matches: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The places of the images of some matches, rising, each once."""
    used = np.zeros(MAX_IMAGES, np.bool_)
    for shift in (SECOND_SHIFT, FIRST_SHIFT):
        used[(matches >> np.uint64(shift)) & np.uint64(MAX_IMAGES - 1)] = True
    return np.flatnonzero(used)


@njit(cache=True, nogil=True)
def unpack(  # type: ignore[no-untyped-def]
    records, offsets, places, starts, positions, scales, angles, changes, codes
):  # fmt: skip
    """Unpack the records of each image of a block, at `offsets`, to where `starts` says that those of its place belong.

    Images for which `starts` leaves no room are left out. What is filled is what `pimmi.index.points.keypoints` gives.
    """
    for image in range(len(places)):
        start = starts[places[image]]
        for k in range(starts[places[image] + 1] - start):
            record, point = records[offsets[image] + k], start + k
            geometry = word_at(record, 0, 6)
            positions[point, 0] = np.float32(geometry & uint64(0x1FFF)) * np.float32(POSITION_UNIT)
            positions[point, 1] = np.float32((geometry >> uint64(13)) & uint64(0x1FFF)) * np.float32(
                POSITION_UNIT
            )
            angles[point] = (geometry >> uint64(26)) & uint64(0xFF)
            scales[point] = (geometry >> uint64(34)) & uint64(0x7F)
            changes[point] = (geometry >> uint64(41)) & uint64(3)
            wide, beyond = word_at(record, 6, 8), word_at(record, 22, 8)
            codes[point, 0], codes[point, 1] = wide, word_at(record, 14, 8)
            codes[point, 2], codes[point, 3] = wide & beyond, wide | ~beyond
