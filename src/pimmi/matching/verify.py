"""Geometric verification: which points of two images agree with one transform, and how likely that is by chance.

Each match gives a whole similarity transform, from the positions, scales and angles of its two points. Each is tried
as the hypothesis. The best ones are refined to an affine transform on the matches that agree with them; then all
points of the two images, matched before or not, are compared where the transform lays them onto each other.
"""

import math

import numpy as np
from numba import njit, uint64

from pimmi.matching.chance import agreement_score, guided_score
from pimmi.matching.guided import fill_squares, guide, most_squares
from pimmi.matching.hypotheses import (
    BUCKETS,
    ROUNDS,
    SCALE_CLASSES,
    bucket_of,
    into_buckets,
    may_agree,
    refine,
    scale_class,
    vote,
)
from pimmi.matching.scatter import count_within, scatter
from pimmi.matching.transforms import PAIRING_COLUMNS, fill_pairing, model_scale, turn_between

MAX_MATCHES = 256
"""Matches of a pair of images that are looked at, those of nearest codes; copies of one image can have more."""
HYPOTHESES = 64
"""Matches of a pair of images that are tried as hypotheses, those of nearest codes first."""
HYPOTHESES_AT_LEAST = 6
ENOUGH_VOTES = 20
"""A hypothesis with as many votes ends the search for a better one."""
REFINED = 3
"""Hypotheses that are refined."""
MANY_PAIRINGS = 30
"""A transform fitted to as many needs one look at all points, others two."""
FEW_ROWS = 32
"""Rows up to which sorting by insertion is faster than by counting."""
FRAME_CHANCE = 0.06
"""Share of unrelated matches whose scale and angle agree with a transform."""
GUIDED_CHANCE = 0.02
"""Share of unrelated points, at one place, that are so near in code, scale and angle."""
MINIMUM_SCORE = 5.0
"""-log10 of the false alarms expected for a pair of images, under which it is not looked at further."""

LINK_COLUMNS = 18
"""first, second, change, score, inliers, guided score, a11, a12, tx, a21, a22, ty, rival, code distance, inlier share,
turn scatter, scale scatter, place scatter

`rival` is the share of the best hypothesis's votes that another one has which lays the first image elsewhere: near 1 in
patterns that repeat, where one place is as good as another. `code distance`, in bits, is the mean over the inliers:
points of unrelated images that agree by chance are farther apart than those of copies. `inlier share` is of the points
that lie in the overlap, in the image that has fewer there. The last three are those of
`pimmi.matching.scatter`.
"""
RIVAL, CODE_DISTANCE, INLIER_SHARE, TURN_SCATTER, SCALE_SCATTER, PLACE_SCATTER = range(12, 18)
ELSEWHERE = 3.0
"""Tolerances from where a transform lays a point to where a match does, from which on the match is a rival."""


@njit(cache=True, nogil=True)
def _rank(distances, n, order):  # type: ignore[no-untyped-def]
    """Fill `order` with the rows 0 to n - 1 by rising distance, 0 to 255; of equal ones the first row first."""
    if n <= FEW_ROWS:
        for row in range(n):
            at = row
            while at > 0 and distances[order[at - 1]] > distances[row]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = row
        return
    starts = np.zeros(257, np.int64)
    for row in range(n):
        starts[distances[row] + 1] += 1
    for distance in range(256):
        starts[distance + 1] += starts[distance]
    for row in range(n):
        order[starts[distances[row]]] = row
        starts[distances[row]] += 1


@njit(cache=True, nogil=True)
def _cutoff(run):  # type: ignore[no-untyped-def]
    """The distance of the farthest of the MAX_MATCHES nearest matches, and how many of that distance are among them."""
    if len(run) <= MAX_MATCHES:
        return 255, MAX_MATCHES
    count = np.zeros(256, np.int64)
    for m in range(len(run)):
        if m == 0 or run[m] >> uint64(8) != run[m - 1] >> uint64(8):
            count[run[m] & uint64(255)] += 1
    left = MAX_MATCHES
    for distance in range(256):
        if count[distance] >= left:
            return distance, left
        left -= count[distance]
    return 255, left


@njit(cache=True, nogil=True)
def _rival_votes(votes, tried, row_of, pairings, model, reach):  # type: ignore[no-untyped-def]
    """The most votes of a hypothesis whose own match lies farther than `reach` from where `model` lays its point."""
    most = 0
    for h in range(tried):
        if votes[h] <= most:
            continue
        x, y = pairings[row_of[h], 0], pairings[row_of[h], 1]
        ex = model[0] * x + model[1] * y + model[2] - pairings[row_of[h], 2]
        ey = model[3] * x + model[4] * y + model[5] - pairings[row_of[h], 3]
        if ex * ex + ey * ey > reach * reach:
            most = votes[h]
    return most


@njit(cache=True, nogil=True, inline="always")
def _matched(match):  # type: ignore[no-untyped-def]
    """The points of both images, and the change between them."""
    first = np.int64((match >> uint64(23)) & uint64(8191))
    second = np.int64((match >> uint64(10)) & uint64(8191))
    return first, second, np.int64((match >> uint64(8)) & uint64(3))


@njit(cache=True, nogil=True, inline="always")
def _turn(i, j, change, angles, changes):  # type: ignore[no-untyped-def]
    """The turn between two points that match under a change."""
    inverted = ((change ^ changes[i] ^ changes[j]) & 2) != 0
    return turn_between(np.int64(angles[i]), np.int64(angles[j]), (change & 1) != 0, inverted)


@njit(cache=True, nogil=True)
def verify(  # type: ignore[no-untyped-def]
    matches, offsets, sizes, xs, ys, scales, angles, changes, codes, masks, tolerance, minimum_inliers, links
):  # fmt: skip
    """Verify every run of `matches` (`pimmi.matching.matches.by_pair`) that belongs to one pair of images; sorts each.

    The images stand in the order of their places: offsets int64 (images + 1,); sizes float32 (images, 2), width and
    height of the working images; xs, ys float32 (n,) in their pixels, by rising y in each image; scales, angles,
    changes uint8 (n,) and codes uint64 (n, 4) as in `pimmi.index.points`; masks uint64 (4, 2). `tolerance` in pixels
    of the coarser image. Fills rows of `links` float64 (pairs, LINK_COLUMNS) and returns their number.
    """
    most = 1
    for image in range(len(offsets) - 1):
        most = max(most, offsets[image + 1] - offsets[image])
    room = max(MAX_MATCHES, most)
    found = np.empty((MAX_MATCHES, 2), np.int64)
    turns = np.empty(MAX_MATCHES, np.int64)
    keys = np.empty(MAX_MATCHES, np.int64)
    classes = np.empty(MAX_MATCHES, np.int64)
    kinds = np.zeros((BUCKETS, SCALE_CLASSES + 2), np.int64)
    distances = np.empty(MAX_MATCHES, np.int64)
    order = np.empty(MAX_MATCHES, np.int64)
    row_of = np.empty(MAX_MATCHES, np.int64)
    pairings = np.empty((MAX_MATCHES, PAIRING_COLUMNS))
    points = np.empty(MAX_MATCHES, np.int64)
    buckets = np.empty(BUCKETS + 1, np.int64)
    filled = np.empty(BUCKETS, np.int64)
    taken = np.zeros(most, np.int64)
    stamp = np.int64(1)
    votes = np.empty(HYPOTHESES, np.int64)
    support = np.empty(HYPOTHESES, np.int64)
    chosen = np.empty((room, PAIRING_COLUMNS))
    best = np.empty((4, most), np.int64)
    model = np.empty(6)
    best_model = np.empty(6)
    starts = np.empty(most_squares(sizes) + 2, np.int32)
    listed = np.empty(most, np.int32)
    n_links = 0
    run = 0
    while run < len(matches):
        pair = matches[run] >> uint64(36)
        start = run
        while run < len(matches) and matches[run] >> uint64(36) == pair:
            run += 1
        if run - start < minimum_inliers:
            continue
        first, second = np.int64(pair >> uint64(14)), np.int64(pair & uint64(16383))
        if run - start <= MAX_MATCHES:
            for m in range(start, run):
                first_point, second_point, change = _matched(matches[m])
                i, j = offsets[first] + first_point, offsets[second] + second_point
                keys[m - start] = bucket_of(change, _turn(i, j, change, angles, changes))
                classes[m - start] = scale_class(np.int64(scales[j]) - np.int64(scales[i]))
            if not may_agree(keys, classes, run - start, minimum_inliers, kinds):
                continue
        matches[start:run].sort()
        farthest, last_ones = _cutoff(matches[start:run])
        n = 0
        distinct = 0
        for m in range(start, run):
            match = matches[m]
            distance = np.int64(match & uint64(255))
            if distance > farthest or (m > start and match >> uint64(8) == matches[m - 1] >> uint64(8)):
                continue
            if distance == farthest:
                if last_ones == 0:
                    continue
                last_ones -= 1
            found[n, 0], found[n, 1], change = _matched(match)
            i, j = offsets[first] + found[n, 0], offsets[second] + found[n, 1]
            turns[n] = _turn(i, j, change, angles, changes)
            keys[n] = bucket_of(change, turns[n])
            distances[n] = distance
            if n == 0 or found[n - 1, 0] != found[n, 0]:
                distinct += 1
            n += 1
        if distinct < minimum_inliers:
            continue
        into_buckets(keys, n, buckets)
        _rank(distances, n, order)
        filled[:] = buckets[:BUCKETS]
        for rank in range(n):
            m = order[rank]
            row = filled[keys[m]]
            filled[keys[m]] += 1
            row_of[rank] = row
            points[row] = found[m, 0]
            i, j = offsets[first] + found[m, 0], offsets[second] + found[m, 1]
            fill_pairing(i, j, turns[m], xs, ys, scales, pairings, row)
        tried = 0
        most_votes = 0
        while tried < min(n, HYPOTHESES) and not (
            tried >= HYPOTHESES_AT_LEAST and most_votes >= ENOUGH_VOTES
        ):
            votes[tried] = vote(
                row_of[tried],
                keys[order[tried]],
                pairings,
                points,
                buckets,
                tolerance,
                minimum_inliers,
                taken,
                stamp,
            )
            stamp += 1
            most_votes = max(most_votes, votes[tried])
            tried += 1
        support[:tried] = votes[:tried]
        best_score = -1e9
        rounds = 2
        change = np.int64(0)
        for _ in range(1 if most_votes >= ENOUGH_VOTES else min(REFINED, tried)):
            top = np.argmax(support[:tried])
            if support[top] < minimum_inliers:
                break
            support[top] = -1
            bucket = keys[order[top]]
            count = refine(
                row_of[top], bucket, pairings, points, buckets, tolerance, taken, stamp, chosen, model
            )
            stamp += ROUNDS
            if count < 3:
                continue
            reach = tolerance * max(1.0, model_scale(model))
            chance = math.pi * reach * reach / (sizes[second, 0] * sizes[second, 1]) * FRAME_CHANCE
            score = agreement_score(distinct, count, chance)
            if score > best_score:
                best_score = score
                change = bucket // (BUCKETS // 4)
                rounds = 1 if count >= MANY_PAIRINGS else 2
                best_model[:] = model
        if best_score < MINIMUM_SCORE:
            continue
        reach = ELSEWHERE * tolerance * max(1.0, model_scale(best_model))
        rivals = _rival_votes(votes, tried, row_of, pairings, best_model, reach)
        ranges = (offsets[first], offsets[first + 1], offsets[second], offsets[second + 1])
        across, down = fill_squares(ranges[2], ranges[3], sizes[second], xs, ys, starts, listed)
        within, inliers, code_distance = guide(
            ranges, starts, listed, across, down, change, sizes[second], xs, ys, scales, angles, changes, codes, masks,
            tolerance, rounds, best, chosen, best_model,
        )  # fmt: skip
        if inliers < minimum_inliers:
            continue
        reach = tolerance * max(1.0, model_scale(best_model))
        neighbours = (ranges[3] - ranges[2]) * math.pi * reach * reach / (sizes[second, 0] * sizes[second, 1])
        row = links[n_links]
        row[0] = first
        row[1] = second
        row[2] = change
        row[3] = best_score
        row[4] = inliers
        row[5] = guided_score(within, inliers, min(0.5, neighbours * GUIDED_CHANCE))
        row[6:12] = best_model
        row[RIVAL] = rivals / max(most_votes, 1)
        row[CODE_DISTANCE] = code_distance
        fewer = min(within, count_within(ranges[2], ranges[3], xs, ys, best_model, sizes[first]))
        row[INLIER_SHARE] = min(inliers / max(fewer, 1), 1.0)
        mirror = -1.0 if (change & 1) != 0 else 1.0
        row[TURN_SCATTER], row[SCALE_SCATTER], row[PLACE_SCATTER] = scatter(
            chosen, inliers, mirror, best_model
        )
        n_links += 1
    return n_links
