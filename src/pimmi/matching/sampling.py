"""Two thumbnails on one grid, where a transform lays one image onto the other."""

import numpy as np
from numba import njit, uint64

GRID = 64
"""Samples along the longer side of an overlap of 4:3, more for a longer one, so that all have about as many.

Finer costs more, coarser can't tell frames from copies.
"""
LONGEST_GRID = 2 * GRID
WINDOW = 7
"""Samples along a side of the windows that are compared."""
LEVELS = 3
"""Sizes in which each thumbnail is sampled: whole, half and a quarter, so that a coarse grid skips no pixel."""


@njit(cache=True, nogil=True)
def sign_of(link):  # type: ignore[no-untyped-def]
    """-1.0 for a link of a negative, else 1.0."""
    return -1.0 if (int(link[2]) & 2) != 0 else 1.0


@njit(cache=True, nogil=True)
def levels_of(thumbnails, sizes):  # type: ignore[no-untyped-def]
    """`thumbnails` uint8 (n, pixels) of `sizes` int32 (n, 2), width and height, in LEVELS sizes."""
    half = _halved(thumbnails, sizes)
    return thumbnails, half, _halved(half, sizes // 2)


@njit(cache=True, nogil=True)
def _halved(thumbnails, sizes):  # type: ignore[no-untyped-def]
    """uint8 (n, pixels) at half the size, for `sizes` int32 (n, 2): each pixel the mean of four."""
    half = np.zeros((len(thumbnails), max(1, thumbnails.shape[1] // 4)), np.uint8)
    for k in range(len(thumbnails)):
        wide, high = sizes[k, 0] // 2, sizes[k, 1] // 2
        for i in range(high):
            for j in range(wide):
                total = np.int64(2)
                for p in range(2):
                    for q in range(2):
                        total += np.int64(thumbnails[k, (2 * i + p) * sizes[k, 0] + 2 * j + q])
                half[k, i * wide + j] = total // 4
    return half


@njit(cache=True, nogil=True, inline="always")
def blend(image, width, place, v, u):  # type: ignore[no-untyped-def]
    """The grey level between four pixels, `v` of a pixel below that at `place` and `u` right of it."""
    above = uint64(place)
    below = above + uint64(width)
    top = image[above] * (1 - u) + image[above + uint64(1)] * u
    bottom = image[below] * (1 - u) + image[below + uint64(1)] * u
    return top * (1 - v) + bottom * v


@njit(cache=True, nogil=True, inline="always")
def _within(place, last):  # type: ignore[no-untyped-def]
    """A coordinate (the centre of a pixel at .0), but no less than 0 and no more than `last`."""
    place = place if place > 0.0 else 0.0
    return place if place < last else last


@njit(cache=True, nogil=True)
def _sample_first(image, width, height, size, left, top, step, rows, columns, a):  # type: ignore[no-untyped-def]
    """Fill `a` with the first image on the grid; `image` has pixels of `size` thumbnail pixels."""
    share = 1.0 / size
    last_x, last_y = width - 1.001, height - 1.001
    across, right = np.empty(columns, np.int64), np.empty(columns)
    for j in range(columns):
        x = _within((left + j * step + 0.5) * share - 0.5, last_x)
        across[j] = int(x)
        right[j] = x - int(x)
    blended, held = np.empty((2, columns)), np.full(2, -1)
    for i in range(rows):
        y = _within((top + i * step + 0.5) * share - 0.5, last_y)
        row = int(y)
        for line in range(row, row + 2):
            if held[line % 2] != line:
                held[line % 2] = line
                start = line * width
                for j in range(columns):
                    at = uint64(start + across[j])
                    blended[line % 2, j] = image[at] * (1 - right[j]) + image[at + uint64(1)] * right[j]
        lower = y - row
        for j in range(columns):
            a[i, j] = blended[row % 2, j] * (1 - lower) + blended[(row + 1) % 2, j] * lower


@njit(cache=True, nogil=True, inline="always")
def _is_inside(u, v, wide, high):  # type: ignore[no-untyped-def]
    return u >= -0.5 and v >= -0.5 and u <= wide - 0.5 and v <= high - 0.5


@njit(cache=True, nogil=True)
def _sample_second(image, wide, high, size, start, across, down, rows, columns, b):  # type: ignore[no-untyped-def]
    """Fill `b` with the second image on the grid, -1 outside of it; returns how many places are inside.

    `start`, `across`, `down` are x and y, in thumbnail pixels, of the grid's first place, and from one to the next.
    """
    inside = 0
    places, lower, right = np.empty(columns, np.int64), np.empty(columns), np.empty(columns)
    width, height = wide // size, high // size
    share = 1.0 / size
    last_x, last_y = width - 1.001, height - 1.001
    for i in range(rows):
        left, top = start[0] + i * down[0], start[1] + i * down[1]
        first, stop = 0, columns
        while first < stop and not _is_inside(left + first * across[0], top + first * across[1], wide, high):
            b[i, first] = -1.0
            first += 1
        while stop > first and not _is_inside(
            left + (stop - 1) * across[0], top + (stop - 1) * across[1], wide, high
        ):
            stop -= 1
            b[i, stop] = -1.0
        inside += stop - first
        for j in range(first, stop):
            x = _within((left + j * across[0] + 0.5) * share - 0.5, last_x)
            y = _within((top + j * across[1] + 0.5) * share - 0.5, last_y)
            row, column = int(y), int(x)
            places[j], lower[j], right[j] = row * width + column, y - row, x - column
        for j in range(first, stop):
            b[i, j] = blend(image, width, places[j], lower[j], right[j])
    return inside


@njit(cache=True, nogil=True)
def _coarsest(wide, high):  # type: ignore[no-untyped-def]
    """From one sample to the next, in pixels, over an overlap of this size."""
    longest, shortest = max(wide, high), max(1e-6, min(wide, high))
    samples = min(1.0 * LONGEST_GRID, max(1.0 * GRID, GRID * np.sqrt(0.75 * longest / shortest)))
    return longest / (samples - 1)


@njit(cache=True, nogil=True)
def _level(step, width, height):  # type: ignore[no-untyped-def]
    """The coarsest level whose pixels are no larger than `step` pixels of the whole thumbnail."""
    level = 0
    while level + 1 < LEVELS and step >= 1.9 * 2**level and min(width, height) >> (level + 1) >= 2:
        level += 1
    return level


@njit(cache=True, nogil=True)
def _between_thumbnails(transform, across_a, down_a, across_b, down_b):  # type: ignore[no-untyped-def]
    """A transform between working images as one between thumbnails, whose sizes are those shares of theirs.

    In both, the centre of a pixel is at .0, so that the corner of an image is at -.5 and stays there.
    """
    a, b, x, c, d, y = transform
    xx, xy = a * across_b / across_a, b * across_b / down_a
    yx, yy = c * down_b / across_a, d * down_b / down_a
    tx = (x + 0.5 - (a + b) / 2) * across_b - 0.5 + (xx + xy) / 2
    ty = (y + 0.5 - (c + d) / 2) * down_b - 0.5 + (yx + yy) / 2
    return xx, xy, tx, yx, yy, ty


@njit(cache=True, nogil=True)
def lay_over(link, working_sizes, levels, sizes, a, b):  # type: ignore[no-untyped-def]
    """Fill `a` and `b`, float64 (LONGEST_GRID, LONGEST_GRID), with both images of a link over their overlap.

    `link` is a row of LINK_COLUMNS (`pimmi.matching.verify`); `working_sizes` float32 (n, 2) and `sizes` int32 (n, 2),
    width and height; `levels` as of `levels_of`. The grid is as fine as the coarser of the two images, and -1 in `b`
    outside the second. Returns its rows and columns, 0 where there is too little; how many places are inside both;
    its left and top and the pixels from one place to the next, in the first thumbnail; and the transform between the
    thumbnails.
    """
    transform = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    nothing = (0, 0, 0, 0.0, 0.0, 1.0, transform)
    first, second = int(link[0]), int(link[1])
    wide_a, high_a = sizes[first, 0], sizes[first, 1]
    wide_b, high_b = sizes[second, 0], sizes[second, 1]
    if min(wide_a, high_a, wide_b, high_b) < 2:
        return nothing
    transform = _between_thumbnails(
        link[6:12],
        wide_a / working_sizes[first, 0],
        high_a / working_sizes[first, 1],
        wide_b / working_sizes[second, 0],
        high_b / working_sizes[second, 1],
    )
    xx, xy, tx, yx, yy, ty = transform
    determinant = xx * yy - xy * yx
    if determinant == 0.0:
        return nothing
    # the box, in the first image, of the overlap
    left, right, top, bottom = 1e9, -1e9, 1e9, -1e9
    for corner in range(4):
        u = (wide_b - 1.0) * (corner % 2) - tx
        v = (high_b - 1.0) * (corner // 2) - ty
        x = (yy * u - xy * v) / determinant
        y = (xx * v - yx * u) / determinant
        left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
    left, top = max(left, 0.0), max(top, 0.0)
    right, bottom = min(right, wide_a - 1.0), min(bottom, high_a - 1.0)
    scale = np.sqrt(abs(determinant))
    step = max(1.0, 1.0 / scale, _coarsest(right - left, bottom - top))
    columns, rows = int((right - left) / step) + 1, int((bottom - top) / step) + 1
    if min(right - left, bottom - top) < 0 or min(columns, rows) < WINDOW:
        return nothing
    level_a = _level(step, wide_a, high_a)
    level_b = _level(step * scale, wide_b, high_b)
    _sample_first(
        levels[level_a][first],
        wide_a >> level_a,
        high_a >> level_a,
        1 << level_a,
        left,
        top,
        step,
        rows,
        columns,
        a,
    )
    inside = _sample_second(
        levels[level_b][second],
        wide_b,
        high_b,
        1 << level_b,
        (xx * left + xy * top + tx, yx * left + yy * top + ty),
        (xx * step, yx * step),
        (xy * step, yy * step),
        rows,
        columns,
        b,
    )
    return rows, columns, inside, left, top, step, transform
