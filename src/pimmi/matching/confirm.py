"""Pixels have the last word: one image is laid onto the other and the two are compared place by place.

Points alone can't tell a copy from two pictures in one frame, since a frame's points surround the picture that differs.
"""

import numpy as np
from numba import njit, uint64

from pimmi.matching.blocks import PART_SIDE
from pimmi.matching.repeating import repeat

GRID = 64
"""Samples along the longer side of an overlap of 4:3, more for a longer one, so that all have about as many.

Finer costs more, coarser can't tell frames from copies.
"""
LONGEST_GRID = 2 * GRID
WINDOW = 7
"""Samples along a side of the windows that are correlated."""
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
LEVELS = 3
"""Sizes in which each thumbnail is sampled: whole, half and a quarter, so that a coarse grid skips no pixel."""

PIXEL_COLUMNS = 7
"""agree, conflict, textured, compared (numbers of windows), mean correlation, overlap (pixels of the first), repeat

`repeat` is how well the best other place fits, as a share of how well this one does (`pimmi.matching.repeating`): near
1 in patterns that repeat, along stripes, and wherever else pixels can't tell the place. It is 0 where nobody asks:
where points speak for one place (RIVAL) and pixels for this one (CERTAIN), or pixels against it (PURE).
"""
RIVAL = 0.1
"""Rival of a link (`pimmi.matching.verify`) from which on its pixels are asked whether another place fits as well."""
CERTAIN = 0.85
"""Mean correlation from which on they are not, if the points speak for one place."""
PURE = 0.7
"""Share, of the windows that agree or conflict, that agree in what may be a pattern."""
PART_COLUMNS = 4
"""agreeing part of the first and of the second image, other part of the first and of the second"""


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


@njit(cache=True, nogil=True)
def _blend(image, width, i, j, v, u):  # type: ignore[no-untyped-def]
    """The grey level between four pixels, `v` of a pixel below i and `u` right of j."""
    at = i * width + j
    top = image[at] * (1 - u) + image[at + 1] * u
    bottom = image[at + width] * (1 - u) + image[at + width + 1] * u
    return top * (1 - v) + bottom * v


@njit(cache=True, nogil=True)
def _within(place, length):  # type: ignore[no-untyped-def]
    """A coordinate (the centre of a pixel at .0) kept where there is a pixel on both sides of it."""
    return min(max(place, 0.0), length - 1.001)


@njit(cache=True, nogil=True)
def _sample_first(image, width, height, size, left, top, step, rows, columns, a):  # type: ignore[no-untyped-def]
    """Fill `a` with the first image on the grid; `image` has pixels of `size` thumbnail pixels."""
    for j in range(columns):
        x = _within((left + j * step + 0.5) / size - 0.5, width)
        column = int(x)
        for i in range(rows):
            y = _within((top + i * step + 0.5) / size - 0.5, height)
            row = int(y)
            a[i, j] = _blend(image, width, row, column, y - row, x - column)


@njit(cache=True, nogil=True)
def _sample_second(image, wide, high, size, start, across, down, rows, columns, b):  # type: ignore[no-untyped-def]
    """Fill `b` with the second image on the grid, -1 outside of it; returns how many places are inside.

    `start`, `across`, `down` are x and y, in thumbnail pixels, of the grid's first place, and from one to the next.
    """
    inside = 0
    width, height = wide // size, high // size
    for i in range(rows):
        for j in range(columns):
            u = start[0] + i * down[0] + j * across[0]
            v = start[1] + i * down[1] + j * across[1]
            if u < -0.5 or v < -0.5 or u > wide - 0.5 or v > high - 0.5:
                b[i, j] = -1.0
                continue
            inside += 1
            x = _within((u + 0.5) / size - 0.5, width)
            y = _within((v + 0.5) / size - 0.5, height)
            row, column = int(y), int(x)
            b[i, j] = _blend(image, width, row, column, y - row, x - column)
    return inside


@njit(cache=True, nogil=True)
def _cell(x, y, width, height):  # type: ignore[no-untyped-def]
    """The cell in which a place of an image lies; coordinates have the centre of a pixel at .0."""
    column = min(max(int(PART_SIDE * (x + 0.5) / width), 0), PART_SIDE - 1)
    row = min(max(int(PART_SIDE * (y + 0.5) / height), 0), PART_SIDE - 1)
    return row * PART_SIDE + column


@njit(cache=True, nogil=True)
def _correlate(a, b, rows, columns, sign, sums, verdicts):  # type: ignore[no-untyped-def]
    """Compare the windows of two grids: how many are textured, how many compared, and the sum of correlations.

    `sums` float64 (5, LONGEST_GRID) is room for what the columns under a row of windows add up to. Fills `verdicts`
    int8 (LONGEST_GRID, LONGEST_GRID), by the top left place of each window: AGREES, CONFLICTS, DOUBTFUL or FLAT.
    """
    textured = compared = 0
    total = 0.0
    n = float(WINDOW * WINDOW)
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
            if max(va, vb) < TEXTURE * TEXTURE:
                continue
            textured += 1
            covariance = sign * (sab / n - sa * sb / (n * n))
            correlation = covariance / np.sqrt((va + NOISE * NOISE) * (vb + NOISE * NOISE))
            total += correlation
            if correlation >= AGREEING:
                verdicts[i, j] = AGREES
            else:
                verdicts[i, j] = CONFLICTS if correlation < CONFLICTING else DOUBTFUL
    return textured, compared, total


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
def confirm(links, working_sizes, thumbnails, thumbnail_sizes, pixels, parts):  # type: ignore[no-untyped-def]
    """Fill `pixels` float64 (m, PIXEL_COLUMNS) and `parts` uint64 (m, PART_COLUMNS) for m links.

    `links` float64 (m, LINK_COLUMNS) as of `pimmi.matching.verify`; `working_sizes` float32 (n, 2) and
    `thumbnail_sizes` int32 (n, 2), width and height; `thumbnails` uint8 (n, S * S).
    Both images are sampled on one grid over their overlap, as fine as the coarser of the two, and normalised
    correlation is taken in windows of it; for a negative, with its sign turned.
    """
    a = np.empty((LONGEST_GRID, LONGEST_GRID))
    b = np.empty((LONGEST_GRID, LONGEST_GRID))
    sums = np.empty((5, LONGEST_GRID))
    tally = np.empty((2, 2, PART_SIDE * PART_SIDE), np.int64)
    verdicts = np.empty((LONGEST_GRID, LONGEST_GRID), np.int8)
    half = _halved(thumbnails, thumbnail_sizes)
    levels = (thumbnails, half, _halved(half, thumbnail_sizes // 2))
    for row in range(len(links)):
        pixels[row, :] = 0.0
        parts[row, :] = 0
        first, second = int(links[row, 0]), int(links[row, 1])
        sign = -1.0 if (int(links[row, 2]) & 2) != 0 else 1.0
        wide_a, high_a = thumbnail_sizes[first, 0], thumbnail_sizes[first, 1]
        wide_b, high_b = thumbnail_sizes[second, 0], thumbnail_sizes[second, 1]
        if min(wide_a, high_a, wide_b, high_b) < 2:
            continue
        xx, xy, tx, yx, yy, ty = _between_thumbnails(
            links[row, 6:12],
            wide_a / working_sizes[first, 0],
            high_a / working_sizes[first, 1],
            wide_b / working_sizes[second, 0],
            high_b / working_sizes[second, 1],
        )
        determinant = xx * yy - xy * yx
        if determinant == 0.0:
            continue
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
            continue
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
        textured, compared, total = _correlate(a, b, rows, columns, sign, sums, verdicts)
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
        pixels[row, 2] = textured
        pixels[row, 3] = compared
        pixels[row, 4] = total / max(textured, 1)
        pixels[row, 5] = inside * step * step
        agree, conflict = pixels[row, 0], pixels[row, 1]
        doubtful = links[row, 12] >= RIVAL or pixels[row, 4] < CERTAIN
        if doubtful and agree > 0 and agree >= PURE * (agree + conflict):
            pixels[row, 6] = repeat(a, b, rows, columns, sign)
