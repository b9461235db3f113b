"""Geometric verification: which points of two images agree with one transform, and how likely that is by chance.

Each match gives a whole similarity transform, from the positions, scales and angles of its two points. Each is tried
as the hypothesis. The best ones are refined to an affine transform on the matches that agree with them; then all
points of the two images, matched before or not, are compared where the transform lays them onto each other.

A *pairing* is a row of nine numbers: x and y in the first image, x and y in the second, the difference of the scales
in octaves, the turn in radians, the weight of the keypoint's own frame, and the scale times the turn's cosine and
sine.
"""

import math

import numpy as np
from numba import njit, uint64

from pimmi.matching.join import ones

MAX_MATCHES = 256
"""Matches of a pair of images that are looked at, those of nearest codes; copies of one image can have more."""
HYPOTHESES = 64
"""Matches of a pair of images that are tried as hypotheses, those of nearest codes first."""
HYPOTHESES_AT_LEAST = 6
ENOUGH_VOTES = 20
"""A hypothesis with as many votes ends the search for a better one."""
REFINED = 3
"""Hypotheses that are refined."""
ROUNDS = 6
"""Fits of a hypothesis, with a tolerance that shrinks from double to single."""
MANY_PAIRINGS = 30
"""A transform fitted to as many needs one look at all points, others two."""
FEW_ROWS = 32
"""Rows up to which sorting by insertion is faster than by counting."""
BAND = 4.0
"""Pixels of height of the bands by which the points near a place are found."""
FRAME_WEIGHT = 16.0
"""Weight of a keypoint's own scale and angle in the fit, as of points at so many squared sizes from it."""
FEW_PAIRINGS = 6
"""Up to so many pairings their frames have their whole weight in the fit; more of them share it."""
REACH = 0.12
"""Error of a similarity taken from one match, as a share of the distance from it."""
SCALE_SLACK = 0.8
"""Octaves by which the scale of an inlier may differ from the transform's."""
ANGLE_SLACK = 0.6
"""Radians by which the angle of an inlier may differ from the transform's."""
FRAME_CHANCE = 0.06
"""Share of unrelated matches whose scale and angle agree with a transform."""
GUIDED_DISTANCE = 72
"""Bits in which the codes of two points may differ where the transform already lays one onto the other."""
GUIDED_CHANCE = 0.02
"""Share of unrelated points, at one place, that are so near in code, scale and angle."""
SMALLEST_SCALE = 0.03
"""Of one working image in the other; its inverse is the largest."""
MINIMUM_SCORE = 5.0
"""-log10 of the false alarms expected for a pair of images, under which it is not looked at further."""

LINK_COLUMNS = 12
"""first, second, change, score, inliers, guided score, a11, a12, tx, a21, a22, ty"""


@njit(cache=True, nogil=True)
def _turn(a, b):  # type: ignore[no-untyped-def]
    """The angle between two directions, radians, 0 to pi."""
    turn = abs(a - b) % (2 * math.pi)
    return min(turn, 2 * math.pi - turn)


@njit(cache=True, nogil=True)
def _scale(model):  # type: ignore[no-untyped-def]
    """How much larger a transform makes things, or 0 if that is beyond reason."""
    scale = math.sqrt(abs(model[0] * model[4] - model[1] * model[3]))
    return scale if SMALLEST_SCALE <= scale <= 1 / SMALLEST_SCALE else 0.0


@njit(cache=True, nogil=True)
def _set_similarity(pairing, mirror, model):  # type: ignore[no-untyped-def]
    """The transform that one pairing gives."""
    cosine, sine = pairing[7], pairing[8]
    model[0], model[1] = cosine, -sine * mirror
    model[3], model[4] = sine, cosine * mirror
    model[2] = pairing[2] - model[0] * pairing[0] - model[1] * pairing[1]
    model[5] = pairing[3] - model[3] * pairing[0] - model[4] * pairing[1]


@njit(cache=True, nogil=True)
def _fit(pairings, count, mirror, model):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True)
def _pair(i, j, between, positions, scales, angles, changes, pairing):  # type: ignore[no-untyped-def]
    """Fill `pairing` with the points i and j, whose images differ by the change `between`."""
    pairing[0], pairing[1] = positions[i, 0], positions[i, 1]
    pairing[2], pairing[3] = positions[j, 0], positions[j, 1]
    pairing[4] = scales[j] - scales[i]
    angle = angles[i] + (math.pi if ((between ^ changes[i] ^ changes[j]) & 2) != 0 else 0.0)
    pairing[5] = angles[j] + angle if (between & 1) != 0 else angles[j] - angle
    size = 2.0 ** scales[i]
    scale = 2.0 ** pairing[4]
    pairing[6] = FRAME_WEIGHT * size * size
    pairing[7], pairing[8] = scale * math.cos(pairing[5]), scale * math.sin(pairing[5])


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
def _vote(h, pairings, points, between, n, tolerance):  # type: ignore[no-untyped-def]
    """How many points of the first image agree with the similarity of pairing h."""
    cosine, sine = pairings[h, 7], pairings[h, 8]
    scale = math.sqrt(cosine * cosine + sine * sine)
    mirror = -1.0 if (between[h] & 1) != 0 else 1.0
    base = tolerance * max(1.0, scale)
    votes = 0
    last = np.int64(-1)
    for m in range(n):
        if (
            between[m] != between[h]
            or points[m] == last
            or abs(pairings[m, 4] - pairings[h, 4]) > SCALE_SLACK
        ):
            continue
        x = pairings[m, 0] - pairings[h, 0]
        y = (pairings[m, 1] - pairings[h, 1]) * mirror
        ex = cosine * x - sine * y + pairings[h, 2] - pairings[m, 2]
        ey = sine * x + cosine * y + pairings[h, 3] - pairings[m, 3]
        reach = base + REACH * scale * math.sqrt(x * x + y * y)
        if ex * ex + ey * ey > reach * reach or _turn(pairings[m, 5], pairings[h, 5]) > ANGLE_SLACK:
            continue
        votes += 1
        last = points[m]
    return votes


@njit(cache=True, nogil=True)
def _refine(h, pairings, points, between, n, tolerance, chosen, model):  # type: ignore[no-untyped-def]
    """Fit `model` to pairing h and all that agree with it; returns how many do, 0 if the fit fails."""
    mirror = -1.0 if (between[h] & 1) != 0 else 1.0
    _set_similarity(pairings[h], mirror, model)
    count = 0
    for step in range(ROUNDS):
        scale = _scale(model)
        if scale == 0.0:
            return 0
        base = tolerance * max(1.0, scale) * max(1.0, 2.0 - 0.25 * step)
        octaves = math.log2(scale)
        turn = math.atan2(model[3] - mirror * model[1], model[0] + mirror * model[4])
        count = 0
        last = np.int64(-1)
        for m in range(n):
            if between[m] != between[h] or points[m] == last or abs(pairings[m, 4] - octaves) > SCALE_SLACK:
                continue
            x, y = pairings[m, 0], pairings[m, 1]
            ex = model[0] * x + model[1] * y + model[2] - pairings[m, 2]
            ey = model[3] * x + model[4] * y + model[5] - pairings[m, 3]
            reach = base
            if step == 0:
                reach += (
                    2.0 * REACH * scale * math.sqrt((x - pairings[h, 0]) ** 2 + (y - pairings[h, 1]) ** 2)
                )
            if ex * ex + ey * ey > reach * reach or _turn(pairings[m, 5], turn) > ANGLE_SLACK:
                continue
            chosen[count] = pairings[m]
            count += 1
            last = points[m]
        if count < 3:
            return 0
        _fit(chosen, count, mirror, model)
    return count


@njit(cache=True, nogil=True)
def _guide(  # type: ignore[no-untyped-def]
    ranges, bands, change, size, positions, scales, angles, changes, codes, masks, tolerance, rounds, best, chosen,
    model,
):  # fmt: skip
    """Pair all points of two images, one to one, where `model` lays them onto each other, and fit it to them.

    `ranges` is the first and last point of each image; `bands` (`_bands`) and `size`, in pixels, are of the second;
    `best` int64 (4, points) is room. Returns how many points of the first image fall into the second, and how many
    are paired.
    """
    mirror = -1.0 if (change & 1) != 0 else 1.0
    a0, a1, b0, b1 = ranges
    within = 0
    inliers = 0
    for _ in range(rounds):
        scale = _scale(model)
        if scale == 0.0:
            return within, 0
        reach = tolerance * max(1.0, scale)
        octaves = math.log2(scale)
        turn = math.atan2(model[3] - mirror * model[1], model[0] + mirror * model[4])
        best[0, : a1 - a0] = -1
        best[1, : b1 - b0] = -1
        best[2, : a1 - a0] = GUIDED_DISTANCE + 1
        best[3, : b1 - b0] = GUIDED_DISTANCE + 1
        within = 0
        for i in range(a0, a1):
            u = model[0] * positions[i, 0] + model[1] * positions[i, 1] + model[2]
            v = model[3] * positions[i, 0] + model[4] * positions[i, 1] + model[5]
            if u < 0 or v < 0 or u > size[0] or v > size[1]:
                continue
            within += 1
            for j in range(b0 + bands[min(max(0, int((v - reach) / BAND)), len(bands) - 1)], b1):
                ex, ey = positions[j, 0] - u, positions[j, 1] - v
                if ey > reach:
                    break
                if (
                    ey < -reach
                    or ex * ex + ey * ey > reach * reach
                    or abs(scales[j] - scales[i] - octaves) > SCALE_SLACK
                ):
                    continue
                flip = change ^ changes[i] ^ changes[j]
                angle = angles[i] + (math.pi if (flip & 2) != 0 else 0.0)
                angle = angles[j] + angle if (change & 1) != 0 else angles[j] - angle
                if _turn(angle, turn) > ANGLE_SLACK:
                    continue
                wide, rest = masks[flip, 0], masks[flip, 1]
                above, below = codes[i, 2], codes[i, 3]
                distance = (
                    ones(codes[i, 0] ^ wide ^ codes[j, 0])
                    + ones(codes[i, 1] ^ rest ^ codes[j, 1])
                    + ones(((above & ~wide) | (~below & wide)) ^ codes[j, 2])
                    + ones(((below & ~wide) | (~above & wide)) ^ codes[j, 3])
                )
                if distance < best[2, i - a0]:
                    best[2, i - a0] = distance
                    best[0, i - a0] = j
                if distance < best[3, j - b0]:
                    best[3, j - b0] = distance
                    best[1, j - b0] = i
        inliers = 0
        for i in range(a0, a1):
            j = best[0, i - a0]
            if j >= 0 and best[1, j - b0] == i:
                _pair(i, j, change, positions, scales, angles, changes, chosen[inliers])
                inliers += 1
        if inliers < 3:
            return within, 0
        _fit(chosen, inliers, mirror, model)
    return within, inliers if _scale(model) > 0.0 else 0


@njit(cache=True, nogil=True)
def _bands(offsets, positions):  # type: ignore[no-untyped-def]
    """int32 (images, bands): number, in its image, of the first point whose y is at least band * BAND."""
    lowest = np.float32(0.0)
    for i in range(len(positions)):
        lowest = max(lowest, positions[i, 1])
    bands = np.empty((len(offsets) - 1, int(lowest / BAND) + 2), np.int32)
    for image in range(len(offsets) - 1):
        point = offsets[image]
        for band in range(bands.shape[1]):
            while point < offsets[image + 1] and positions[point, 1] < band * BAND:
                point += 1
            bands[image, band] = point - offsets[image]
    return bands


@njit(cache=True, nogil=True)
def _score(points, inliers, chance):  # type: ignore[no-untyped-def]
    """-log10 of the expected number of hypotheses, one a match, with which so many points agree by chance.

    A contrario (Desolneux, Moisan & Morel 2000): the number of choices of `inliers` among `points`, times the
    probability that they all agree with the transform that one of them gives.
    """
    log_choices = math.lgamma(points + 1.0) - math.lgamma(inliers + 1.0) - math.lgamma(points - inliers + 1.0)
    return -(math.log(points) + log_choices + (inliers - 1) * math.log(min(chance, 0.5))) / math.log(10.0)


@njit(cache=True, nogil=True)
def _guided_score(points, inliers, chance):  # type: ignore[no-untyped-def]
    """-log10 of the expected number of transforms under which so many of the points find a partner by chance.

    Three inliers define the transform and prove nothing; the binomial tail is bounded by Hoeffding's inequality.
    """
    k = inliers - 3.0
    n = max(points - 3.0, k)
    tests = 3.0 * math.log10(points + 1.0)
    if k <= 0 or k <= n * chance:
        return -tests
    share = k / n
    tail = k * math.log(share / chance)
    if share < 1.0:
        tail += (n - k) * math.log((1.0 - share) / (1.0 - chance))
    return tail / math.log(10.0) - tests


@njit(cache=True, nogil=True)
def verify(  # type: ignore[no-untyped-def]
    matches, offsets, sizes, positions, scales, angles, changes, codes, masks, tolerance, minimum_inliers, links
):  # fmt: skip
    """Verify every run of `matches` (sorted, `pimmi.matching.join`) that belongs to one pair of images.

    The images stand in the order of their places: offsets int64 (images + 1,); sizes float32 (images, 2), width and
    height of the working images; positions float32 (n, 2) in their pixels, by rising y in each image; scales float32
    (n,), log2(size); angles float32 (n,), radians, of the canonical frames; changes uint8 (n,); codes uint64 (n, 4);
    masks uint64 (4, 2). `tolerance` in pixels of the coarser image. Fills rows of `links` float64 (pairs,
    LINK_COLUMNS) and returns their number.
    """
    most = 1
    for image in range(len(offsets) - 1):
        most = max(most, offsets[image + 1] - offsets[image])
    room = max(MAX_MATCHES, most)
    pairings = np.empty((MAX_MATCHES, 9))
    points = np.empty(MAX_MATCHES, np.int64)
    between = np.empty(MAX_MATCHES, np.int64)
    distances = np.empty(MAX_MATCHES, np.int64)
    order = np.empty(MAX_MATCHES, np.int64)
    support = np.empty(HYPOTHESES, np.int64)
    chosen = np.empty((room, 9))
    best = np.empty((4, most), np.int64)
    model = np.empty(6)
    best_model = np.empty(6)
    bands = _bands(offsets, positions)
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
            i = offsets[first] + np.int64((match >> uint64(23)) & uint64(8191))
            j = offsets[second] + np.int64((match >> uint64(10)) & uint64(8191))
            points[n] = i
            between[n] = np.int64((match >> uint64(8)) & uint64(3))
            distances[n] = distance
            _pair(i, j, between[n], positions, scales, angles, changes, pairings[n])
            if n == 0 or points[n - 1] != i:
                distinct += 1
            n += 1
        if distinct < minimum_inliers:
            continue
        _rank(distances, n, order)
        tried = 0
        most_votes = 0
        while tried < min(n, HYPOTHESES) and not (
            tried >= HYPOTHESES_AT_LEAST and most_votes >= ENOUGH_VOTES
        ):
            support[tried] = _vote(order[tried], pairings, points, between, n, tolerance)
            most_votes = max(most_votes, support[tried])
            tried += 1
        best_score = -1e9
        rounds = 2
        change = np.int64(0)
        for _ in range(1 if most_votes >= ENOUGH_VOTES else min(REFINED, tried)):
            top = np.argmax(support[:tried])
            if support[top] < minimum_inliers:
                break
            support[top] = -1
            count = _refine(order[top], pairings, points, between, n, tolerance, chosen, model)
            if count < 3:
                continue
            reach = tolerance * max(1.0, _scale(model))
            chance = math.pi * reach * reach / (sizes[second, 0] * sizes[second, 1]) * FRAME_CHANCE
            score = _score(distinct, count, chance)
            if score > best_score:
                best_score = score
                change = between[order[top]]
                rounds = 1 if count >= MANY_PAIRINGS else 2
                best_model[:] = model
        if best_score < MINIMUM_SCORE:
            continue
        ranges = (offsets[first], offsets[first + 1], offsets[second], offsets[second + 1])
        within, inliers = _guide(
            ranges, bands[second], change, sizes[second], positions, scales, angles, changes, codes, masks, tolerance,
            rounds, best, chosen, best_model,
        )  # fmt: skip
        if inliers < minimum_inliers:
            continue
        reach = tolerance * max(1.0, _scale(best_model))
        neighbours = (ranges[3] - ranges[2]) * math.pi * reach * reach / (sizes[second, 0] * sizes[second, 1])
        row = links[n_links]
        row[0] = first
        row[1] = second
        row[2] = change
        row[3] = best_score
        row[4] = inliers
        row[5] = _guided_score(within, inliers, min(0.5, neighbours * GUIDED_CHANCE))
        row[6:12] = best_model
        n_links += 1
    return n_links
