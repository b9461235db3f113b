"""The transforms that the matches of two images propose, and which of them many matches agree with.

Pairings are kept in *buckets* of one change and a sixteenth of a turn, so that a hypothesis looks only at the pairings
that can agree with it. `buckets` int64 (BUCKETS + 1,) are their first rows; `points` int64 (n,) the point of the
first image of each row.
"""

import math

from numba import njit

from pimmi.index.points import ANGLE_STEPS, SCALE_STEPS
from pimmi.matching.transforms import (
    LARGEST_SCALE_STEP,
    PAIRING_COLUMNS,
    fit_affine,
    model_scale,
    model_turn,
    set_similarity,
)

TURNS = 16
"""Buckets of each change."""
BUCKETS = 4 * TURNS
TURN_STEPS = ANGLE_STEPS // TURNS
ROUNDS = 6
"""Fits of a hypothesis, with a tolerance that shrinks from double to single."""
REACH = 0.12
"""Error of a similarity taken from one match, as a share of the distance from it."""
SCALE_SLACK = 0.8
"""Octaves by which the scale of an inlier may differ from the transform's."""
CLASS_STEPS = int(SCALE_SLACK * SCALE_STEPS) + 1
"""Steps of the stored scale that a class of scales has."""
SCALE_CLASSES = 2 * LARGEST_SCALE_STEP // CLASS_STEPS + 1
ANGLE_SLACK = 24
"""Steps of an angle, 0.6 radians, by which the angle of an inlier may differ from the transform's."""
NEIGHBOURS = -(-ANGLE_SLACK // TURN_STEPS)
"""Buckets to each side that hold turns within ANGLE_SLACK."""


@njit(cache=True, nogil=True)
def bucket_of(change, turn):  # type: ignore[no-untyped-def]
    """The bucket of a pairing."""
    return change * TURNS + turn // TURN_STEPS


@njit(cache=True, nogil=True)
def scale_class(steps):  # type: ignore[no-untyped-def]
    """The class, 0 to SCALE_CLASSES - 1, of a difference of stored scales; what agrees is in the same or the next."""
    return (steps + LARGEST_SCALE_STEP) // CLASS_STEPS


@njit(cache=True, nogil=True)
def may_agree(keys, scales, n, least, kinds):  # type: ignore[no-untyped-def]
    """Whether one of n pairings, of the buckets `keys` and the scale classes `scales`, could have `least` votes.

    `kinds` int64 (BUCKETS, SCALE_CLASSES + 2), all zeros, is room, and zeros again afterwards.
    """
    for m in range(n):
        kinds[keys[m], scales[m] + 1] += 1
    found = False
    for m in range(n):
        first = keys[m] // TURNS * TURNS
        votes = 0
        for step in range(-NEIGHBOURS, NEIGHBOURS + 1):
            at = first + (keys[m] + step) % TURNS
            votes += kinds[at, scales[m]] + kinds[at, scales[m] + 1] + kinds[at, scales[m] + 2]
        if votes >= least:
            found = True
            break
    for m in range(n):
        kinds[keys[m], scales[m] + 1] = 0
    return found


@njit(cache=True, nogil=True)
def _turned(a, b):  # type: ignore[no-untyped-def]
    """Steps between two turns that are less than 1.5 turns apart."""
    steps = abs(a - b)
    if steps > ANGLE_STEPS:
        steps -= ANGLE_STEPS
    return min(steps, ANGLE_STEPS - steps)


@njit(cache=True, nogil=True)
def vote(h, bucket, pairings, points, buckets, tolerance, least, taken, stamp):  # type: ignore[no-untyped-def]
    """How many points of the first image agree with the similarity of pairing h; 0 if surely less than `least`.

    `taken` int64 (points,) is room in which `stamp`, new for each call, marks the points that have voted.
    """
    change = bucket // TURNS
    first = change * TURNS
    most = 0
    for step in range(-NEIGHBOURS, NEIGHBOURS + 1):
        at = first + (bucket + step) % TURNS
        most += buckets[at + 1] - buckets[at]
    if most < least:
        return 0
    cosine, sine = pairings[h, 7], pairings[h, 8]
    scale = math.sqrt(cosine * cosine + sine * sine)
    mirror = -1.0 if (change & 1) != 0 else 1.0
    base = tolerance * max(1.0, scale)
    votes = 0
    for step in range(-NEIGHBOURS, NEIGHBOURS + 1):
        at = first + (bucket + step) % TURNS
        for m in range(buckets[at], buckets[at + 1]):
            if abs(pairings[m, 4] - pairings[h, 4]) > SCALE_SLACK:
                continue
            x = pairings[m, 0] - pairings[h, 0]
            y = (pairings[m, 1] - pairings[h, 1]) * mirror
            ex = cosine * x - sine * y + pairings[h, 2] - pairings[m, 2]
            ey = sine * x + cosine * y + pairings[h, 3] - pairings[m, 3]
            reach = base + REACH * scale * math.sqrt(x * x + y * y)
            if (
                ex * ex + ey * ey > reach * reach
                or _turned(pairings[m, 5], pairings[h, 5]) > ANGLE_SLACK
                or taken[points[m]] == stamp
            ):
                continue
            votes += 1
            taken[points[m]] = stamp
    return votes


@njit(cache=True, nogil=True)
def refine(h, bucket, pairings, points, buckets, tolerance, taken, stamp, chosen, model):  # type: ignore[no-untyped-def]
    """Fit `model` to pairing h and all that agree with it; returns how many do, 0 if the fit fails.

    `stamp` and the ROUNDS - 1 numbers after it are new to `taken`.
    """
    change = bucket // TURNS
    mirror = -1.0 if (change & 1) != 0 else 1.0
    set_similarity(pairings[h], mirror, model)
    count = 0
    for step in range(ROUNDS):
        scale = model_scale(model)
        if scale == 0.0:
            return 0
        base = tolerance * max(1.0, scale) * max(1.0, 2.0 - 0.25 * step)
        octaves = math.log2(scale)
        turn = model_turn(model, mirror)
        count = 0
        for m in range(buckets[change * TURNS], buckets[(change + 1) * TURNS]):
            if abs(pairings[m, 4] - octaves) > SCALE_SLACK:
                continue
            x, y = pairings[m, 0], pairings[m, 1]
            ex = model[0] * x + model[1] * y + model[2] - pairings[m, 2]
            ey = model[3] * x + model[4] * y + model[5] - pairings[m, 3]
            reach = base
            if step == 0:
                reach += (
                    2.0 * REACH * scale * math.sqrt((x - pairings[h, 0]) ** 2 + (y - pairings[h, 1]) ** 2)
                )
            if (
                ex * ex + ey * ey > reach * reach
                or _turned(pairings[m, 5], turn) > ANGLE_SLACK
                or taken[points[m]] == stamp + step
            ):
                continue
            for column in range(PAIRING_COLUMNS):
                chosen[count, column] = pairings[m, column]
            count += 1
            taken[points[m]] = stamp + step
        if count < 3:
            return 0
        fit_affine(chosen, count, mirror, model)
    return count


@njit(cache=True, nogil=True)
def into_buckets(keys, n, buckets):  # type: ignore[no-untyped-def]
    """Fill `buckets` with the first row of each bucket, when the n rows are sorted by `keys`."""
    buckets[:] = 0
    for m in range(n):
        buckets[keys[m] + 1] += 1
    for bucket in range(BUCKETS):
        buckets[bucket + 1] += buckets[bucket]
