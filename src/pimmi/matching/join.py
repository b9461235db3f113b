"""Which points of two blocks of images match: a range join of codes inside cells.

A match is one uint64, so that sorting the matches groups them by pair of images and by point:

    bits 50..63  image in the first block
    bits 36..49  image in the second block
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

IMAGE_BITS = 14
POINT_BITS = 13
MAX_BLOCK_IMAGES = 1 << IMAGE_BITS
MAX_IMAGE_POINTS = 1 << POINT_BITS
MATCHES_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Points of some images with the inverted lists over them.

    `offsets` int64 (images + 1,), the first point of each image; `image` int32 (n,), image of each point; `listed`
    int32 (n,), points sorted by cell; `listed_codes` uint64 (n, 4), their codes; `lists` int64 (cells + 1,), the first
    place of each cell in `listed`.
    """

    points: Points
    offsets: NDArray[np.int64]
    image: NDArray[np.int32]
    listed: NDArray[np.int32]
    listed_codes: NDArray[np.uint64]
    lists: NDArray[np.int64]


def make_block(points: Points, offsets: NDArray[np.int64]) -> Block:
    """A block of the images whose points are `offsets[i]` to `offsets[i + 1]`."""
    listed = np.argsort(points.cells, kind="stable").astype(np.int32)
    count = np.bincount(points.cells, minlength=CELLS)
    return Block(
        points=points,
        offsets=offsets,
        image=np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets)),
        listed=listed,
        listed_codes=points.codes[listed],
        lists=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
    )


def change_masks(codebook: Codebook) -> NDArray[np.uint64]:
    """Bits uint64 (4, 2) of the two words of signs that each change (0 to 3) flips."""
    masks = np.zeros((4, 2), np.uint64)
    for change in range(4):
        flipped = codebook.flips(np.array([change], np.uint8))[0] < 0
        masks[change] = np.packbits(flipped, bitorder="little").view(np.uint64)
    return masks


@njit("int64(uint64)", cache=True, nogil=True, inline="always")
def _ones(word: int) -> int:
    word = word - ((word >> uint64(1)) & uint64(0x5555555555555555))
    word = (word & uint64(0x3333333333333333)) + ((word >> uint64(2)) & uint64(0x3333333333333333))
    word = (word + (word >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    return (word * uint64(0x0101010101010101)) >> uint64(56)


@njit(cache=True, nogil=True)
def _join(  # type: ignore[no-untyped-def]
    start, form_points, form_changes, form_cells, codes, changes, image, offsets,
    listed, listed_codes, lists, base_changes, base_image, base_offsets,
    masks, sign_distance, code_distance, one_block, swapped, matches,
):  # fmt: skip
    """Fill `matches` from form `start` on; returns the number of matches and the form to go on with."""
    found = 0
    room = len(matches)
    for f in range(start, len(form_points)):
        point = form_points[f]
        change = form_changes[f]
        here = image[point]
        flipped_a, flipped_b = masks[change, 0], masks[change, 1]
        a = codes[point, 0] ^ flipped_a
        b = codes[point, 1] ^ flipped_b
        above, below = codes[point, 2], codes[point, 3]
        c = (above & ~flipped_a) | (~below & flipped_a)
        d = (below & ~flipped_a) | (~above & flipped_a)
        start_of_form = found
        for probe in range(form_cells.shape[1]):
            cell = form_cells[f, probe]
            for at in range(lists[cell], lists[cell + 1]):
                distance = _ones(a ^ listed_codes[at, 0]) + _ones(b ^ listed_codes[at, 1])
                if distance > sign_distance:
                    continue
                distance += _ones(c ^ listed_codes[at, 2]) + _ones(d ^ listed_codes[at, 3])
                if distance > code_distance:
                    continue
                other = listed[at]
                there = base_image[other]
                if one_block and here == there:
                    continue
                if found == room:
                    return start_of_form, f
                between = changes[point] ^ change ^ base_changes[other]
                first, second = here, there
                first_point = point - offsets[here]
                second_point = other - base_offsets[there]
                if swapped or (one_block and there < here):
                    first, second = there, here
                    first_point, second_point = second_point, first_point
                matches[found] = (
                    (uint64(first) << uint64(50))
                    | (uint64(second) << uint64(36))
                    | (uint64(first_point) << uint64(23))
                    | (uint64(second_point) << uint64(10))
                    | (uint64(between) << uint64(8))
                    | uint64(distance)
                )
                found += 1
    return found, len(form_points)


def _search(
    query: Block, base: Block, masks: NDArray[np.uint64], limits: tuple[int, int], *, one_block: bool, swapped: bool
) -> list[NDArray[np.uint64]]:
    found = []
    start = 0
    buffer = np.empty(MATCHES_AT_ONCE, np.uint64)
    while start < len(query.points.form_points):
        count, start = _join(
            start, query.points.form_points, query.points.form_changes, query.points.form_cells,
            query.points.codes, query.points.changes, query.image, query.offsets,
            base.listed, base.listed_codes, base.lists, base.points.changes, base.image, base.offsets,
            masks, limits[0], limits[1], one_block, swapped, buffer,
        )  # fmt: skip
        found.append(buffer[:count].copy())
    return found


def join(
    first: Block, second: Block | None, *, masks: NDArray[np.uint64], sign_distance: int, code_distance: int
) -> NDArray[np.uint64]:
    """The matches, sorted, between the images of two blocks, or (`second` None) among those of one block.

    `sign_distance` is the largest difference in the 128 signs, `code_distance` in the whole code of 256 bits.
    """
    limits = (sign_distance, code_distance)
    if second is None:
        found = _search(first, first, masks, limits, one_block=True, swapped=False)
    else:
        found = _search(first, second, masks, limits, one_block=False, swapped=False)
        found += _search(second, first, masks, limits, one_block=False, swapped=True)
    matches = np.concatenate(found) if found else np.zeros(0, np.uint64)
    matches.sort()
    return matches
