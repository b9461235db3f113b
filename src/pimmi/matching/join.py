"""Which points of which images match: a range join of codes inside cells.

A match depends on the two images alone: two points match when the nearest cell of one is among the cells in which a
form of the other looks, and their codes differ in few bits: in fewer where the cell is crowded.
"""

import numpy as np
from numba import njit, uint32, uint64
from numpy.typing import NDArray

from pimmi.index.codebook import Codebook
from pimmi.index.points import OTHER_DEPTH
from pimmi.matching.lanes import LANES, near_lanes
from pimmi.matching.lists import ORIGIN_CHANGE, ORIGIN_NUMBER, ORIGIN_ROW, Lists
from pimmi.matching.matches import FIRST_SHIFT, MAX_IMAGES, SECOND_SHIFT
from pimmi.matching.packed import centroid, nearest_cell, ones

MATCHES_AT_ONCE = 1 << 20
LOOKS_AT_ONCE = 1 << 21
"""Looks, of one form in one cell each, that are sorted before any is made, 24 bytes each: so those into neighbouring
lists come one after the other, and find them in the processor's cache."""
FILLED = 0.5
"""Points for each cell, of a block of images, up to which looks into cells without any are left out beforehand."""
CROWDED = 30
"""Limit of a cell, in bits, up to which only forms look in it whose nearest cell it is: these lists are the longest by
far, and points of so near codes nearly always have the same nearest cell."""
MOST_OF_LOOK = 3
"""Matches of a form with an image in one cell that are kept, the nearest: letters and patterns would else have very
many."""
LOOK_FORM, LOOK_FEW, LOOK_OWN = 32, 31, 30
"""Lowest bits of the form, of whether its image has few points, and of whether the cell is its own, in a look's last
word; then the cell."""
MAX_POINTS = 1 << 13


class TooManyMatches(Exception):
    """Two blocks of images have more matches than are wanted in memory."""


def change_masks(codebook: Codebook) -> NDArray[np.uint64]:
    """Bits uint64 (4, 2) of the two words of signs that each change (0 to 3) flips."""
    masks = np.zeros((4, 2), np.uint64)
    for change in range(4):
        flipped = codebook.flips(np.array([change], np.uint8))[0] < 0
        masks[change] = np.packbits(flipped, bitorder="little").view(np.uint64)
    return masks


def sign_limits(*, sign_distance: int, code_distance: int) -> NDArray[np.int64]:
    """int64 (code_distance + 1,): in how many bits the signs of two codes may differ, by the limit of their cell.

    The same share of every limit, rounded up.
    """
    return -(-np.arange(code_distance + 1) * sign_distance // max(code_distance, 1))


@njit(cache=True, nogil=True, inline="always")
def _holds(nearest, lengths, bits, depth, crowded, cell):  # type: ignore[no-untyped-def]
    """Whether a plain form looks in a cell."""
    first, second = cell >> bits, cell & ((1 << bits) - 1)
    held = False
    for r in range(1 if crowded else depth):
        if centroid(nearest, r, bits) == first:
            for s in range(1 if crowded else lengths[r]):
                held |= centroid(nearest, depth + s, bits) == second
    return held


@njit(cache=True, nogil=True, inline="always")
def _first_behind(here, origins, places, first, stop):  # type: ignore[no-untyped-def]
    """The first point of a part of a list whose image has a place behind `here`; in a list the places rise."""
    while first < stop:
        middle = (first + stop) // 2
        if places[origins[middle] >> uint32(ORIGIN_ROW)] > here:
            stop = middle
        else:
            first = middle + 1
    return first


@njit(cache=True, nogil=True)
def _sort_looks(  # type: ignore[no-untyped-def]
    start, end, few, signs, more_signs, origins, nearest, other_points, other_changes, other_nearest,
    shape_lengths, bits, masks, few_filled, list_starts, starts, looks,
):  # fmt: skip
    """Fill `looks` uint64 (room, 3) with those of the forms from `start` to `end`, plain ones first, by the first
    centroid of the cell: both words of signs, and where. Returns how many.

    If there are points in `few_filled` cells, by `list_starts`, looks into others are left out: to ask that of each
    takes time. `starts` int64 (centroids + 2,) is room.
    """
    depth = shape_lengths.shape[1]
    square = np.full(depth, OTHER_DEPTH, np.int64)
    starts[:] = 0
    for form in range(start, end):
        plain = form < len(nearest)
        near = nearest[form] if plain else other_nearest[form - len(nearest)]
        lengths = shape_lengths[origins[form] & uint32(15)] if plain else square
        across = depth if plain else OTHER_DEPTH
        for r in range(across):
            first = centroid(near, r, bits)
            for s in range(lengths[r]):
                cell = (first << bits) + centroid(near, across + s, bits)
                starts[first + 2] += not few_filled or list_starts[cell] < list_starts[cell + 1]
    for number in range(2, len(starts)):
        starts[number] += starts[number - 1]
    for form in range(start, end):
        plain = form < len(nearest)
        other = form - len(nearest)
        point = form if plain else np.int64(other_points[other])
        change = 0 if plain else np.int64(other_changes[other])
        near = nearest[point] if plain else other_nearest[other]
        lengths = shape_lengths[origins[point] & uint32(15)] if plain else square
        across = depth if plain else OTHER_DEPTH
        wide, rest = signs[point] ^ masks[change, 0], more_signs[point] ^ masks[change, 1]
        about = uint64(form) << uint64(LOOK_FORM)
        about |= uint64(few[origins[point] >> uint32(ORIGIN_ROW)]) << uint64(LOOK_FEW)
        for r in range(across):
            first = centroid(near, r, bits)
            at = starts[first + 1]
            for s in range(lengths[r]):
                cell = (first << bits) + centroid(near, across + s, bits)
                if not few_filled or list_starts[cell] < list_starts[cell + 1]:
                    looks[at, 0], looks[at, 1] = wide, rest
                    looks[at, 2] = about | (uint64(plain and r + s == 0) << uint64(LOOK_OWN)) | uint64(cell)
                    at += 1
            starts[first + 1] = at
    return starts[-1]


@njit(cache=True, nogil=True)
def _join(  # type: ignore[no-untyped-def]
    start, looks, q_beyond, q_origins, q_nearest, other_points, other_changes,
    few, starts, signs, more_signs, beyond, origins, nearest, shape_lengths, bits,
    q_places, places, limits, sign_limits, matches,
):  # fmt: skip
    """Fill `matches` from the `start`-th look on; returns how many, and the look to go on with.

    A match that the plain forms of both points find is left to the one whose image comes first. So in its own cell such
    a form, unless its image has few points and finds more, need look only at the images that come after.
    """
    depth = shape_lengths.shape[1]
    found = 0
    for look in range(start, len(looks)):
        wide, rest, about = looks[look, 0], looks[look, 1], looks[look, 2]
        cell = np.int64(about & uint64((1 << LOOK_OWN) - 1))
        first, stop = np.int64(starts[cell]), np.int64(starts[cell + 1])
        if first == stop:
            continue
        own = (about >> uint64(LOOK_OWN)) & uint64(1) != 0
        of_few = np.int64((about >> uint64(LOOK_FEW)) & uint64(1))
        limit = np.int64(limits[of_few, cell])
        if limit <= CROWDED and not own:
            continue
        form = np.int64(about >> uint64(LOOK_FORM))
        if own and of_few == 0 and stop - first > LANES:
            here = q_places[q_origins[form] >> uint32(ORIGIN_ROW)]
            first = _first_behind(here, origins, places, first, stop)
        sign_limit = sign_limits[limit]
        found_before = found
        row_before, row_start = uint64(MAX_IMAGES), found
        for strip in range(first, stop, LANES):
            near_ones = near_lanes(signs, more_signs, strip, wide, rest, sign_limit)
            while near_ones != 0:
                at = strip + ones((near_ones & (~near_ones + uint64(1))) - uint64(1))
                near_ones &= near_ones - uint64(1)
                if at >= stop:
                    break
                plain = form < len(q_nearest)
                point = form if plain else np.int64(other_points[form - len(q_nearest)])
                outer, theirs, far = q_beyond[point], signs[at], beyond[at]
                apart = ones(wide ^ theirs) + ones(rest ^ more_signs[at])
                distance = (
                    apart + ones((wide & outer) ^ (theirs & far)) + ones((wide | ~outer) ^ (theirs | ~far))
                )
                if distance > limit:
                    continue
                origin, source = uint64(q_origins[point]), uint64(origins[at])
                row = source >> uint64(ORIGIN_ROW)
                here, there = q_places[origin >> uint64(ORIGIN_ROW)], places[row]
                if here == there:
                    continue
                if plain and there < here:
                    own_cell = nearest_cell(q_nearest[point], bits, depth)
                    their_limit = np.int64(limits[np.int64(few[row]), own_cell])
                    if (
                        distance <= their_limit
                        and apart <= sign_limits[their_limit]
                        and _holds(
                            nearest[at], shape_lengths[source & uint64(15)], bits, depth, their_limit <= CROWDED,
                            own_cell,
                        )
                    ):  # fmt: skip
                        continue
                if row != row_before:
                    row_before, row_start = row, found
                if found - row_start == MOST_OF_LOOK:
                    worst = row_start
                    for k in range(row_start + 1, found):
                        if matches[k] & uint64(255) >= matches[worst] & uint64(255):
                            worst = k
                    if distance >= np.int64(matches[worst] & uint64(255)):
                        continue
                    for k in range(worst + 1, found):
                        matches[k - 1] = matches[k]
                    found -= 1
                elif found == len(matches):
                    return found_before, look
                one, other = uint64(here), uint64(there)
                one_point = (origin >> uint64(ORIGIN_NUMBER)) & uint64(MAX_POINTS - 1)
                other_point = (source >> uint64(ORIGIN_NUMBER)) & uint64(MAX_POINTS - 1)
                if there < here:
                    one, other = other, one
                    one_point, other_point = other_point, one_point
                change = uint64(0) if plain else uint64(other_changes[form - len(q_nearest)])
                between = ((origin ^ source) >> uint64(ORIGIN_CHANGE)) & uint64(3)
                matches[found] = (
                    (one << uint64(FIRST_SHIFT))
                    | (other << uint64(SECOND_SHIFT))
                    | (one_point << uint64(23))
                    | (other_point << uint64(10))
                    | ((between ^ change) << uint64(8))
                    | uint64(distance)
                )
                found += 1
    return found, len(looks)


def look_up(
    query: Lists,
    base: Lists,
    *,
    query_places: NDArray[np.int32],
    base_places: NDArray[np.int32],
    masks: NDArray[np.uint64],
    limits: NDArray[np.uint8],
    sign_limits: NDArray[np.int64],
    most: int,
) -> list[NDArray[np.uint64]]:
    """The matches of the forms of `query` with the points of `base`, in pieces, unsorted; no image with itself.

    Raises TooManyMatches if there are more than `most`.

    `query_places` and `base_places` int32, the place of the image of each row among those of both. `limits`
    uint8 (2, cells) are `Codebook.limits_within` some distance, and `sign_limits` the function's for that distance.
    """
    forms = len(query) + len(query.other_points)
    most_cells = max(int(query.shapes.sum(axis=1).max()), OTHER_DEPTH * OTHER_DEPTH)
    at_once = max(LOOKS_AT_ONCE // most_cells, 1)
    looks = np.empty((min(at_once, forms) * most_cells, 3), np.uint64)
    starts = np.empty((1 << query.bits) + 2, np.int64)
    few_filled = len(base) < FILLED * (len(base.starts) - 2)
    buffer = np.empty(MATCHES_AT_ONCE, np.uint64)
    found = []
    for first in range(0, forms, at_once):
        count = _sort_looks(
            first, min(first + at_once, forms), query.few, query.signs, query.more_signs, query.origins, query.nearest,
            query.other_points, query.other_changes, query.other_nearest, query.shapes, query.bits, masks,
            few_filled, base.starts, starts, looks,
        )  # fmt: skip
        start = 0
        while start < count:
            matches, reached = _join(
                start, looks[:count], query.beyond, query.origins, query.nearest, query.other_points,
                query.other_changes, base.few, base.starts, base.signs, base.more_signs, base.beyond, base.origins,
                base.nearest, base.shapes, base.bits, query_places, base_places, limits, sign_limits, buffer,
            )  # fmt: skip
            found.append(buffer[:matches].copy())
            if reached == start:
                buffer = np.empty(2 * len(buffer), np.uint64)
            start = reached
            most -= matches
            if most < 0:
                raise TooManyMatches
    return found
