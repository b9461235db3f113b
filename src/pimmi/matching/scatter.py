"""How closely the inliers of a link follow its transform: those of a copy do in place, scale and angle at once."""

import math

from numba import njit

from pimmi.index.points import ANGLE_STEPS
from pimmi.matching.transforms import model_scale, model_turn


@njit(cache=True, nogil=True)
def count_within(first, stop, xs, ys, model, size):  # type: ignore[no-untyped-def]
    """How many points of the second image, from `first` to `stop`, show a place of the first, of `size` in pixels."""
    determinant = model[0] * model[4] - model[1] * model[3]
    count = 0
    for j in range(first, stop):
        u, v = xs[j] - model[2], ys[j] - model[5]
        x = (model[4] * u - model[1] * v) / determinant
        y = (model[0] * v - model[3] * u) / determinant
        count += x >= 0 and y >= 0 and x <= size[0] and y <= size[1]
    return count


@njit(cache=True, nogil=True)
def scatter(pairings, count, mirror, model):  # type: ignore[no-untyped-def]
    """How far `count` pairings, one at least, are from what a transform says, each as a root mean square.

    Of the turn, in degrees; of the scale, in octaves; and of the place, in pixels of the coarser image.
    """
    scale = model_scale(model)
    octaves, turn = math.log2(scale), model_turn(model, mirror)
    turned = scaled = off = 0.0
    for row in range(count):
        x, y, u, v = pairings[row, 0], pairings[row, 1], pairings[row, 2], pairings[row, 3]
        ex = model[0] * x + model[1] * y + model[2] - u
        ey = model[3] * x + model[4] * y + model[5] - v
        steps = (pairings[row, 5] - turn + ANGLE_STEPS / 2) % ANGLE_STEPS - ANGLE_STEPS / 2
        beyond = pairings[row, 4] - octaves
        off += ex * ex + ey * ey
        turned += steps * steps
        scaled += beyond * beyond
    return (
        math.sqrt(turned / count) * (360 / ANGLE_STEPS),
        math.sqrt(scaled / count),
        math.sqrt(off / count) / max(1.0, scale),
    )
