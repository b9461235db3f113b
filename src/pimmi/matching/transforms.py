"""Transforms between two images, from pairs of their points.

A *pairing* is a row of nine numbers: x and y in the first image, x and y in the second, the difference of the scales
in octaves, the turn in steps (0 to ANGLE_STEPS), the weight of the keypoint's own frame, and the scale times the
turn's cosine and sine. A *model* is a11 a12 tx a21 a22 ty; `mirror` is -1 for one that mirrors, else 1.
"""

import math

import numpy as np
from numba import njit

from pimmi.index.points import ANGLE_STEPS, SCALE_STEPS

PAIRING_COLUMNS = 9
FRAME_WEIGHT = 16.0
"""Weight of a keypoint's own scale and angle in the fit, as of points at so many squared sizes from it."""
FEW_PAIRINGS = 6
"""Up to so many pairings their frames have their whole weight in the fit; more of them share it."""
SMALLEST_SCALE = 0.03
"""Of one working image in the other; its inverse is the largest."""

LAST_STEP = ANGLE_STEPS - 1
HALF_TURN = ANGLE_STEPS // 2
LARGEST_SCALE_STEP = 255
POWERS = np.array(
    [2.0 ** (step / SCALE_STEPS) for step in range(-LARGEST_SCALE_STEP, LARGEST_SCALE_STEP + 1)]
)
COSINES = np.array([math.cos(2 * math.pi * step / ANGLE_STEPS) for step in range(ANGLE_STEPS)])
SINES = np.array([math.sin(2 * math.pi * step / ANGLE_STEPS) for step in range(ANGLE_STEPS)])


@njit(cache=True, nogil=True)
def turn_between(first, second, mirrored, inverted):  # type: ignore[no-untyped-def]
    """The turn, in steps, from one point's angle to another's, under a change that mirrors or inverts."""
    angle = first + (HALF_TURN if inverted else 0)
    return (second + angle if mirrored else second - angle) & LAST_STEP


@njit(cache=True, nogil=True)
def model_scale(model):  # type: ignore[no-untyped-def]
    """How much larger a transform makes things, or 0 if that is beyond reason."""
    scale = math.sqrt(abs(model[0] * model[4] - model[1] * model[3]))
    return scale if SMALLEST_SCALE <= scale <= 1 / SMALLEST_SCALE else 0.0


@njit(cache=True, nogil=True)
def model_turn(model, mirror):  # type: ignore[no-untyped-def]
    """The turn of a transform in steps, -ANGLE_STEPS / 2 to ANGLE_STEPS / 2."""
    return math.atan2(model[3] - mirror * model[1], model[0] + mirror * model[4]) * (
        ANGLE_STEPS / (2 * math.pi)
    )


@njit(cache=True, nogil=True)
def fill_pairing(i, j, turn, xs, ys, scales, pairings, row):  # type: ignore[no-untyped-def]
    """Fill a row of `pairings` with the points i and j."""
    steps = np.int64(scales[j]) - np.int64(scales[i])
    scale = POWERS[LARGEST_SCALE_STEP + steps]
    size = POWERS[LARGEST_SCALE_STEP + np.int64(scales[i]) - SCALE_STEPS]
    pairings[row, 0], pairings[row, 1] = xs[i], ys[i]
    pairings[row, 2], pairings[row, 3] = xs[j], ys[j]
    pairings[row, 4], pairings[row, 5] = steps / SCALE_STEPS, turn
    pairings[row, 6] = FRAME_WEIGHT * size * size
    pairings[row, 7], pairings[row, 8] = scale * COSINES[turn], scale * SINES[turn]


@njit(cache=True, nogil=True)
def set_similarity(pairing, mirror, model):  # type: ignore[no-untyped-def]
    """The transform that one pairing gives."""
    cosine, sine = pairing[7], pairing[8]
    model[0], model[1] = cosine, -sine * mirror
    model[3], model[4] = sine, cosine * mirror
    model[2] = pairing[2] - model[0] * pairing[0] - model[1] * pairing[1]
    model[5] = pairing[3] - model[3] * pairing[0] - model[4] * pairing[1]


@njit(cache=True, nogil=True)
def fit_affine(pairings, count, mirror, model):  # type: ignore[no-untyped-def]
    """The least-squares affine over `count` pairings, steadied by each keypoint's own frame."""
    mx = my = ux = uy = 0.0
    for i in range(count):
        mx += pairings[i, 0]
        my += pairings[i, 1]
        ux += pairings[i, 2]
        uy += pairings[i, 3]
    mx, my, ux, uy = mx / count, my / count, ux / count, uy / count
    share = min(1.0, FEW_PAIRINGS / count)
    sxx = sxy = syy = cxx = cxy = cyx = cyy = 0.0
    for i in range(count):
        x, y = pairings[i, 0] - mx, pairings[i, 1] - my
        u, v = pairings[i, 2] - ux, pairings[i, 3] - uy
        weight = share * pairings[i, 6]
        cosine, sine = weight * pairings[i, 7], weight * pairings[i, 8]
        sxx += x * x + weight
        sxy += x * y
        syy += y * y + weight
        cxx += u * x + cosine
        cxy += u * y - sine * mirror
        cyx += v * x + sine
        cyy += v * y + cosine * mirror
    determinant = sxx * syy - sxy * sxy
    model[0] = (cxx * syy - cxy * sxy) / determinant
    model[1] = (cxy * sxx - cxx * sxy) / determinant
    model[3] = (cyx * syy - cyy * sxy) / determinant
    model[4] = (cyy * sxx - cyx * sxy) / determinant
    model[2] = ux - model[0] * mx - model[1] * my
    model[5] = uy - model[3] * mx - model[4] * my
