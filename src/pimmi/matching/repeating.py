"""Whether what two images share would fit elsewhere as well: pixels of a pattern that repeats don't tell the place.

One grid is shifted over the other, by more than its detail is wide, and correlated again. A picture correlates with its
copy at one place alone; bricks do at each brick, stripes all along (the aperture problem).
"""

import numpy as np
from numba import njit

WINDOW = 7
"""Samples along a side of the window whose mean and deviation each sample is freed from: what is larger than it, such
as light and shade, has no place to tell."""
HALF = WINDOW // 2
FAINT = 4.0
"""Standard deviation, in grey levels, that is added to each window, so that noise counts for little."""
NEAREST = 8
"""Samples by which a grid is shifted at least: what is left of the detail is narrower than the window."""
SHARED = 0.3
"""Share of the detail that must still lie over the other grid."""
EVERY = 3
"""One row of so many is correlated in the search for the best other place."""
JUDGED = 8
"""Places, the best that the search finds, that are judged on all rows: noise would else choose one of them."""
LEAST = 0.05
"""Correlation in place below which nothing is to be said."""


@njit(cache=True, nogil=True)
def _detail(grid, mask, rows, columns, detail):  # type: ignore[no-untyped-def]
    """Fill `detail` float32 with the grid freed from the mean and deviation around each place, 0 outside `mask`."""
    sums = np.empty((2, columns))
    n = float(WINDOW * WINDOW)
    for i in range(rows - WINDOW + 1):
        for j in range(columns):
            total = squares = 0.0
            for p in range(i, i + WINDOW):
                total += grid[p, j]
                squares += grid[p, j] * grid[p, j]
            sums[0, j], sums[1, j] = total, squares
        for j in range(columns - WINDOW + 1):
            detail[i, j] = 0.0
            if mask[i, j] == 0.0:
                continue
            total = squares = 0.0
            for q in range(j, j + WINDOW):
                total += sums[0, q]
                squares += sums[1, q]
            mean = total / n
            variance = max(squares / n - mean * mean, 0.0)
            detail[i, j] = (grid[i + HALF, j + HALF] - mean) / np.sqrt(variance + FAINT * FAINT)


@njit(cache=True, nogil=True, fastmath=True)
def _product(one, other):  # type: ignore[no-untyped-def]
    """The sum of the products of two rows of numbers, float32 (n,)."""
    total = np.float32(0.0)
    for k in range(len(one)):
        total += one[k] * other[k]
    return total


@njit(cache=True, nogil=True)
def _laid_out(grid, start, margin):  # type: ignore[no-untyped-def]
    """One row of EVERY, from `start` on, of a grid float32 (rows, columns), one behind the other in float32 (m,).

    Behind each are as many zeros as it is long, and `margin` before the first and behind the last: so two such are
    shifted by rows and columns when one is shifted as a whole.
    """
    rows, columns = grid.shape
    laid = np.zeros(2 * margin + 2 * columns * (-(-rows // EVERY)), np.float32)
    for row in range(start, rows, EVERY):
        at = margin + 2 * columns * (row // EVERY)
        laid[at : at + columns] = grid[row]
    return laid


@njit(cache=True, nogil=True, fastmath=True)
def _common(first, second, mask, down, across, every):  # type: ignore[no-untyped-def]
    """The detail that two grids have in common when the second is shifted: what their products add up to at most.

    One row of `every` is looked at. Grids float32 (rows, columns); `mask` is 1 where both hold something when nothing
    is shifted, else 0.
    """
    rows, columns = first.shape
    left, right = max(0, -across), columns - max(0, across)
    ones = others = np.float32(0.0)
    for i in range(0, rows - down, every):
        a, over_a = first[i, left:right], mask[i, left:right]
        b = second[i + down, left + across : right + across]
        over_b = mask[i + down, left + across : right + across]
        for j in range(len(a)):
            ones += a[j] * a[j] * over_b[j]
            others += b[j] * b[j] * over_a[j]
    return np.sqrt(ones * others)


@njit(cache=True, nogil=True)
def _correlation(first, second, mask, down, across):  # type: ignore[no-untyped-def]
    """That of the first grid with the second shifted by some rows and columns."""
    rows, columns = first.shape
    left, right = max(0, -across), columns - max(0, across)
    both = np.float32(0.0)
    for i in range(rows - down):
        both += _product(first[i, left:right], second[i + down, left + across : right + across])
    return both / max(_common(first, second, mask, down, across, 1), np.float32(1e-6))


@njit(cache=True, nogil=True)
def repeat(a, b, rows, columns, sign):  # type: ignore[no-untyped-def]
    """How well the best other place fits, as a share of how well this one does; 0 where nothing can be compared.

    `a` and `b` float64, of which `rows` and `columns` are in use, are the grids of two images where a transform lays
    one onto the other, as of `pimmi.matching.confirm`; `b` is -1 outside the second image. `sign` is -1.0 for a
    negative, else 1.0.
    """
    high, wide = rows - WINDOW + 1, columns - WINDOW + 1
    if min(high, wide) < 1:
        return 0.0
    mask = np.zeros((high, wide), np.float32)
    for i in range(high):
        for j in range(wide):
            corners = min(
                b[i, j], b[i, j + WINDOW - 1], b[i + WINDOW - 1, j], b[i + WINDOW - 1, j + WINDOW - 1]
            )
            mask[i, j] = 1.0 if corners >= 0.0 else 0.0
    first, second = np.empty((high, wide), np.float32), np.empty((high, wide), np.float32)
    _detail(a, mask, rows, columns, first)
    _detail(b, mask, rows, columns, second)
    least = max(SHARED * _common(first, second, mask, 0, 0, EVERY), 1e-6)
    laid = _laid_out(first, 0, 0)
    others = np.empty((EVERY, len(laid) + 2 * wide), np.float32)
    for start in range(EVERY):
        others[start] = _laid_out(second, start, wide)
    shifts = np.zeros((JUDGED, 2), np.int64)
    fits = np.zeros(JUDGED)
    worst = np.argmin(fits)
    for down in range(high):
        for across in range(-wide + 1, wide):
            if (high - down) * (wide - abs(across)) < SHARED * high * wide / 2:
                continue
            if down * down + across * across < NEAREST * NEAREST:
                continue
            start = wide + 2 * wide * (down // EVERY) + across
            length = len(laid) - 2 * wide * (down // EVERY)
            product = sign * _product(laid[:length], others[down % EVERY][start : start + length])
            if product <= fits[worst] * least:
                continue
            common = _common(first, second, mask, down, across, EVERY)
            if common >= least and product > fits[worst] * common:
                fits[worst] = product / common
                shifts[worst, 0], shifts[worst, 1] = down, across
                worst = np.argmin(fits)
    best = 0.0
    for k in range(JUDGED):
        if fits[k] > 0.0:
            there = _correlation(first, second, mask, shifts[k, 0], shifts[k, 1])
            best = max(best, sign * there)
    if best == 0.0:
        return 0.0
    return best / max(sign * _correlation(first, second, mask, 0, 0), LEAST)
