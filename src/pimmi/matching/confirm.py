"""Pixels have the last word: one image is laid onto the other and the two are compared place by place.

Points alone can't tell a copy from two pictures in one frame, since a frame's points surround the picture that differs.
"""

import numpy as np
from numba import njit, uint64

from pimmi.matching.blocks import PART_SIDE
from pimmi.matching.sampling import LONGEST_GRID, WINDOW, lay_over, sign_of

MIDDLE = (WINDOW - 1) / 2
STRIDE = 3
"""Samples from one window to the next."""
TEXTURE = 4.0
"""Standard deviation, in grey levels, from which a window shows something that can be compared."""
NOISE = 2.0
"""Standard deviation, in grey levels, that is added to each window, so that faint ones correlate less."""
AGREEING = 0.6
"""Correlation from which two windows agree."""
CONFLICTING = 0.3
"""Correlation below which two windows conflict."""
FLAT, AGREES, CONFLICTS, DOUBTFUL = 0, 1, 2, 3
PIXEL_COLUMNS = 11
"""agree, conflict, textured, compared (numbers of windows), mean correlation, overlap (pixels of the first), repeat,
misalignment, gain, broad correlation, broad agreement

`repeat`, `misalignment` and `gain` are left to `pimmi.matching.second_look`. `broad correlation` is that of the mean
grey levels of the windows, which say nothing of what is inside them: two motorcycles of one make can differ in them
alone. `broad agreement` is the same for the windows that agree.
"""
REPEAT, MISALIGNMENT, GAIN, BROAD_CORRELATION, BROAD_AGREEMENT = range(6, 11)
FEWEST_MEANS = 3
"""Windows below which their means say nothing."""
PART_COLUMNS = 4
"""agreeing part of the first and of the second image, other part of the first and of the second"""


@njit(cache=True, nogil=True)
def _cell(x, y, width, height):  # type: ignore[no-untyped-def]
    """The cell in which a place of an image lies; coordinates have the centre of a pixel at .0."""
    column = min(max(int(PART_SIDE * (x + 0.5) / width), 0), PART_SIDE - 1)
    row = min(max(int(PART_SIDE * (y + 0.5) / height), 0), PART_SIDE - 1)
    return row * PART_SIDE + column


@njit(cache=True, nogil=True, inline="always")
def _add_means(means, first, second):  # type: ignore[no-untyped-def]
    """Add the mean grey levels of two windows to `means`, float64 (6,): how many, their sums, and those of products."""
    means[0] += 1.0
    means[1] += first
    means[2] += second
    means[3] += first * first
    means[4] += second * second
    means[5] += first * second


@njit(cache=True, nogil=True)
def _correlation_of(means):  # type: ignore[no-untyped-def]
    """The correlation of the mean grey levels that were added, 0 of fewer than FEWEST_MEANS."""
    n, s, t, ss, tt, st = means
    if n < FEWEST_MEANS:
        return 0.0
    first, second = max(ss / n - (s / n) ** 2, 0.0), max(tt / n - (t / n) ** 2, 0.0)
    return (st / n - s * t / (n * n)) / np.sqrt((first + NOISE * NOISE) * (second + NOISE * NOISE))


@njit(cache=True, nogil=True)
def _correlate(a, b, rows, columns, sign, sums, verdicts, pixels):  # type: ignore[no-untyped-def]
    """Compare the windows of two grids: fill what a link's `pixels` say of textured and compared ones, and of means.

    `sums` float64 (5, LONGEST_GRID) is room for what the columns under a row of windows add up to. Fills `verdicts`
    int8 (LONGEST_GRID, LONGEST_GRID), by the top left place of each window: AGREES, CONFLICTS, DOUBTFUL or FLAT.
    """
    textured = compared = 0
    total = 0.0
    n = float(WINDOW * WINDOW)
    means, agreeing = np.zeros(6), np.zeros(6)
    for i in range(0, rows - WINDOW + 1, STRIDE):
        for j in range(columns):
            sums[0, j] = sums[1, j] = sums[2, j] = sums[3, j] = sums[4, j] = 0.0
        for p in range(i, i + WINDOW):
            for j in range(columns):
                s, t = a[p, j], b[p, j]
                sums[0, j] += s
                sums[1, j] += t
                sums[2, j] += s * s
                sums[3, j] += t * t
                sums[4, j] += s * t
        for j in range(0, columns - WINDOW + 1, STRIDE):
            verdicts[i, j] = FLAT
            if (
                b[i, j] < 0
                or b[i, j + WINDOW - 1] < 0
                or b[i + WINDOW - 1, j] < 0
                or b[i + WINDOW - 1, j + WINDOW - 1] < 0
            ):
                continue
            sa = sb = saa = sbb = sab = 0.0
            for q in range(j, j + WINDOW):
                sa += sums[0, q]
                sb += sums[1, q]
                saa += sums[2, q]
                sbb += sums[3, q]
                sab += sums[4, q]
            compared += 1
            va = max(saa / n - (sa / n) ** 2, 0.0)
            vb = max(sbb / n - (sb / n) ** 2, 0.0)
            _add_means(means, sa / n, sign * sb / n)
            if max(va, vb) < TEXTURE * TEXTURE:
                continue
            textured += 1
            covariance = sign * (sab / n - sa * sb / (n * n))
            correlation = covariance / np.sqrt((va + NOISE * NOISE) * (vb + NOISE * NOISE))
            total += correlation
            if correlation >= AGREEING:
                verdicts[i, j] = AGREES
                _add_means(agreeing, sa / n, sign * sb / n)
            else:
                verdicts[i, j] = CONFLICTS if correlation < CONFLICTING else DOUBTFUL
    pixels[2] = textured
    pixels[3] = compared
    pixels[4] = total / max(textured, 1)
    pixels[BROAD_CORRELATION] = _correlation_of(means)
    pixels[BROAD_AGREEMENT] = _correlation_of(agreeing)


@njit(cache=True, nogil=True)
def confirm(links, working_sizes, levels, sizes, pixels, parts):  # type: ignore[no-untyped-def]
    """Fill `pixels` float64 (m, PIXEL_COLUMNS) and `parts` uint64 (m, PART_COLUMNS) for m links.

    `links` float64 (m, LINK_COLUMNS) as of `pimmi.matching.verify`; `working_sizes` float32 (n, 2) and `sizes`
    int32 (n, 2), of the thumbnails, width and height; `levels` as of `pimmi.matching.sampling.levels_of`.
    Both images are sampled on one grid over their overlap, and normalised correlation is taken in windows of it; for
    a negative, with its sign turned.
    """
    a = np.empty((LONGEST_GRID, LONGEST_GRID))
    b = np.empty((LONGEST_GRID, LONGEST_GRID))
    sums = np.empty((5, LONGEST_GRID))
    tally = np.empty((2, 2, PART_SIDE * PART_SIDE), np.int64)
    verdicts = np.empty((LONGEST_GRID, LONGEST_GRID), np.int8)
    for row in range(len(links)):
        pixels[row, :] = 0.0
        parts[row, :] = 0
        rows, columns, inside, left, top, step, transform = lay_over(
            links[row], working_sizes, levels, sizes, a, b
        )
        if rows == 0:
            continue
        xx, xy, tx, yx, yy, ty = transform
        wide_a, high_a = sizes[int(links[row, 0])]
        wide_b, high_b = sizes[int(links[row, 1])]
        sign = sign_of(links[row])
        _correlate(a, b, rows, columns, sign, sums, verdicts, pixels[row])
        tally[:] = 0
        for i in range(0, rows - WINDOW + 1, STRIDE):
            for j in range(0, columns - WINDOW + 1, STRIDE):
                if verdicts[i, j] == FLAT:
                    continue
                x, y = left + (j + MIDDLE) * step, top + (i + MIDDLE) * step
                u, v = xx * x + xy * y + tx, yx * x + yy * y + ty
                pixels[row, 0] += verdicts[i, j] == AGREES
                pixels[row, 1] += verdicts[i, j] == CONFLICTS
                column = 0 if verdicts[i, j] == AGREES else 1
                tally[column, 0, _cell(x, y, wide_a, high_a)] += 1
                tally[column, 1, _cell(u, v, wide_b, high_b)] += 1
        for image in range(2):
            for cell in range(PART_SIDE * PART_SIDE):
                agreeing, others = tally[0, image, cell], tally[1, image, cell]
                if agreeing + others > 0:
                    column = 0 if agreeing > others else 2
                    parts[row, column + image] |= uint64(1) << uint64(cell)
        pixels[row, 5] = inside * step * step
