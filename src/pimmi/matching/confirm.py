"""Pixels have the last word: one image is laid onto the other and the two are compared place by place.

Points alone can't tell a copy from two pictures in one frame, since a frame's points surround the picture that differs.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

LEVELS = 4
GRID = 56
"""Longest side, in samples, of the grid on which two images are compared."""
WINDOW = 7
STRIDE = 2
TEXTURE = 4.0
"""Standard deviation in grey levels from which a window has something to compare."""
AGREES = 0.6
"""Correlation of two windows from which they agree."""


@njit(cache=True, nogil=True)
def _sample(image, height, width, x, y):  # type: ignore[no-untyped-def]
    """Bilinear value at x, y (centre of a pixel at .0), or -1 outside."""
    if x < -0.5 or y < -0.5 or x > width - 0.5 or y > height - 0.5:
        return -1.0
    x = min(max(x, 0.0), width - 1.001)
    y = min(max(y, 0.0), height - 1.001)
    if width < 2 or height < 2:
        return np.float64(image[int(y), int(x)])
    i, j = int(y), int(x)
    u, v = x - j, y - i
    return (
        image[i, j] * (1 - u) * (1 - v)
        + image[i, j + 1] * u * (1 - v)
        + image[i + 1, j] * (1 - u) * v
        + image[i + 1, j + 1] * u * v
    )


@njit(cache=True, nogil=True)
def confirm(  # type: ignore[no-untyped-def]
    links, first_thumbs, first_sizes, first_factor, second_thumbs, second_sizes, second_factor, out
):  # fmt: skip
    """Compare pixels for each link.

    thumbs uint8 (images, S, S); sizes int32 (images, 2) height, width of the thumb inside; factor float64 (images,)
    thumb pixels per working pixel. out float64 (n, 8): agree, conflict, outside, windows, mean correlation, ...
    """
    a = np.empty((GRID, GRID))
    b = np.empty((GRID, GRID))
    for r in range(len(links)):
        first = int(links[r, 0])
        second = int(links[r, 1])
        sign = -1.0 if (int(links[r, 2]) & 2) != 0 else 1.0
        fa, fb = first_factor[first], second_factor[second]
        ha, wa = first_sizes[first, 0], first_sizes[first, 1]
        hb, wb = second_sizes[second, 0], second_sizes[second, 1]
        # transform from thumb a to thumb b pixels
        k = fb / fa
        m00, m01, m02 = links[r, 6] * k, links[r, 7] * k, links[r, 8] * fb
        m10, m11, m12 = links[r, 9] * k, links[r, 10] * k, links[r, 11] * fb
        det = m00 * m11 - m01 * m10
        # overlap box in a: the corners of b taken back to a
        x0, x1, y0, y1 = 1e9, -1e9, 1e9, -1e9
        for c in range(4):
            u = (wb - 1.0) * (c % 2) - m02
            v = (hb - 1.0) * (c // 2) - m12
            x = (m11 * u - m01 * v) / det
            y = (m00 * v - m10 * u) / det
            x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
        x0, y0 = max(x0, 0.0), max(y0, 0.0)
        x1, y1 = min(x1, wa - 1.0), min(y1, ha - 1.0)
        out[r, :] = 0.0
        if x1 - x0 < 4 or y1 - y0 < 4:
            continue
        scale = np.sqrt(abs(det))
        # samples a pixel of a: as fine as the coarser image, no more than GRID samples a side
        density = min(1.0, scale)
        step = max(1.0 / density, (x1 - x0) / (GRID - 1), (y1 - y0) / (GRID - 1))
        nx, ny = int((x1 - x0) / step) + 1, int((y1 - y0) / step) + 1
        if nx < WINDOW or ny < WINDOW:
            continue
        # box filter each image to the step by averaging taps
        ta = max(1, min(4, int(round(step))))
        tb = max(1, min(6, int(round(step * scale))))
        for i in range(ny):
            for j in range(nx):
                x, y = x0 + j * step, y0 + i * step
                s = 0.0
                for p in range(ta):
                    for q in range(ta):
                        s += max(0.0, _sample(first_thumbs[first], ha, wa,
                                     x + ((q + 0.5) / ta - 0.5) * step, y + ((p + 0.5) / ta - 0.5) * step))
                a[i, j] = s / (ta * ta)
                u = m00 * x + m01 * y + m02
                v = m10 * x + m11 * y + m12
                if _sample(second_thumbs[second], hb, wb, u, v) < 0:
                    b[i, j] = -1.0
                else:
                    s = 0.0
                    count = 0
                    for p in range(tb):
                        for q in range(tb):
                            du, dv = ((q + 0.5) / tb - 0.5) * step, ((p + 0.5) / tb - 0.5) * step
                            z = _sample(second_thumbs[second], hb, wb, u + m00 * du + m01 * dv, v + m10 * du + m11 * dv)
                            if z >= 0:
                                s += z
                                count += 1
                    b[i, j] = s / max(count, 1)
        agree = conflict = both = 0
        total = 0.0
        flat = 0
        area = 0
        wcc = 0.0
        waa = 0.0
        for i in range(0, ny - WINDOW + 1, STRIDE):
            for j in range(0, nx - WINDOW + 1, STRIDE):
                sa = sb = saa = sbb = sab = 0.0
                inside = True
                for p in range(i, i + WINDOW):
                    for q in range(j, j + WINDOW):
                        if b[p, q] < 0:
                            inside = False
                            break
                        sa += a[p, q]
                        sb += b[p, q]
                        saa += a[p, q] * a[p, q]
                        sbb += b[p, q] * b[p, q]
                        sab += a[p, q] * b[p, q]
                    if not inside:
                        break
                if not inside:
                    continue
                area += 1
                n = WINDOW * WINDOW
                va = max(saa / n - (sa / n) ** 2, 0.0)
                vb = max(sbb / n - (sb / n) ** 2, 0.0)
                cov = sign * (sab / n - sa * sb / n / n)
                if va < TEXTURE * TEXTURE and vb < TEXTURE * TEXTURE:
                    flat += 1
                    continue
                ncc = cov / np.sqrt((va + 4.0) * (vb + 4.0))
                total += ncc
                both += 1
                if ncc >= AGREES:
                    agree += 1
                elif ncc < 0.3:
                    conflict += 1
                wcc += cov
                waa += np.sqrt(va * vb)
        out[r, 0] = agree
        out[r, 1] = conflict
        out[r, 2] = both
        out[r, 3] = flat
        out[r, 4] = total / max(both, 1)
        out[r, 5] = area * STRIDE * STRIDE * step * step / (ha * wa)
        out[r, 6] = area * STRIDE * STRIDE * step * step * abs(det) / (hb * wb)
        out[r, 7] = wcc / max(waa, 1e-9)
