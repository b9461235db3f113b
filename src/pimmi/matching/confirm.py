"""Pixels have the last word: one image is laid onto the other and the two are compared place by place.

Points alone can't tell a copy from two pictures in one frame, since a frame's points surround the picture that differs.
"""

import numpy as np
from numba import njit

GRID = 56
"""Samples along the longer side of the overlap: finer costs more, coarser can't tell frames from copies."""
WINDOW = 7
"""Samples along a side of the windows that are correlated."""
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
LEVELS = 3
"""Sizes in which each thumbnail is sampled: whole, half and a quarter, so that a coarse grid skips no pixel."""

PIXEL_COLUMNS = 6
"""agree, conflict, textured, compared (numbers of windows), mean correlation, overlap (pixels of the first)"""


@njit(cache=True, nogil=True)
def _pyramid(thumbnails):  # type: ignore[no-untyped-def]
    """uint8 (n, S, S) at half the size: each pixel the mean of four."""
    n, high, wide = thumbnails.shape
    half = np.empty((n, high // 2, wide // 2), np.uint8)
    for k in range(n):
        for i in range(high // 2):
            for j in range(wide // 2):
                total = np.int64(2)
                for p in range(2):
                    for q in range(2):
                        total += np.int64(thumbnails[k, 2 * i + p, 2 * j + q])
                half[k, i, j] = total // 4
    return half


@njit(cache=True, nogil=True, inline="always")
def _value(thumbnail, width, height, x, y):  # type: ignore[no-untyped-def]
    """The grey level at x, y (the centre of a pixel at .0) by bilinear interpolation, or at the nearest edge."""
    x = min(max(x, 0.0), width - 1.001)
    y = min(max(y, 0.0), height - 1.001)
    i, j = int(y), int(x)
    u, v = x - j, y - i
    top = thumbnail[i, j] * (1 - u) + thumbnail[i, j + 1] * u
    bottom = thumbnail[i + 1, j] * (1 - u) + thumbnail[i + 1, j + 1] * u
    return top * (1 - v) + bottom * v


@njit(cache=True, nogil=True)
def _level(step, width, height):  # type: ignore[no-untyped-def]
    """The coarsest level whose pixels are no larger than `step` pixels of the whole thumbnail."""
    level = 0
    while level + 1 < LEVELS and step >= 1.9 * 2**level and min(width, height) >> (level + 1) >= 2:
        level += 1
    return level


@njit(cache=True, nogil=True)
def confirm(links, working_sizes, thumbnails, thumbnail_sizes, pixels):  # type: ignore[no-untyped-def]
    """Fill `pixels` float64 (m, PIXEL_COLUMNS) for `links` float64 (m, LINK_COLUMNS) of `pimmi.matching.verify`.

    `working_sizes` float32 (n, 2) and `thumbnail_sizes` int32 (n, 2), width and height; `thumbnails` uint8 (n, S, S).
    Both images are sampled on one grid over their overlap, as fine as the coarser of the two, and normalised
    correlation is taken in windows of it; for a negative, with its sign turned.
    """
    a = np.empty((GRID, GRID))
    b = np.empty((GRID, GRID))
    half = _pyramid(thumbnails)
    levels = (thumbnails, half, _pyramid(half))
    for row in range(len(links)):
        pixels[row, :] = 0.0
        first, second = int(links[row, 0]), int(links[row, 1])
        sign = -1.0 if (int(links[row, 2]) & 2) != 0 else 1.0
        wide_a, high_a = thumbnail_sizes[first, 0], thumbnail_sizes[first, 1]
        wide_b, high_b = thumbnail_sizes[second, 0], thumbnail_sizes[second, 1]
        if min(wide_a, high_a, wide_b, high_b) < 2:
            continue
        shrink_a = max(wide_a, high_a) / max(working_sizes[first, 0], working_sizes[first, 1])
        shrink_b = max(wide_b, high_b) / max(working_sizes[second, 0], working_sizes[second, 1])
        factor = shrink_b / shrink_a
        xx, xy, tx = links[row, 6] * factor, links[row, 7] * factor, links[row, 8] * shrink_b
        yx, yy, ty = links[row, 9] * factor, links[row, 10] * factor, links[row, 11] * shrink_b
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
        step = max(1.0, 1.0 / scale, (right - left) / (GRID - 1), (bottom - top) / (GRID - 1))
        columns, rows = int((right - left) / step) + 1, int((bottom - top) / step) + 1
        if min(right - left, bottom - top) < 0 or min(columns, rows) < WINDOW:
            continue
        level_a = _level(step, wide_a, high_a)
        level_b = _level(step * scale, wide_b, high_b)
        image_a, image_b = levels[level_a][first], levels[level_b][second]
        size_a, size_b = 2.0**level_a, 2.0**level_b
        inside = 0
        for i in range(rows):
            for j in range(columns):
                x, y = left + j * step, top + i * step
                u, v = xx * x + xy * y + tx, yx * x + yy * y + ty
                if u < -0.5 or v < -0.5 or u > wide_b - 0.5 or v > high_b - 0.5:
                    b[i, j] = -1.0
                    continue
                inside += 1
                a[i, j] = _value(
                    image_a,
                    wide_a >> level_a,
                    high_a >> level_a,
                    (x + 0.5) / size_a - 0.5,
                    (y + 0.5) / size_a - 0.5,
                )
                b[i, j] = _value(
                    image_b,
                    wide_b >> level_b,
                    high_b >> level_b,
                    (u + 0.5) / size_b - 0.5,
                    (v + 0.5) / size_b - 0.5,
                )
        agree = conflict = textured = compared = 0
        total = 0.0
        n = float(WINDOW * WINDOW)
        for i in range(0, rows - WINDOW + 1, STRIDE):
            for j in range(0, columns - WINDOW + 1, STRIDE):
                if (
                    b[i, j] < 0
                    or b[i, j + WINDOW - 1] < 0
                    or b[i + WINDOW - 1, j] < 0
                    or b[i + WINDOW - 1, j + WINDOW - 1] < 0
                ):
                    continue
                sa = sb = saa = sbb = sab = 0.0
                for p in range(i, i + WINDOW):
                    for q in range(j, j + WINDOW):
                        s, t = a[p, q], b[p, q]
                        sa += s
                        sb += t
                        saa += s * s
                        sbb += t * t
                        sab += s * t
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
                    agree += 1
                elif correlation < CONFLICTING:
                    conflict += 1
        pixels[row, 0] = agree
        pixels[row, 1] = conflict
        pixels[row, 2] = textured
        pixels[row, 3] = compared
        pixels[row, 4] = total / max(textured, 1)
        pixels[row, 5] = inside * step * step
