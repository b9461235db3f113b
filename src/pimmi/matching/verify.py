"""Geometric verification: which points of two images agree with one transform, and how likely that is by chance.

Each match gives a whole similarity transform, from the positions, scales and angles of its two points. Each is tried
as the hypothesis. The best ones are refined to an affine transform on the matches that agree with them; then all
points of the two images, matched before or not, are compared where the transform lays them onto each other.
"""

import math

import numpy as np
from numba import njit, uint64

from pimmi.matching.join import ones

MAX_MATCHES = 1024
"""Matches of a pair of images that are looked at; copies of one image can have more."""
HYPOTHESES = 96
ENOUGH_VOTES = 20
"""A hypothesis with as many votes ends the search for a better one."""
REFINED = 3
ROUNDS = 6
MINIMUM_SCORE = 1.0
"""-log10 of the false alarms expected for a pair of images, under which it is not looked at further."""
FRAME_WEIGHT = 4.0
"""Weight of a keypoint's own scale and angle in the fit, as of a point so many squared sigmas away."""
REACH = 0.12
"""Error of a similarity taken from one match, as a share of the distance from it."""
SCALE_SLACK = 0.8
"""Octaves by which the scale of an inlier may differ from the transform's."""
ANGLE_SLACK = 0.6
"""Radians by which the angle of an inlier may differ from the transform's."""
GUIDED_DISTANCE = 72
"""Bits in which the codes of two points may differ where the transform already lays one onto the other."""
GUIDED_CHANCE = 0.02
"""Share of unrelated points that lie so near in code, scale and angle."""

LINK_COLUMNS = 12
"""first, second, change, score, inliers, guided score, a11, a12, tx, a21, a22, ty"""


@njit(cache=True, nogil=True)
def _fit(ax, ay, bx, by, ds, da, mirror, weight, count, model):  # type: ignore[no-untyped-def]
    """Least-squares affine `model` from a to b over the first `count` rows, steadied by each keypoint's own frame."""
    mx = my = ux = uy = 0.0
    for i in range(count):
        mx += ax[i]
        my += ay[i]
        ux += bx[i]
        uy += by[i]
    mx, my, ux, uy = mx / count, my / count, ux / count, uy / count
    sxx = sxy = syy = cxx = cxy = cyx = cyy = 0.0
    for i in range(count):
        x, y, u, v = ax[i] - mx, ay[i] - my, bx[i] - ux, by[i] - uy
        w = weight[i]
        s = w * 2.0 ** ds[i]
        c0, s0 = s * math.cos(da[i]), s * math.sin(da[i])
        sxx += x * x + w
        sxy += x * y
        syy += y * y + w
        cxx += u * x + c0
        cxy += u * y - s0 * mirror
        cyx += v * x + s0
        cyy += v * y + c0 * mirror
    determinant = sxx * syy - sxy * sxy
    model[0] = (cxx * syy - cxy * sxy) / determinant
    model[1] = (cxy * sxx - cxx * sxy) / determinant
    model[3] = (cyx * syy - cyy * sxy) / determinant
    model[4] = (cyy * sxx - cyx * sxy) / determinant
    model[2] = ux - model[0] * mx - model[1] * my
    model[5] = uy - model[3] * mx - model[4] * my


@njit(cache=True, nogil=True)
def _turn(a, b):  # type: ignore[no-untyped-def]
    """The angle between two directions, radians, 0 to pi."""
    turn = abs(a - b) % (2 * math.pi)
    return min(turn, 2 * math.pi - turn)


@njit(cache=True, nogil=True)
def _log10_false_alarms(points, inliers, chance):  # type: ignore[no-untyped-def]
    """log10 of the expected number of sets of `inliers` or more among `points` that agree by chance.

    Three inliers define the transform and prove nothing; the binomial tail is bounded by Hoeffding's inequality.
    """
    k = inliers - 3.0
    n = max(points - 3.0, k)
    tests = 3.0 * math.log10(points + 1.0)
    if k <= 0 or k <= n * chance:
        return tests
    share = k / n
    tail = k * math.log(share / chance)
    if share < 1.0:
        tail += (n - k) * math.log((1.0 - share) / (1.0 - chance))
    return tests - tail / math.log(10.0)


@njit(cache=True, nogil=True)
def verify(  # type: ignore[no-untyped-def]
    matches, offsets, sizes, positions, scales, angles, changes, codes, masks, tolerance, minimum_inliers, links
):  # fmt: skip
    """Verify every run of `matches` (sorted, `pimmi.matching.join`) that belongs to one pair of images.

    The images stand in the order of their places: offsets int64 (images + 1,); sizes float32 (images, 2), width and
    height of the working images; positions float32 (n, 2) in their pixels, by rising y in each image; scales float32 (n,), log2(sigma); angles
    float32 (n,), radians, of the canonical frames; changes uint8 (n,); codes uint64 (n, 4). `tolerance` in pixels of
    the coarser image. Fills rows of `links` float64 (pairs, LINK_COLUMNS) and returns their number.
    """
    most = 1
    for image in range(len(offsets) - 1):
        most = max(most, offsets[image + 1] - offsets[image])
    room = max(MAX_MATCHES, most)
    pa = np.empty(room, np.int64)
    ax = np.empty(room)
    ay = np.empty(room)
    bx = np.empty(room)
    by = np.empty(room)
    ds = np.empty(room)
    da = np.empty(room)
    cosine = np.empty(room)
    sine = np.empty(room)
    weight = np.empty(room)
    change = np.empty(room, np.int64)
    distance = np.empty(room, np.int64)
    order = np.empty(room, np.int64)
    histogram = np.empty(258, np.int64)
    support = np.empty(HYPOTHESES, np.int64)
    fx = np.empty(room)
    fy = np.empty(room)
    gx = np.empty(room)
    gy = np.empty(room)
    fs = np.empty(room)
    fa = np.empty(room)
    fw = np.empty(room)
    best_of_a = np.empty(most, np.int64)
    best_of_b = np.empty(most, np.int64)
    cost_of_a = np.empty(most, np.int64)
    cost_of_b = np.empty(most, np.int64)
    model = np.empty(6)
    best_model = np.empty(6)
    n_links = 0
    run = 0
    while run < len(matches):
        pair = matches[run] >> uint64(36)
        end = run + 1
        while end < len(matches) and matches[end] >> uint64(36) == pair:
            end += 1
        start, run = run, end
        if end - start < minimum_inliers:
            continue
        first = np.int64(pair >> uint64(14))
        second = np.int64(pair & uint64(16383))
        n = 0
        distinct = 0
        for m in range(start, end):
            match = matches[m]
            if m > start and match >> uint64(8) == matches[m - 1] >> uint64(8):
                continue
            if n == MAX_MATCHES:
                break
            i = offsets[first] + np.int64((match >> uint64(23)) & uint64(8191))
            j = offsets[second] + np.int64((match >> uint64(10)) & uint64(8191))
            pa[n] = i
            change[n] = np.int64((match >> uint64(8)) & uint64(3))
            distance[n] = np.int64(match & uint64(255))
            ax[n], ay[n] = positions[i, 0], positions[i, 1]
            bx[n], by[n] = positions[j, 0], positions[j, 1]
            weight[n] = FRAME_WEIGHT * 4.0 ** scales[i]
            ds[n] = scales[j] - scales[i]
            turned = angles[i]
            if ((change[n] ^ changes[i] ^ changes[j]) & 2) != 0:
                turned += math.pi
            da[n] = angles[j] + turned if (change[n] & 1) != 0 else angles[j] - turned
            s = 2.0 ** ds[n]
            cosine[n], sine[n] = s * math.cos(da[n]), s * math.sin(da[n])
            if n == 0 or pa[n - 1] != i:
                distinct += 1
            n += 1
        if distinct < minimum_inliers:
            continue
        # hypotheses by rising distance of their codes
        histogram[:] = 0
        for m in range(n):
            histogram[distance[m] + 1] += 1
        for d in range(256):
            histogram[d + 1] += histogram[d]
        for m in range(n):
            order[histogram[distance[m]]] = m
            histogram[distance[m]] += 1
        tried = 0
        most_votes = 0
        while tried < min(n, HYPOTHESES) and not (tried >= 6 and most_votes >= ENOUGH_VOTES):
            i = order[tried]
            c0, s0 = cosine[i], sine[i]
            s = math.sqrt(c0 * c0 + s0 * s0)
            mirror = -1.0 if (change[i] & 1) != 0 else 1.0
            base = tolerance * max(1.0, s)
            votes = 0
            last = np.int64(-1)
            for m in range(n):
                if change[m] != change[i] or pa[m] == last or abs(ds[m] - ds[i]) > SCALE_SLACK:
                    continue
                x = ax[m] - ax[i]
                y = (ay[m] - ay[i]) * mirror
                ex = c0 * x - s0 * y + bx[i] - bx[m]
                ey = s0 * x + c0 * y + by[i] - by[m]
                reach = base + REACH * s * math.sqrt(x * x + y * y)
                if ex * ex + ey * ey > reach * reach or _turn(da[m], da[i]) > ANGLE_SLACK:
                    continue
                votes += 1
                last = pa[m]
            support[tried] = votes
            most_votes = max(most_votes, votes)
            tried += 1
        best_score = -1e9
        between = 0
        for _ in range(1 if most_votes >= ENOUGH_VOTES else min(REFINED, tried)):
            top = 0
            for h in range(1, tried):
                if support[h] > support[top]:
                    top = h
            if support[top] < minimum_inliers:
                break
            support[top] = -1
            h = order[top]
            mirror = -1.0 if (change[h] & 1) != 0 else 1.0
            model[0], model[1] = cosine[h], -sine[h] * mirror
            model[3], model[4] = sine[h], cosine[h] * mirror
            model[2] = bx[h] - model[0] * ax[h] - model[1] * ay[h]
            model[5] = by[h] - model[3] * ax[h] - model[4] * ay[h]
            count = 0
            for step in range(ROUNDS):
                s = math.sqrt(abs(model[0] * model[4] - model[1] * model[3]))
                if s < 0.03 or s > 33:
                    count = 0
                    break
                base = tolerance * max(1.0, s) * max(1.0, 2.0 - 0.25 * step)
                log_s = math.log2(s)
                turn = math.atan2(model[3] - mirror * model[1], model[0] + mirror * model[4])
                count = 0
                last = np.int64(-1)
                for m in range(n):
                    if change[m] != change[h] or pa[m] == last or abs(ds[m] - log_s) > SCALE_SLACK:
                        continue
                    ex = model[0] * ax[m] + model[1] * ay[m] + model[2] - bx[m]
                    ey = model[3] * ax[m] + model[4] * ay[m] + model[5] - by[m]
                    reach = base
                    if step == 0:
                        reach += 2.0 * REACH * s * math.sqrt((ax[m] - ax[h]) ** 2 + (ay[m] - ay[h]) ** 2)
                    if ex * ex + ey * ey > reach * reach or _turn(da[m], turn) > ANGLE_SLACK:
                        continue
                    fx[count], fy[count], gx[count], gy[count] = ax[m], ay[m], bx[m], by[m]
                    fs[count], fa[count], fw[count] = ds[m], da[m], weight[m]
                    count += 1
                    last = pa[m]
                if count < 3:
                    break
                _fit(fx, fy, gx, gy, fs, fa, mirror, fw, count, model)
            if count < 3:
                continue
            s = math.sqrt(abs(model[0] * model[4] - model[1] * model[3]))
            p = math.pi * (tolerance * max(1.0, s)) ** 2 / (sizes[second, 0] * sizes[second, 1]) * 0.06
            matched = -(
                math.log(distinct)
                + math.lgamma(distinct + 1.0)
                - math.lgamma(count + 1.0)
                - math.lgamma(distinct - count + 1.0)
                + (count - 1) * math.log(min(p, 0.5))
            ) / math.log(10.0)
            if matched > best_score:
                best_score = matched
                between = change[h]
                best_model[:] = model
        if best_score < MINIMUM_SCORE:
            continue
        model[:] = best_model
        mirror = -1.0 if (between & 1) != 0 else 1.0
        # all points where the transform lays them onto each other
        a0, a1, b0, b1 = offsets[first], offsets[first + 1], offsets[second], offsets[second + 1]
        inliers = 0
        points = 0
        s = 1.0
        for step in range(2):
            s = math.sqrt(abs(model[0] * model[4] - model[1] * model[3]))
            if s < 0.03 or s > 33:
                inliers = 0
                break
            reach = tolerance * max(1.0, s)
            log_s = math.log2(s)
            turn = math.atan2(model[3] - mirror * model[1], model[0] + mirror * model[4])
            best_of_a[: a1 - a0] = -1
            best_of_b[: b1 - b0] = -1
            cost_of_a[: a1 - a0] = GUIDED_DISTANCE + 1
            cost_of_b[: b1 - b0] = GUIDED_DISTANCE + 1
            points = 0
            for i in range(a0, a1):
                u = model[0] * positions[i, 0] + model[1] * positions[i, 1] + model[2]
                v = model[3] * positions[i, 0] + model[4] * positions[i, 1] + model[5]
                if u < 0 or v < 0 or u > sizes[second, 0] or v > sizes[second, 1]:
                    continue
                points += 1
                low, high = b0, b1
                while low < high:
                    middle = (low + high) // 2
                    if positions[middle, 1] < v - reach:
                        low = middle + 1
                    else:
                        high = middle
                for j in range(low, b1):
                    ey = positions[j, 1] - v
                    if ey > reach:
                        break
                    ex = positions[j, 0] - u
                    if ex * ex + ey * ey > reach * reach:
                        continue
                    if abs(scales[j] - scales[i] - log_s) > SCALE_SLACK:
                        continue
                    flip = between ^ changes[i] ^ changes[j]
                    turned = angles[i] + (math.pi if (flip & 2) != 0 else 0.0)
                    angle = angles[j] + turned if (between & 1) != 0 else angles[j] - turned
                    if _turn(angle, turn) > ANGLE_SLACK:
                        continue
                    wide_mask, rest_mask = masks[flip, 0], masks[flip, 1]
                    above, below = codes[i, 2], codes[i, 3]
                    cost = (
                        ones(codes[i, 0] ^ wide_mask ^ codes[j, 0])
                        + ones(codes[i, 1] ^ rest_mask ^ codes[j, 1])
                        + ones(((above & ~wide_mask) | (~below & wide_mask)) ^ codes[j, 2])
                        + ones(((below & ~wide_mask) | (~above & wide_mask)) ^ codes[j, 3])
                    )
                    if cost < cost_of_a[i - a0]:
                        cost_of_a[i - a0] = cost
                        best_of_a[i - a0] = j
                    if cost < cost_of_b[j - b0]:
                        cost_of_b[j - b0] = cost
                        best_of_b[j - b0] = i
            inliers = 0
            for i in range(a0, a1):
                j = best_of_a[i - a0]
                if j < 0 or best_of_b[j - b0] != i:
                    continue
                flip = between ^ changes[i] ^ changes[j]
                turned = angles[i] + (math.pi if (flip & 2) != 0 else 0.0)
                fx[inliers], fy[inliers] = positions[i, 0], positions[i, 1]
                gx[inliers], gy[inliers] = positions[j, 0], positions[j, 1]
                fs[inliers] = scales[j] - scales[i]
                fa[inliers] = angles[j] + turned if (between & 1) != 0 else angles[j] - turned
                fw[inliers] = FRAME_WEIGHT * 4.0 ** scales[i]
                inliers += 1
            if inliers < 3:
                break
            _fit(fx, fy, gx, gy, fs, fa, mirror, fw, inliers, model)
        if inliers < minimum_inliers:
            continue
        reach = tolerance * max(1.0, s)
        near = (b1 - b0) * math.pi * reach * reach / (sizes[second, 0] * sizes[second, 1])
        row = links[n_links]
        row[0] = first
        row[1] = second
        row[2] = between
        row[3] = best_score
        row[4] = inliers
        row[5] = -_log10_false_alarms(points, inliers, min(0.5, near * GUIDED_CHANCE))
        row[6:12] = model
        n_links += 1
    return n_links
