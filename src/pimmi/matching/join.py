"""Which points of which images match: a range join of codes inside cells.

A match is one uint64:

    bits 50..63  place of the first image, the one with the smaller id
    bits 36..49  place of the second image
    bits 23..35  point in the first image
    bits 10..22  point in the second image
    bits  8..9   change between the two points (MIRRORED, INVERTED)
    bits  0..7   Hamming distance of the two codes

It depends on the two images alone: two points match when the nearest cell of one is among the cells in which a form of
the other looks, and their codes differ in few bits: in fewer where the cell is crowded.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, uint32, uint64
from numpy.typing import NDArray

from pimmi.index.cells import shapes
from pimmi.index.codebook import Codebook
from pimmi.index.points import FORMS_OF_DOUBT, OTHER, OTHER_DEPTH, POSITION_UNIT, Points
from pimmi.matching.lanes import LANES, near_lanes

MAX_IMAGES = 1 << 14
MATCHES_AT_ONCE = 1 << 20
FIRST_SHIFT = 50
SECOND_SHIFT = 36
AHEAD = 64
"""Forms whose lists are touched before any is compared: so the processor waits for the memory once for all."""
CROWDED = 30
"""Limit of a cell, in bits, up to which only forms look in it whose nearest cell it is: these lists are the longest by
far, and points of so near codes nearly always have the same nearest cell."""
FEW_POINTS = 100
"""Points up to which an image, flat or blurred, has few."""
MOST_OF_FORM = 4
"""Matches of a form with an image that are kept, the nearest: letters and patterns would else have very many."""
ORIGIN_ROW, ORIGIN_NUMBER, ORIGIN_CHANGE = 19, 6, 4
"""Lowest bits of the image's row (13), the point's number (13) and its change (2) in an origin; then its shape."""
MAX_POINTS = 1 << 13


class TooManyMatches(Exception):
    """Two blocks of images have more matches than are wanted in memory."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The inverted lists over the points of some images; n points, f further forms.

    `few` bool (images,) says whether an image has FEW_POINTS or fewer; `starts` int32 (cells + 2,) is where the list of
    each cell starts. In the order of the lists: `signs`,
    `more_signs` uint64 (n + LANES,), `beyond` uint64 (n,), the words of the codes; `origins` uint32
    (n,), the image's row, the point's number, its change and its shape; `nearest` uint64 (n,), its nearest centroids.
    Of the further forms, sorted by nearest cell: `other_points` int32 (f,), the point's place in the lists;
    `other_changes` uint8 (f,); `other_nearest` uint64 (f,). `shapes` int64 (s, depth) and `bits` are the
    codebook's.
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


@njit("int64(uint64)", cache=True, nogil=True, inline="always")
def ones(word):  # type: ignore[no-untyped-def]
    """The number of bits set in a uint64."""
    word = word - ((word >> uint64(1)) & uint64(0x5555555555555555))
    word = (word & uint64(0x3333333333333333)) + ((word >> uint64(2)) & uint64(0x3333333333333333))
    word = (word + (word >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    return (word * uint64(0x0101010101010101)) >> uint64(56)


@njit(cache=True, nogil=True, inline="always")
def word_at(record, start, length):  # type: ignore[no-untyped-def]
    """The number that `length` bytes from `start` on are, lowest first."""
    word = uint64(0)
    for k in range(length):
        word |= uint64(record[start + k]) << uint64(8 * k)
    return word


@njit(cache=True, nogil=True, inline="always")
def centroid(nearest, place, bits):  # type: ignore[no-untyped-def]
    """The number of the centroid at a place among nearest ones, of that many bits each."""
    return np.int64((nearest >> uint64(bits * place)) & ((uint64(1) << uint64(bits)) - uint64(1)))


@njit(cache=True, nogil=True, inline="always")
def nearest_cell(nearest, bits, depth):  # type: ignore[no-untyped-def]
    """The cell of the first of `depth` nearest centroids of either half."""
    return (centroid(nearest, 0, bits) << bits) + centroid(nearest, depth, bits)


@njit(cache=True, nogil=True, inline="always")
def doubt_of(record):  # type: ignore[no-untyped-def]
    """The changes of a point that are in doubt, as bits."""
    return np.int64((word_at(record, 0, 6) >> uint64(43)) & uint64(3))


@njit(cache=True, nogil=True)
def _fill(  # type: ignore[no-untyped-def]
    records, others, offsets, bits, depth, forms_of_doubt,
    starts, signs, more_signs, beyond, origins, nearest, other_points, other_changes, other_nearest,
):  # fmt: skip
    """Sort points into the lists of their nearest cells, and further forms by theirs, by counting."""
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
    order = _by_nearest_cell(others, bits)
    ranks = np.empty(len(others), np.int32)
    for rank in range(len(others)):
        ranks[order[rank]] = rank
    form = 0
    for point in range(len(records)):
        doubt = doubt_of(records[point])
        for k in range(forms_of_doubt[doubt]):
            at = ranks[form]
            other_points[at] = places[point]
            other_changes[at] = k + 1 if doubt == 3 else doubt
            other_nearest[at] = word_at(others[form], 0, OTHER)
            form += 1


@njit(cache=True, nogil=True)
def _by_nearest_cell(others, bits):  # type: ignore[no-untyped-def]
    """The further forms int32 (f,) sorted by nearest cell: by its second centroid, then, stably, by its first."""
    order = np.arange(len(others)).astype(np.int32)
    for place in (OTHER_DEPTH, 0):
        starts = np.zeros((1 << bits) + 1, np.int32)
        numbers = np.empty(len(others), np.int32)
        for form in range(len(others)):
            numbers[form] = centroid(word_at(others[form], 0, OTHER), place, bits)
            starts[numbers[form] + 1] += np.int32(1)
        for number in range(1, len(starts)):
            starts[number] += starts[number - 1]
        before, order = order, np.empty(len(others), np.int32)
        for k in range(len(before)):
            at = starts[numbers[before[k]]]
            starts[numbers[before[k]]] += np.int32(1)
            order[at] = before[k]
    return order


@njit(cache=True, nogil=True, inline="always")
def _holds(nearest, lengths, bits, depth, crowded, first, second):  # type: ignore[no-untyped-def]
    """Whether a plain form looks in the cell of two centroids."""
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
def _join(  # type: ignore[no-untyped-def]
    start, end, q_few, q_signs, q_more, q_beyond, q_origins, q_nearest, other_points, other_changes, other_nearest,
    few, starts, signs, more_signs, beyond, origins, nearest, shape_lengths, bits,
    q_places, places, masks, limits, sign_limits, matches,
):  # fmt: skip
    """Fill `matches` from the `start`-th form on, plain ones first; returns how many and the form to go on with.

    A match that the plain forms of both points find is left to the one whose image comes first. So in its own cell such
    a form, unless its image has few points and finds more, need look only at the images that come after.
    """
    depth = shape_lengths.shape[1]
    square = np.full(depth, OTHER_DEPTH, np.int64)
    firsts = np.empty((AHEAD, depth * depth + 1), np.int32)
    stops = np.empty((AHEAD, depth * depth + 1), np.int32)
    farthest = np.empty((AHEAD, depth * depth + 1), np.int64)
    counts = np.empty(AHEAD, np.int64)
    holder, number_held = np.full(len(places), -1), np.zeros(len(places), np.int64)
    held = np.empty((len(places), MOST_OF_FORM), np.int64)
    touched = uint64(0)
    found = 0
    for form in range(start, end):
        if (form - start) % AHEAD == 0:
            for ahead in range(min(AHEAD, end - form)):
                plain = form + ahead < len(q_nearest)
                other = form + ahead - len(q_nearest)
                point = form + ahead if plain else np.int64(other_points[other])
                near = q_nearest[point] if plain else other_nearest[other]
                lengths = shape_lengths[q_origins[point] & uint32(15)] if plain else square
                across = depth if plain else OTHER_DEPTH
                row_here = q_origins[point] >> uint32(ORIGIN_ROW)
                limits_here = limits[np.int64(q_few[row_here])]
                count = 0
                for r in range(across):
                    first = centroid(near, r, bits) << bits
                    for s in range(lengths[r]):
                        cell = first + centroid(near, across + s, bits)
                        firsts[ahead, count], stops[ahead, count] = starts[cell], starts[cell + 1]
                        farthest[ahead, count] = limits_here[cell]
                        looks = farthest[ahead, count] > CROWDED or r + s == 0
                        long = stops[ahead, count] - firsts[ahead, count] > LANES
                        if plain and r + s == 0 and long and not q_few[row_here]:
                            firsts[ahead, count] = _first_behind(
                                q_places[row_here], origins, places, firsts[ahead, count], stops[ahead, count]
                            )
                        count += looks and firsts[ahead, count] < stops[ahead, count]
                counts[ahead] = count
            for ahead in range(min(AHEAD, end - form)):
                for k in range(counts[ahead]):
                    touched += signs[firsts[ahead, k]] ^ more_signs[firsts[ahead, k]]
        ahead = (form - start) % AHEAD
        plain = form < len(q_nearest)
        point = form if plain else np.int64(other_points[form - len(q_nearest)])
        change = 0 if plain else np.int64(other_changes[form - len(q_nearest)])
        near = q_nearest[point] if plain else other_nearest[form - len(q_nearest)]
        origin = uint64(q_origins[point])
        here = q_places[origin >> uint64(ORIGIN_ROW)]
        wide = q_signs[point] ^ masks[change, 0]
        rest = q_more[point] ^ masks[change, 1]
        outer = q_beyond[point]
        high, low = wide & outer, wide | ~outer
        own_cell = nearest_cell(near, bits, depth) if plain else 0
        found_before = found
        for probe in range(counts[ahead]):
            stop, limit = np.int64(stops[ahead, probe]), farthest[ahead, probe]
            sign_limit = sign_limits[limit]
            for strip in range(np.int64(firsts[ahead, probe]), stop, LANES):
                near_ones = near_lanes(signs, more_signs, strip, wide, rest, sign_limit)
                while near_ones != 0:
                    at = strip + ones((near_ones & (~near_ones + uint64(1))) - uint64(1))
                    near_ones &= near_ones - uint64(1)
                    if at >= stop:
                        break
                    theirs, far = signs[at], beyond[at]
                    apart = ones(wide ^ theirs) + ones(rest ^ more_signs[at])
                    distance = apart + ones(high ^ (theirs & far)) + ones(low ^ (theirs | ~far))
                    if distance > limit:
                        continue
                    source = uint64(origins[at])
                    there = places[source >> uint64(ORIGIN_ROW)]
                    if here == there:
                        continue
                    row = source >> uint64(ORIGIN_ROW)
                    their_limit = np.int64(limits[np.int64(few[row]), own_cell])
                    if (
                        plain
                        and there < here
                        and distance <= their_limit
                        and apart <= sign_limits[their_limit]
                        and _holds(
                            nearest[at], shape_lengths[source & uint64(15)], bits, depth, their_limit <= CROWDED,
                            centroid(near, 0, bits), centroid(near, depth, bits),
                        )
                    ):  # fmt: skip
                        continue
                    place = found
                    if holder[row] != form:
                        holder[row], number_held[row] = form, 0
                    if number_held[row] == MOST_OF_FORM:
                        worst = 0
                        for k in range(1, MOST_OF_FORM):
                            if matches[held[row, k]] & uint64(255) >= matches[held[row, worst]] & uint64(255):
                                worst = k
                        place = held[row, worst]
                        if distance >= np.int64(matches[place] & uint64(255)):
                            continue
                    elif found == len(matches):
                        return found_before, form, touched
                    one, other = uint64(here), uint64(there)
                    one_point = (origin >> uint64(ORIGIN_NUMBER)) & uint64(MAX_POINTS - 1)
                    other_point = (source >> uint64(ORIGIN_NUMBER)) & uint64(MAX_POINTS - 1)
                    if there < here:
                        one, other = other, one
                        one_point, other_point = other_point, one_point
                    between = ((origin ^ source) >> uint64(ORIGIN_CHANGE)) & uint64(3)
                    matches[place] = (
                        (one << uint64(50))
                        | (other << uint64(36))
                        | (one_point << uint64(23))
                        | (other_point << uint64(10))
                        | ((between ^ uint64(change)) << uint64(8))
                        | uint64(distance)
                    )
                    if place == found:
                        held[row, number_held[row]] = found
                        number_held[row] += 1
                        found += 1
    return found, end, touched


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
    found = []
    start, end = 0, len(query) + len(query.other_points)
    buffer = np.empty(MATCHES_AT_ONCE, np.uint64)
    while start < end:
        count, reached, _ = _join(
            start, end, query.few, query.signs, query.more_signs, query.beyond, query.origins, query.nearest,
            query.other_points, query.other_changes, query.other_nearest,
            base.few, base.starts, base.signs, base.more_signs, base.beyond, base.origins, base.nearest,
            base.shapes, base.bits, query_places, base_places, masks, limits, sign_limits, buffer,
        )  # fmt: skip
        if reached == start:
            buffer = np.empty(2 * len(buffer), np.uint64)
        start = reached
        found.append(buffer[:count].copy())
        most -= count
        if most < 0:
            raise TooManyMatches
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
