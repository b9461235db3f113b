"""How far parts of two images are from where one transform would lay them.

Copies lie on each other everywhere but for what was drawn over them. Two motorcycles photographed alike nearly do: each
wheel and each lamp is a little off, in a direction of its own. How far a window is off is told by its gradients
(Lucas and Kanade, "An iterative image registration technique with an application to stereo vision", 1981); what one
projective map explains of it doesn't count, for the affine transform of a link is never quite right, and is wrong for a
picture seen at a slant. The second image is moved by the map and looked at again, until that moves nothing.
"""

import math

import numpy as np
from numba import njit

from pimmi.matching.confirm import CONFLICTING, NOISE, STRIDE, TEXTURE
from pimmi.matching.sampling import LONGEST_GRID, WINDOW, blend

LEAST_VARIANCE = TEXTURE * TEXTURE
"""Squared grey levels from which on a window of either image can tell its place."""
ADDED_VARIANCE = NOISE * NOISE
"""Squared grey levels that are added to each window and its gradients, so that faint ones move little."""
FARTHEST = 2.0
"""Samples beyond which gradients don't tell how far a window is off."""
SPREAD = 0.1
"""Squared samples at which a window counts half for the map."""
ROUNDS = 5
"""Times the map is fitted, each time with less weight for the windows that it doesn't explain."""
STEADINESS = 1e-3
"""Weight, as a share of all windows', of what isn't known being at rest."""
SETTLED = 0.5
"""Samples: when the map moves no corner farther, it isn't fitted to what it moved again."""
ALIGNED = 0.9
"""Mean correlation from which on it isn't either."""
MOVES = 4
"""Times it is, at most: gradients tell less the farther a window is off."""
FEWEST = 8
"""Windows below which a map explains anything."""
LEAST_PIVOT = 1e-12
"""So that rounding can't make the fit fail."""
UNKNOWN = 1.0
"""Samples, where so few windows can tell."""
SUMS = 14
UNKNOWNS = 8
"""Numbers of a projective map."""
WINDOW_COLUMNS = 12
"""weights of the displacement (xx, xy, yy), displacement (x, y), place of the middle (x, y), variance of the first and
of the second window, their covariance, and that of the gradients (x, y) with what is left of the second"""
MOST_WINDOWS = (LONGEST_GRID // STRIDE + 1) ** 2
PLAIN, OTHER, RELATIVE = 0, 1, 2
"""Whether a window has no texture, shows something else, or can tell how far it is off."""


@njit(cache=True, nogil=True)
def _add_columns(a, b, i, columns, sums):  # type: ignore[no-untyped-def]
    """Fill `sums` float64 (SUMS, LONGEST_GRID) with what a row of windows adds up in each column, from the row i on."""
    sums[:, :columns] = 0.0
    for p in range(i, i + WINDOW):
        above, below = max(p - 1, 0), min(p + 1, len(a) - 1)
        for j in range(columns):
            before, after = max(j - 1, 0), min(j + 1, columns - 1)
            s, t = a[p, j], b[p, j]
            x = (a[p, after] - a[p, before]) / (after - before)
            y = (a[below, j] - a[above, j]) / (below - above)
            sums[0, j] += s
            sums[1, j] += t
            sums[2, j] += s * s
            sums[3, j] += t * t
            sums[4, j] += s * t
            sums[5, j] += x
            sums[6, j] += y
            sums[7, j] += x * x
            sums[8, j] += x * y
            sums[9, j] += y * y
            sums[10, j] += x * s
            sums[11, j] += y * s
            sums[12, j] += x * t
            sums[13, j] += y * t


@njit(cache=True, nogil=True)
def _displace(means, sign, window):  # type: ignore[no-untyped-def]
    """Fill a window, but for its place, from the means of its samples, float64 (SUMS,).

    Returns what it is, and its correlation.
    """
    s, t, x, y = means[0], means[1], means[5], means[6]
    first, second = max(means[2] - s * s, 0.0), max(means[3] - t * t, 0.0)
    if max(first, second) < LEAST_VARIANCE:
        return PLAIN, 0.0
    both = sign * (means[4] - s * t)
    correlation = both / math.sqrt((first + ADDED_VARIANCE) * (second + ADDED_VARIANCE))
    if correlation < CONFLICTING:
        return OTHER, correlation
    # the second window is taken for the first, so many times as bright, and displaced
    gain = sign * math.sqrt((second + ADDED_VARIANCE) / (first + ADDED_VARIANCE))
    xx = gain * gain * (means[7] - x * x)
    xy = gain * gain * (means[8] - x * y)
    yy = gain * gain * (means[9] - y * y)
    left_x = gain * (means[12] - x * t - gain * (means[10] - x * s))
    left_y = gain * (means[13] - y * t - gain * (means[11] - y * s))
    determinant = (xx + ADDED_VARIANCE) * (yy + ADDED_VARIANCE) - xy * xy
    off_x = ((yy + ADDED_VARIANCE) * left_x - xy * left_y) / determinant
    off_y = ((xx + ADDED_VARIANCE) * left_y - xy * left_x) / determinant
    window[0], window[1], window[2] = xx, xy, yy
    window[3] = min(max(off_x, -FARTHEST), FARTHEST)
    window[4] = min(max(off_y, -FARTHEST), FARTHEST)
    window[7], window[8], window[9] = first, second, both
    window[10], window[11] = left_x, left_y
    return RELATIVE, correlation


@njit(cache=True, nogil=True)
def _fill_basis(x, y, along, down):  # type: ignore[no-untyped-def]
    """How much each number of the map moves the place x, y: fill what depends on it.

    The map is x + c + a x + b y + (p x + q y) x and y + f + d x + e y + (p x + q y) y, as a projective one nearly is
    for a small tilt.
    """
    along[1], along[2], along[6], along[7] = x, y, x * x, x * y
    down[4], down[5], down[6], down[7] = x, y, x * y, y * y


@njit(cache=True, nogil=True)
def _solve(matrix, vector, found):  # type: ignore[no-untyped-def]
    """Fill `found` with what a symmetric, positive definite matrix takes to a vector, by Cholesky's method.

    `matrix` is overwritten. NumPy's own solver would need SciPy here, which pimmi does without.
    """
    size = len(vector)
    for m in range(size):
        for n in range(m + 1):
            left = matrix[m, n]
            for k in range(n):
                left -= matrix[m, k] * matrix[n, k]
            matrix[m, n] = math.sqrt(max(left, LEAST_PIVOT)) if m == n else left / matrix[n, n]
    for m in range(size):
        left = vector[m]
        for k in range(m):
            left -= matrix[m, k] * found[k]
        found[m] = left / matrix[m, m]
    for m in range(size - 1, -1, -1):
        left = found[m]
        for k in range(m + 1, size):
            left -= matrix[k, m] * found[k]
        found[m] = left / matrix[m, m]


@njit(cache=True, nogil=True)
def _explain(windows, count, off):  # type: ignore[no-untyped-def]
    """Fill `off` with how far each window is from where the map that explains most of them lays it; returns the map.

    In `windows` float64 (m, WINDOW_COLUMNS) the displacements become those of the map.
    """
    found = np.zeros(UNKNOWNS)
    weights = np.ones(count)
    matrix, vector = np.empty((UNKNOWNS, UNKNOWNS)), np.empty(UNKNOWNS)
    along, down = np.zeros(UNKNOWNS), np.zeros(UNKNOWNS)
    along[0] = down[3] = 1.0
    for turn in range(ROUNDS):
        matrix[:], vector[:] = 0.0, 0.0
        for k in range(count):
            xx, xy, yy = weights[k] * windows[k, 0], weights[k] * windows[k, 1], weights[k] * windows[k, 2]
            off_x, off_y = windows[k, 3], windows[k, 4]
            _fill_basis(windows[k, 5], windows[k, 6], along, down)
            for m in range(UNKNOWNS):
                from_x, from_y = along[m] * xx + down[m] * xy, along[m] * xy + down[m] * yy
                vector[m] += from_x * off_x + from_y * off_y
                for n in range(m + 1):
                    matrix[m, n] += from_x * along[n] + from_y * down[n]
        for m in range(UNKNOWNS):
            for n in range(m):
                matrix[n, m] = matrix[m, n]
        rest = STEADINESS * (matrix[0, 0] + matrix[3, 3]) / 2 + 1e-9
        for m in range(UNKNOWNS):
            matrix[m, m] += rest
        _solve(matrix, vector, found)
        for k in range(count):
            _fill_basis(windows[k, 5], windows[k, 6], along, down)
            x = y = 0.0
            for m in range(UNKNOWNS):
                x += along[m] * found[m]
                y += down[m] * found[m]
            ex, ey = windows[k, 3] - x, windows[k, 4] - y
            xx, xy, yy = windows[k, 0], windows[k, 1], windows[k, 2]
            squared = max((xx * ex * ex + 2 * xy * ex * ey + yy * ey * ey) / (xx + yy + 1e-9), 0.0)
            off[k] = math.sqrt(squared)
            weights[k] = 1.0 / (1.0 + squared / SPREAD)
            if turn == ROUNDS - 1:
                windows[k, 3], windows[k, 4] = x, y
    return found


@njit(cache=True, nogil=True)
def _gain(window):  # type: ignore[no-untyped-def]
    """How much more a window correlates once it is moved by its displacement."""
    first, second, both = window[7], window[8], window[9]
    x, y = window[3], window[4]
    before = both / math.sqrt((first + ADDED_VARIANCE) * (second + ADDED_VARIANCE))
    less = 2 * (window[10] * x + window[11] * y) - (
        window[0] * x * x + 2 * window[1] * x * y + window[2] * y * y
    )
    after = before + less / (2 * (second + ADDED_VARIANCE))
    return min(max(after, before), 1.0) - before


@njit(cache=True, nogil=True)
def _shift(found, x, y):  # type: ignore[no-untyped-def]
    """How far the map moves a place."""
    bend = found[6] * x + found[7] * y
    return (
        found[0] + found[1] * x + found[2] * y + bend * x,
        found[3] + found[4] * x + found[5] * y + bend * y,
    )


@njit(cache=True, nogil=True)
def _farthest(found, rows, columns):  # type: ignore[no-untyped-def]
    """How far the map moves the corner that it moves farthest."""
    farthest = 0.0
    for corner in range(4):
        x, y = corner % 2 - 0.5, (corner // 2 - 0.5) * rows / columns
        right, down = _shift(found, x, y)
        farthest = max(farthest, abs(right), abs(down))
    return farthest


@njit(cache=True, nogil=True)
def _move(b, rows, columns, found, moved):  # type: ignore[no-untyped-def]
    """Fill `moved` with the second grid where the map lays it, -1 outside of it."""
    for i in range(rows):
        for j in range(columns):
            right, down = _shift(found, j / columns - 0.5, (i - rows / 2) / columns)
            x, y = j - right, i - down
            moved[i, j] = -1.0
            if x < 0 or y < 0 or x > columns - 1 or y > rows - 1:
                continue
            column, row = min(int(x), columns - 2), min(int(y), rows - 2)
            if min(b[row, column], b[row, column + 1], b[row + 1, column], b[row + 1, column + 1]) >= 0:
                moved[i, j] = blend(b.reshape(-1), b.shape[1], row, column, y - row, x - column)


@njit(cache=True, nogil=True)
def _fill_windows(a, b, rows, columns, sign, sums, means, windows):  # type: ignore[no-untyped-def]
    """Fill the windows that can tell how far they are off; returns how many, and the mean correlation of all."""
    count = textured = 0
    total = 0.0
    last = WINDOW - 1
    for i in range(0, rows - last, STRIDE):
        _add_columns(a[:rows], b, i, columns, sums)
        for j in range(0, columns - last, STRIDE):
            if min(b[i, j], b[i, j + last], b[i + last, j], b[i + last, j + last]) < 0:
                continue
            for k in range(SUMS):
                added = 0.0
                for q in range(j, j + WINDOW):
                    added += sums[k, q]
                means[k] = added / (WINDOW * WINDOW)
            shows, correlation = _displace(means, sign, windows[count])
            textured += shows != PLAIN
            total += correlation
            if shows == RELATIVE:
                windows[count, 5] = (j + last / 2) / columns - 0.5
                windows[count, 6] = (i + last / 2 - rows / 2) / columns
                count += 1
    return count, total / max(textured, 1), textured


@njit(cache=True, nogil=True)
def misalignment(a, b, rows, columns, sign):  # type: ignore[no-untyped-def]
    """How far off, in samples, half of the windows of two grids are, and how much more the grids correlate once moved.

    `a` and `b` float64, of which `rows` and `columns` are in use, are the grids of two images where a transform lays
    one onto the other, as of `pimmi.matching.sampling`; `b` is -1 outside the second image. `sign` is -1.0 for a
    negative, else 1.0. Windows that show something else don't count. Where hardly any can tell, the first is UNKNOWN
    and the second 0.
    """
    sums = np.empty((SUMS, LONGEST_GRID))
    means = np.empty(SUMS)
    windows = np.empty((MOST_WINDOWS, WINDOW_COLUMNS))
    found = np.zeros(UNKNOWNS)
    laid = b
    moved = np.empty((LONGEST_GRID, LONGEST_GRID))
    least, before, reached, aligned = UNKNOWN, 0.0, -1.0, 0.0
    for move in range(MOVES):
        count, correlation, textured = _fill_windows(a, laid, rows, columns, sign, sums, means, windows)
        if move == 0:
            before = aligned = correlation
        if count < FEWEST or correlation <= reached:
            break
        reached = correlation
        off = np.empty(count)
        more = _explain(windows, count, off)
        gained = 0.0
        for k in range(count):
            gained += _gain(windows[k])
        least, aligned = np.median(off), correlation + gained / textured
        if correlation >= ALIGNED or _farthest(more, rows, columns) <= SETTLED:
            break
        found += more
        _move(b, rows, columns, found, moved)
        laid = moved
    return least, max(aligned - before, 0.0)
