"""Near-exact copies: images that were only saved anew, resized or slightly blurred.

Thousands of them would make millions of links that say the same. So they are found first, without keypoints, by their
signatures, and each pair is confirmed on the pixels, place by place: a picture with another caption is not near-exact.
An image that has `STANDING` smaller near-exact copies (by id) needn't be matched: they stand for it. This depends on
the images alone, and more images never make one stand that didn't, so links that were found stay valid.
"""

import numpy as np
from numba import njit, uint64

from pimmi.matching.blocks import LOOKED_AT
from pimmi.matching.lanes import LANES, near_lanes
from pimmi.matching.packed import ones

SIGNATURE_BITS = 16
"""Bits of 128 in which the signatures of near-exact copies differ at most."""
ASPECT = 0.03
"""Share by which their proportions differ at most."""
GRID = 64
"""Samples along the longer side of the grid on which thumbnails are compared."""
WINDOW = 8
"""Samples along a side of the windows that are compared."""
HALF = WINDOW // 2
QUIET = 6.0
"""Root mean square of the difference of two windows, in grey levels, that is noise whatever they show."""
LOUD = 30.0
"""Difference of two samples, in grey levels, from which on their windows differ whatever they show."""
ALIKE = 0.92
"""Correlation from which on two windows in between show the same."""
SHIFT = 3.0
"""Pixels of the working image by which a keypoint may lie elsewhere in the copy."""


@njit(cache=True, nogil=True)
def _sampled(thumbnail, width, height, rows, columns, sampled):  # type: ignore[no-untyped-def]
    """Fill `sampled` float32 (rows, columns) with the means over equal parts, which share the pixels on their edges."""
    down, across = height / rows, width / columns
    for i in range(rows):
        top, bottom = i * down, (i + 1) * down
        last = min(height, int(np.ceil(bottom)))
        for j in range(columns):
            left, right = j * across, (j + 1) * across
            stop = min(width, int(np.ceil(right)))
            total = 0.0
            for y in range(int(top), last):
                line = 0.0
                for x in range(int(left), stop):
                    line += thumbnail[y * width + x] * (min(x + 1, right) - max(x, left))
                total += line * (min(y + 1, bottom) - max(y, top))
            sampled[i, j] = total / (down * across)


@njit(cache=True, nogil=True, inline="always")
def _same_window(sa, sb, saa, sbb, sab):  # type: ignore[no-untyped-def]
    """Whether two windows show the same, by the sums of their samples, of the squares and of the products."""
    n = float(WINDOW * WINDOW)
    if saa - 2 * sab + sbb <= QUIET * QUIET * n:
        return True
    va, vb = saa - sa * sa / n, sbb - sb * sb / n
    covariance = sab - sa * sb / n
    return covariance > 0 and covariance * covariance >= ALIKE * ALIKE * va * vb


@njit(cache=True, nogil=True)
def _same_pixels(a, b, rows, columns, lines, blocks):  # type: ignore[no-untyped-def]
    """Whether all windows of two grids show the same; each overlaps the next by half.

    `lines` float64 (5, GRID + 1) and `blocks` float64 (2, 5, GRID // HALF + 1) are room: what the columns, and the
    quarters of windows, of one row of those and of the one above it add up to.
    """
    across = columns // HALF
    for down in range(rows // HALF):
        lines[:] = 0.0
        loud = np.int64(0)
        for p in range(down * HALF, (down + 1) * HALF):
            for q in range(across * HALF):
                s, t = a[p, q], b[p, q]
                lines[0, q] += s
                lines[1, q] += t
                lines[2, q] += s * s
                lines[3, q] += t * t
                lines[4, q] += s * t
                loud |= np.int64(abs(s - t) >= LOUD)
        if loud:
            return False
        own, above = blocks[down % 2], blocks[(down + 1) % 2]
        for k in range(5):
            for j in range(across):
                total = 0.0
                for q in range(j * HALF, (j + 1) * HALF):
                    total += lines[k, q]
                own[k, j] = total
        if down == 0:
            continue
        for j in range(across - 1):
            if not _same_window(
                own[0, j] + own[0, j + 1] + above[0, j] + above[0, j + 1],
                own[1, j] + own[1, j + 1] + above[1, j] + above[1, j + 1],
                own[2, j] + own[2, j + 1] + above[2, j] + above[2, j + 1],
                own[3, j] + own[3, j + 1] + above[3, j] + above[3, j + 1],
                own[4, j] + own[4, j + 1] + above[4, j] + above[4, j + 1],
            ):
                return False
    return True


@njit(cache=True, nogil=True)
def near_pairs(  # type: ignore[no-untyped-def]
    signatures, places, thumbnails, starts, sizes, other_signatures, other_places, other_thumbnails, other_starts,
    other_sizes, known_starts, known, pairs,
):  # fmt: skip
    """For each image of a block the near-exact copies of smaller place in another block, as far as they and those that
    are known are its LOOKED_AT smallest.

    signatures uint64 (n, 2); places int32 (n,), rising, as in `join`; thumbnails uint8 (t,), from `starts` int64
    (n + 1,) on; sizes int32 (n, 2), width and height; and so for the other block. known int32, from known_starts
    int64 (n + 1,) on: for each copy that is known, how many rows of the other block are smaller, rising for each
    image. Fills rows of `pairs` int64 (n * LOOKED_AT, 2), the rows of the other image and of the one, and returns
    their number.
    """
    side = GRID + 1
    own = np.empty((side, side), np.float32)
    others = np.empty((len(other_places), side, side), np.float32)
    others_sampled = np.zeros((len(other_places), 2), np.int64)
    lines, blocks = np.empty((5, side)), np.empty((2, 5, side // HALF))
    other_first, other_second = np.zeros((2, len(other_places) + LANES), np.uint64)
    other_first[: len(other_places)] = other_signatures[:, 0]
    other_second[: len(other_places)] = other_signatures[:, 1]
    found = 0
    for image in range(len(places)):
        width, height = sizes[image, 0], sizes[image, 1]
        shrink = min(1.0, GRID / max(width, height))
        columns, rows = max(1, round(width * shrink)), max(1, round(height * shrink))
        sampled = False
        first, second = signatures[image, 0], signatures[image, 1]
        end = np.searchsorted(other_places, places[image])
        count = 0
        next_known = known_starts[image]
        for strip in range(0, end, LANES):
            near_ones = near_lanes(other_first, other_second, strip, first, second, SIGNATURE_BITS)
            while near_ones != 0 and count < LOOKED_AT:
                row = strip + ones((near_ones & (~near_ones + uint64(1))) - uint64(1))
                near_ones &= near_ones - uint64(1)
                if row >= end:
                    break
                while next_known < known_starts[image + 1] and known[next_known] <= row:
                    next_known += 1
                    count += 1
                if count >= LOOKED_AT:
                    break
                wide, high = other_sizes[row, 0], other_sizes[row, 1]
                if abs(wide * height - high * width) > ASPECT * high * width or min(rows, columns) < WINDOW:
                    continue
                if not sampled:
                    _sampled(thumbnails[starts[image] : starts[image + 1]], width, height, rows, columns, own)
                    sampled = True
                pixels = other_thumbnails[other_starts[row] : other_starts[row + 1]]
                if others_sampled[row, 0] != rows or others_sampled[row, 1] != columns:
                    _sampled(pixels, wide, high, rows, columns, others[row])
                    others_sampled[row] = rows, columns
                if _same_pixels(own, others[row], rows, columns, lines, blocks):
                    pairs[found, 0], pairs[found, 1] = row, image
                    found += 1
                    count += 1
            if count >= LOOKED_AT:
                break
    return found


@njit(cache=True, nogil=True)
def aligned_matches(  # type: ignore[no-untyped-def]
    pairs, offsets, sizes, xs, ys, changes, codes, sign_distance, code_distance
):  # fmt: skip
    """The matches, as in `join`, of points that lie at the same place of two images; pairs int64 (m, 2), their places.

    The other arrays are as in `verify`.
    """
    matches = np.empty(1 << 16, np.uint64)
    found = 0
    for m in range(len(pairs)):
        first, second = pairs[m, 0], pairs[m, 1]
        across, down = sizes[second, 0] / sizes[first, 0], sizes[second, 1] / sizes[first, 1]
        reach = SHIFT * max(1.0, across, down)
        start = offsets[second]
        for i in range(offsets[first], offsets[first + 1]):
            x, y = (xs[i] + 0.5) * across - 0.5, (ys[i] + 0.5) * down - 0.5
            while start < offsets[second + 1] and ys[start] < y - reach:
                start += 1
            for j in range(start, offsets[second + 1]):
                if ys[j] > y + reach:
                    break
                if abs(xs[j] - x) > reach or changes[i] != changes[j]:
                    continue
                distance = ones(codes[i, 0] ^ codes[j, 0]) + ones(codes[i, 1] ^ codes[j, 1])
                if distance > sign_distance:
                    continue
                distance += ones(codes[i, 2] ^ codes[j, 2]) + ones(codes[i, 3] ^ codes[j, 3])
                if distance > code_distance:
                    continue
                if found == len(matches):
                    grown = np.empty(2 * found, np.uint64)
                    grown[:found] = matches
                    matches = grown
                matches[found] = (
                    (uint64(first) << uint64(50))
                    | (uint64(second) << uint64(36))
                    | (uint64(i - offsets[first]) << uint64(23))
                    | (uint64(j - offsets[second]) << uint64(10))
                    | uint64(distance)
                )
                found += 1
    return matches[:found]
