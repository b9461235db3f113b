"""Guided matching: where a transform lays two images onto each other, all their points are compared again."""

import math

import numpy as np
from numba import njit

from pimmi.index.points import SCALE_STEPS
from pimmi.matching.hypotheses import ANGLE_SLACK, SCALE_SLACK
from pimmi.matching.packed import ones
from pimmi.matching.transforms import (
    LAST_STEP,
    fill_pairing,
    fit_affine,
    model_scale,
    model_turn,
    turn_between,
)

SQUARE = 8.0
"""Side, in pixels, of the squares by which the points near a place are found."""
GUIDED_DISTANCE = 72
"""Bits in which the codes of two points may differ where the transform already lays one onto the other."""


@njit(cache=True, nogil=True)
def most_squares(sizes):  # type: ignore[no-untyped-def]
    """The most squares that one of some images has, of `sizes` float32 (n, 2), width and height."""
    most = 0
    for image in range(len(sizes)):
        most = max(most, (int(sizes[image, 0] / SQUARE) + 1) * (int(sizes[image, 1] / SQUARE) + 1))
    return most


@njit(cache=True, nogil=True)
def fill_squares(first, stop, size, xs, ys, starts, listed):  # type: ignore[no-untyped-def]
    """Sort the points of an image, from `first` to `stop`, by square, in rows from the top left.

    Fills `listed` int32 (points,) with the points, and `starts` int32 (squares + 2,) with where those of each square
    start in it, and where those of the last one end. Returns how many squares are in a row, and how many rows there
    are.
    """
    across, down = int(size[0] / SQUARE) + 1, int(size[1] / SQUARE) + 1
    starts[: across * down + 2] = 0
    for i in range(first, stop):
        square = min(int(ys[i] / SQUARE), down - 1) * across + min(int(xs[i] / SQUARE), across - 1)
        starts[square + 2] += np.int32(1)
    for s in range(across * down):
        starts[s + 2] += starts[s + 1]
    for i in range(first, stop):
        square = min(int(ys[i] / SQUARE), down - 1) * across + min(int(xs[i] / SQUARE), across - 1)
        listed[starts[square + 1]] = i
        starts[square + 1] += np.int32(1)
    return across, down


@njit(cache=True, nogil=True)
def _distance(i, j, flip, codes, masks):  # type: ignore[no-untyped-def]
    """Bits in which the codes of the points i and j differ when the first is changed by `flip`."""
    wide, rest = masks[flip, 0], masks[flip, 1]
    above, below = codes[i, 2], codes[i, 3]
    return (
        ones(codes[i, 0] ^ wide ^ codes[j, 0])
        + ones(codes[i, 1] ^ rest ^ codes[j, 1])
        + ones(((above & ~wide) | (~below & wide)) ^ codes[j, 2])
        + ones(((below & ~wide) | (~above & wide)) ^ codes[j, 3])
    )


@njit(cache=True, nogil=True)
def guide(  # type: ignore[no-untyped-def]
    ranges, starts, listed, across, down, change, size, xs, ys, scales, angles, changes, codes, masks, tolerance,
    rounds, best, chosen, model,
):  # fmt: skip
    """Pair all points of two images, one to one, where `model` lays them onto each other, and fit it to them.

    `ranges` is the first and last point of each image; `starts` and `listed` are those of the second image, as of
    `fill_squares`, and `across` and `down` are what it returns; `size`, in pixels, is of the second; `best` int64 (4,
    points) is room. Returns how many points of the first image fall into the second, how many are paired, and the mean
    distance of the codes of these.
    """
    mirrored = (change & 1) != 0
    mirror = -1.0 if mirrored else 1.0
    a0, a1, b0, b1 = ranges
    within = 0
    inliers = 0
    bits = 0
    for _ in range(rounds):
        scale = model_scale(model)
        if scale == 0.0:
            return within, 0, 0.0
        reach = np.float32(tolerance * max(1.0, scale))
        squared_reach = reach * reach
        octaves = math.log2(scale)
        least_scale = np.int64(math.ceil(SCALE_STEPS * (octaves - SCALE_SLACK)))
        most_scale = np.int64(math.floor(SCALE_STEPS * (octaves + SCALE_SLACK)))
        turn = model_turn(model, mirror)
        least_turn = np.int64(math.ceil(turn - ANGLE_SLACK))
        turns = np.int64(math.floor(turn + ANGLE_SLACK)) - least_turn
        best[0, : a1 - a0] = -1
        best[1, : b1 - b0] = -1
        best[2, : a1 - a0] = GUIDED_DISTANCE + 1
        best[3, : b1 - b0] = GUIDED_DISTANCE + 1
        within = 0
        for i in range(a0, a1):
            u = np.float32(model[0] * xs[i] + model[1] * ys[i] + model[2])
            v = np.float32(model[3] * xs[i] + model[4] * ys[i] + model[5])
            if u < 0 or v < 0 or u > size[0] or v > size[1]:
                continue
            within += 1
            nearest = np.int64(-1)
            nearest_distance = GUIDED_DISTANCE + 1
            left = max(0, int((u - reach) / SQUARE))
            right = min(across - 1, int((u + reach) / SQUARE))
            top = max(0, int((v - reach) / SQUARE))
            bottom = min(down - 1, int((v + reach) / SQUARE))
            for row in range(top, bottom + 1):
                for at in range(starts[row * across + left], starts[row * across + right + 1]):
                    j = listed[at]
                    ex, ey = xs[j] - u, ys[j] - v
                    if ex * ex + ey * ey > squared_reach:
                        continue
                    steps = np.int64(scales[j]) - np.int64(scales[i])
                    if steps < least_scale or steps > most_scale:
                        continue
                    flip = change ^ changes[i] ^ changes[j]
                    angle = turn_between(np.int64(angles[i]), np.int64(angles[j]), mirrored, (flip & 2) != 0)
                    if (angle - least_turn) & LAST_STEP > turns:
                        continue
                    distance = _distance(i, j, flip, codes, masks)
                    if distance < nearest_distance:
                        nearest_distance = distance
                        nearest = np.int64(j)
                    if distance < best[3, j - b0]:
                        best[3, j - b0] = distance
                        best[1, j - b0] = i
            best[0, i - a0] = nearest
            best[2, i - a0] = nearest_distance
        inliers = 0
        bits = 0
        for i in range(a0, a1):
            j = best[0, i - a0]
            if j >= 0 and best[1, j - b0] == i:
                inverted = ((change ^ changes[i] ^ changes[j]) & 2) != 0
                angle = turn_between(np.int64(angles[i]), np.int64(angles[j]), mirrored, inverted)
                fill_pairing(i, j, angle, xs, ys, scales, chosen, inliers)
                inliers += 1
                bits += best[2, i - a0]
        if inliers < 3:
            return within, 0, 0.0
        fit_affine(chosen, inliers, mirror, model)
    return within, inliers if model_scale(model) > 0.0 else 0, bits / inliers
