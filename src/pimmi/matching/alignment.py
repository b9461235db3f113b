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
from pimmi.matching.sampling import WINDOW, blend

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
MEANS = 14
S, T, SS, TT, ST, X, Y, XX, XY, YY, XS, YS, XT, YT = range(MEANS)
"""Mean products, in a window, of grey levels of the first and the second image and of the gradients of the first."""
UNKNOWNS = 8
"""Numbers of a projective map."""
WINDOW_COLUMNS = 12
"""weights of the displacement (xx, xy, yy), displacement (x, y), place of the middle (x, y), variance of the first and
of the second window, their covariance, and that of the gradients (x, y) with what is left of the second"""
PLAIN, OTHER, RELATIVE = 0, 1, 2
"""Whether a window has no texture, shows something else, or can tell how far it is off."""


@njit(cache=True, nogil=True)
def _fill_gradients(a, rows, columns, along, down):  # type: ignore[no-untyped-def]
    """Fill `along` and `down`, float64 as `a`, with how much it changes from place to place."""
    last = columns - 1
    for i in range(rows):
        above, below = max(i - 1, 0), min(i + 1, rows - 1)
        share = 1.0 / (below - above)
        for j in range(1, last):
            along[i, j] = 0.5 * (a[i, j + 1] - a[i, j - 1])
        along[i, 0], along[i, last] = a[i, 1] - a[i, 0], a[i, last] - a[i, last - 1]
        for j in range(columns):
            down[i, j] = (a[below, j] - a[above, j]) * share


@njit(cache=True, nogil=True)
def _fill_means(one, other, rows, columns, means):  # type: ignore[no-untyped-def]
    """Fill `means`, float64 (windows in a column, windows in a row), with the mean product in each window."""
    sums = np.empty(columns)
    for i in range(0, rows - WINDOW + 1, STRIDE):
        sums[:] = 0.0
        for p in range(i, i + WINDOW):
            for j in range(columns):
                sums[j] += one[p, j] * other[p, j]
        for j in range(0, columns - WINDOW + 1, STRIDE):
            added = 0.0
            for q in range(j, j + WINDOW):
                added += sums[q]
            means[i // STRIDE, j // STRIDE] = added * (1.0 / (WINDOW * WINDOW))


@njit(cache=True, nogil=True)
def _displace(means, sign, window):  # type: ignore[no-untyped-def]
    """Fill a window, but for its place, from its mean products, float64 (MEANS,).

    Returns what it is, and its correlation.
    """
    s, t, x, y = means[S], means[T], means[X], means[Y]
    first, second = max(means[SS] - s * s, 0.0), max(means[TT] - t * t, 0.0)
    if max(first, second) < LEAST_VARIANCE:
        return PLAIN, 0.0
    both = sign * (means[ST] - s * t)
    correlation = both / math.sqrt((first + ADDED_VARIANCE) * (second + ADDED_VARIANCE))
    if correlation < CONFLICTING:
        return OTHER, correlation
    # the second window is taken for the first, so many times as bright, and displaced
    gain = sign * math.sqrt((second + ADDED_VARIANCE) / (first + ADDED_VARIANCE))
    xx = gain * gain * (means[XX] - x * x)
    xy = gain * gain * (means[XY] - x * y)
    yy = gain * gain * (means[YY] - y * y)
    left_x = gain * (means[XT] - x * t - gain * (means[XS] - x * s))
    left_y = gain * (means[YT] - y * t - gain * (means[YS] - y * s))
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


@njit(cache=True, nogil=True, inline="always")
def _shift(found, x, y):  # type: ignore[no-untyped-def]
    """How far the map moves a place.

    It is x + c + a x + b y + (p x + q y) x and y + f + d x + e y + (p x + q y) y, as a projective one nearly is for a
    small tilt.
    """
    bend = found[6] * x + found[7] * y
    return (
        found[0] + found[1] * x + found[2] * y + bend * x,
        found[3] + found[4] * x + found[5] * y + bend * y,
    )


@njit(cache=True, nogil=True, inline="always")
def _add_window(window, weight, matrix, vector):  # type: ignore[no-untyped-def]
    """Add what a window says of the map to the lower half of the normal equations.

    The first three numbers of the map move places to the right alone, the next three down alone: what is 0 for that
    reason is left out.
    """
    xx, xy, yy = weight * window[0], weight * window[1], weight * window[2]
    off_x, off_y, x, y = window[3], window[4], window[5], window[6]
    place = (1.0, x, y)
    for m in range(3):
        right, both, down = place[m] * xx, place[m] * xy, place[m] * yy
        vector[m] += right * off_x + both * off_y
        vector[3 + m] += both * off_x + down * off_y
        for n in range(m + 1):
            matrix[m, n] += right * place[n]
            matrix[3 + m, 3 + n] += down * place[n]
        for n in range(3):
            matrix[3 + m, n] += both * place[n]
    for m in range(2):
        along, below = place[1 + m] * x, place[1 + m] * y
        right, down = along * xx + below * xy, along * xy + below * yy
        vector[6 + m] += right * off_x + down * off_y
        for n in range(3):
            matrix[6 + m, n] += right * place[n]
            matrix[6 + m, 3 + n] += down * place[n]
        for n in range(m + 1):
            matrix[6 + m, 6 + n] += (right * x + down * y) * place[1 + n]


@njit(cache=True, nogil=True)
def _explain(windows, count, off):  # type: ignore[no-untyped-def]
    """Fill `off` with how far each window is from where the map that explains most of them lays it; returns the map.

    In `windows` float64 (m, WINDOW_COLUMNS) the displacements become those of the map.
    """
    found = np.zeros(UNKNOWNS)
    weights = np.ones(count)
    matrix, vector = np.empty((UNKNOWNS, UNKNOWNS)), np.empty(UNKNOWNS)
    for turn in range(ROUNDS):
        matrix[:], vector[:] = 0.0, 0.0
        for k in range(count):
            _add_window(windows[k], weights[k], matrix, vector)
        for m in range(UNKNOWNS):
            for n in range(m):
                matrix[n, m] = matrix[m, n]
        rest = STEADINESS * (matrix[0, 0] + matrix[3, 3]) / 2 + 1e-9
        for m in range(UNKNOWNS):
            matrix[m, m] += rest
        _solve(matrix, vector, found)
        for k in range(count):
            x, y = _shift(found, windows[k, 5], windows[k, 6])
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
    flat, width = b.reshape(-1), b.shape[1]
    across = np.arange(columns) / columns - 0.5
    places, lower, right = np.empty(columns, np.int64), np.empty(columns), np.empty(columns)
    for i in range(rows):
        height = (i - rows / 2) / columns
        for j in range(columns):
            along, down = _shift(found, across[j], height)
            x, y = j - along, i - down
            outside = x < 0 or y < 0 or x > columns - 1 or y > rows - 1
            x, y = 0.0 if outside else x, 0.0 if outside else y
            column, row = min(int(x), columns - 2), min(int(y), rows - 2)
            places[j], lower[j], right[j] = -1 if outside else row * width + column, y - row, x - column
        for j in range(columns):
            place = places[j]
            moved[i, j] = -1.0
            if (
                place >= 0
                and min(flat[place], flat[place + 1], flat[place + width], flat[place + width + 1]) >= 0
            ):
                moved[i, j] = blend(flat, width, place, lower[j], right[j])


@njit(cache=True, nogil=True)
def _fill_windows(b, rows, columns, sign, means, windows):  # type: ignore[no-untyped-def]
    """Fill the windows that can tell how far they are off, from their `means`.

    Returns how many these are, the mean correlation of all with texture, and how many those are.
    """
    count = textured = 0
    total = 0.0
    last = WINDOW - 1
    for i in range(0, rows - last, STRIDE):
        for j in range(0, columns - last, STRIDE):
            if min(b[i, j], b[i, j + last], b[i + last, j], b[i + last, j + last]) < 0:
                continue
            shows, correlation = _displace(means[:, i // STRIDE, j // STRIDE], sign, windows[count])
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
    means = np.empty((MEANS, (rows - WINDOW) // STRIDE + 1, (columns - WINDOW) // STRIDE + 1))
    along, down, moved = np.empty((rows, columns)), np.empty((rows, columns)), np.empty((rows, columns))
    ones = np.ones((rows, columns))
    _fill_gradients(a, rows, columns, along, down)
    _fill_means(a, ones, rows, columns, means[S])
    _fill_means(a, a, rows, columns, means[SS])
    _fill_means(along, ones, rows, columns, means[X])
    _fill_means(down, ones, rows, columns, means[Y])
    _fill_means(along, along, rows, columns, means[XX])
    _fill_means(along, down, rows, columns, means[XY])
    _fill_means(down, down, rows, columns, means[YY])
    _fill_means(along, a, rows, columns, means[XS])
    _fill_means(down, a, rows, columns, means[YS])
    windows = np.empty((means[0].size, WINDOW_COLUMNS))
    found = np.zeros(UNKNOWNS)
    laid = b
    before, reached, aligned = 0.0, -1.0, 0.0
    least = np.full(1, UNKNOWN)
    for move in range(MOVES):
        _fill_means(ones, laid, rows, columns, means[T])
        _fill_means(laid, laid, rows, columns, means[TT])
        _fill_means(a, laid, rows, columns, means[ST])
        _fill_means(along, laid, rows, columns, means[XT])
        _fill_means(down, laid, rows, columns, means[YT])
        count, correlation, textured = _fill_windows(laid, rows, columns, sign, means, windows)
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
        least, aligned = off, correlation + gained / textured
        if correlation >= ALIGNED or _farthest(more, rows, columns) <= SETTLED:
            break
        found += more
        _move(b, rows, columns, found, moved)
        laid = moved
    return np.median(least), max(aligned - before, 0.0)
