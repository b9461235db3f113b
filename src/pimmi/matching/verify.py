"""Geometric verification: which matches of two images agree with one transform, and how likely that is by chance.

Each match gives a whole similarity transform, from the positions, scales and angles of its two points. Each is tried
as the hypothesis; the best ones are refined to an affine transform on the matches that agree with them, one to one.
"""

import math

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

MAX_MATCHES = 1024
HYPOTHESES = 96
REFINED = 4
ROUNDS = 4
FRAME_WEIGHT = 8.0

LINK_FIELDS = 12
"""first, second, change, matches, inliers, score, a11, a12, tx, a21, a22, ty"""


@njit(cache=True, nogil=True)
def _fit_affine(ax, ay, bx, by, ds, da, change, ra, chosen, count, model):  # type: ignore[no-untyped-def]
    """Least-squares affine from a to b over the first `count` rows named by `chosen`; each keypoint's own frame steadies it."""
    mx = my = ux = uy = 0.0
    for i in range(count):
        k = chosen[i]
        mx += ax[k]
        my += ay[k]
        ux += bx[k]
        uy += by[k]
    mx /= count
    my /= count
    ux /= count
    uy /= count
    sxx = sxy = syy = cxx = cxy = cyx = cyy = 0.0
    for i in range(count):
        k = chosen[i]
        x, y, u, v = ax[k] - mx, ay[k] - my, bx[k] - ux, by[k] - uy
        sxx += x * x
        sxy += x * y
        syy += y * y
        cxx += u * x
        cxy += u * y
        cyx += v * x
        cyy += v * y
    for i in range(count):
        k = chosen[i]
        mirror = -1.0 if (change[k] & 1) != 0 else 1.0
        s = 2.0 ** ds[k]
        w = FRAME_WEIGHT * ra[k] * ra[k]
        c0, s0 = s * math.cos(da[k]), s * math.sin(da[k])
        cxx += w * c0
        cxy -= w * s0 * mirror
        cyx += w * s0
        cyy += w * c0 * mirror
        sxx += w
        syy += w
    determinant = sxx * syy - sxy * sxy
    model[0] = (cxx * syy - cxy * sxy) / determinant
    model[1] = (cxy * sxx - cxx * sxy) / determinant
    model[3] = (cyx * syy - cyy * sxy) / determinant
    model[4] = (cyy * sxx - cyx * sxy) / determinant
    model[2] = ux - model[0] * mx - model[1] * my
    model[5] = uy - model[3] * mx - model[4] * my


@njit(cache=True, nogil=True)
def _log_choose(n, k):  # type: ignore[no-untyped-def]
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)


@njit(cache=True, nogil=True)
def verify(  # type: ignore[no-untyped-def]
    matches, first_xy, first_scale, first_angle, first_changes, first_offsets, first_size,
    second_xy, second_scale, second_angle, second_changes, second_offsets, second_size,
    tolerance, minimum_inliers, links, inlier_points,
):  # fmt: skip
    """Verify every run of `matches` (sorted, `pimmi.matching.join`) that belongs to one pair of images.

    Positions float32 (n, 2) in pixels of the working images; scales float32 (n,), log2(sigma); angles float32 (n,),
    radians; sizes float32 (images, 2), width and height of the working images; `tolerance` in pixels. Fills the rows
    of `links` float64 (pairs, 12), `LINK_FIELDS`, and returns their number.
    """
    n_links = 0
    total = len(matches)
    p_a = np.empty(MAX_MATCHES, np.int64)
    p_b = np.empty(MAX_MATCHES, np.int64)
    ax = np.empty(MAX_MATCHES)
    ay = np.empty(MAX_MATCHES)
    bx = np.empty(MAX_MATCHES)
    by = np.empty(MAX_MATCHES)
    ds = np.empty(MAX_MATCHES)
    da = np.empty(MAX_MATCHES)
    ra = np.empty(MAX_MATCHES)
    change = np.empty(MAX_MATCHES, np.int64)
    distance = np.empty(MAX_MATCHES, np.int64)
    order = np.empty(MAX_MATCHES, np.int64)
    histogram = np.empty(257, np.int64)
    support = np.empty(HYPOTHESES, np.int64)
    chosen = np.empty(MAX_MATCHES, np.int64)
    error = np.empty(MAX_MATCHES)
    place = np.empty(MAX_MATCHES, np.int64)
    taken_b = np.empty(MAX_MATCHES, np.int64)
    model = np.empty(6)
    best_model = np.empty(6)
    run = 0
    while run < total:
        pair = matches[run] >> uint64(36)
        end = run + 1
        while end < total and matches[end] >> uint64(36) == pair:
            end += 1
        if end - run < minimum_inliers:
            run = end
            continue
        first = np.int64(pair >> uint64(14))
        second = np.int64(pair & uint64(16383))
        # gather, once for each pair of points and change
        n = 0
        previous = uint64(0)
        distinct = 0
        for m in range(run, end):
            match = matches[m]
            if m > run and match >> uint64(8) == previous:
                continue
            previous = match >> uint64(8)
            if n == MAX_MATCHES:
                break
            i = first_offsets[first] + np.int64((match >> uint64(23)) & uint64(8191))
            j = second_offsets[second] + np.int64((match >> uint64(10)) & uint64(8191))
            p_a[n] = i
            p_b[n] = j
            change[n] = np.int64((match >> uint64(8)) & uint64(3))
            distance[n] = np.int64(match & uint64(255))
            ax[n] = first_xy[i, 0]
            ay[n] = first_xy[i, 1]
            bx[n] = second_xy[j, 0]
            by[n] = second_xy[j, 1]
            ra[n] = 2.0 ** first_scale[i]
            ds[n] = second_scale[j] - first_scale[i]
            ta = first_angle[i]
            # the change between the points, beyond what their own bits say, was applied to the first
            if ((change[n] ^ first_changes[i] ^ second_changes[j]) & 2) != 0:
                ta += math.pi
            tb = second_angle[j]
            da[n] = tb + ta if (change[n] & 1) != 0 else tb - ta
            if n == 0 or p_a[n - 1] != i:
                distinct += 1
            n += 1
        run = end
        if distinct < minimum_inliers:
            continue
        # the matches with the smallest distances are the hypotheses
        histogram[:] = 0
        for m in range(n):
            histogram[distance[m] + 1] += 1
        for d in range(256):
            histogram[d + 1] += histogram[d]
        for m in range(n):
            order[histogram[distance[m]]] = m
            histogram[distance[m]] += 1
        hypotheses = min(n, HYPOTHESES)
        for h in range(hypotheses):
            i = order[h]
            s = 2.0 ** ds[i]
            c0, s0 = s * math.cos(da[i]), s * math.sin(da[i])
            mirror = -1.0 if (change[i] & 1) != 0 else 1.0
            base = tolerance * max(1.0, s)
            votes = 0
            last = np.int64(-1)
            for m in range(n):
                if change[m] != change[i] or p_a[m] == last:
                    continue
                if abs(ds[m] - ds[i]) > 0.6:
                    continue
                turn = abs(da[m] - da[i]) % (2 * math.pi)
                if min(turn, 2 * math.pi - turn) > 0.5:
                    continue
                x = ax[m] - ax[i]
                y = (ay[m] - ay[i]) * mirror
                ex = c0 * x - s0 * y + bx[i] - bx[m]
                ey = s0 * x + c0 * y + by[i] - by[m]
                reach = base + 0.12 * s * math.sqrt(x * x + y * y)
                if ex * ex + ey * ey <= reach * reach:
                    votes += 1
                    last = p_a[m]
            support[h] = votes
        best_score = -1e9
        best_inliers = 0
        best_change = 0
        for _ in range(min(REFINED, hypotheses)):
            top = 0
            for h in range(1, hypotheses):
                if support[h] > support[top]:
                    top = h
            if support[top] < minimum_inliers:
                break
            support[top] = -1
            i = order[top]
            s = 2.0 ** ds[i]
            mirror = -1.0 if (change[i] & 1) != 0 else 1.0
            c0, s0 = s * math.cos(da[i]), s * math.sin(da[i])
            model[0], model[1] = c0, -s0 * mirror
            model[3], model[4] = s0, c0 * mirror
            model[2] = bx[i] - model[0] * ax[i] - model[1] * ay[i]
            model[5] = by[i] - model[3] * ax[i] - model[4] * ay[i]
            count = 0
            for step in range(ROUNDS + 1):
                scale2 = abs(model[0] * model[4] - model[1] * model[3])
                s = math.sqrt(scale2)
                if s < 0.02 or s > 50:
                    count = 0
                    break
                spread = 0.12 * s if step == 0 else 0.0
                base = tolerance * max(1.0, s) * (1.6 if step == 1 else 1.0)
                log_s = math.log2(s)
                turn0 = math.atan2(model[3] - mirror * model[1], model[0] + mirror * model[4])
                # all that agree, nearest first, one to one
                agreeing = 0
                for m in range(n):
                    if change[m] != change[i] or abs(ds[m] - log_s) > 1.0:
                        continue
                    turn = abs(da[m] - turn0) % (2 * math.pi)
                    if min(turn, 2 * math.pi - turn) > 0.7:
                        continue
                    ex = model[0] * ax[m] + model[1] * ay[m] + model[2] - bx[m]
                    ey = model[3] * ax[m] + model[4] * ay[m] + model[5] - by[m]
                    e = math.sqrt(ex * ex + ey * ey)
                    reach = base
                    if spread > 0:
                        x, y = ax[m] - ax[i], ay[m] - ay[i]
                        reach += spread * math.sqrt(x * x + y * y)
                    if e <= reach:
                        error[agreeing] = e
                        place[agreeing] = m
                        agreeing += 1
                ranked = np.argsort(error[:agreeing])
                count = 0
                for r in range(agreeing):
                    m = place[ranked[r]]
                    free = True
                    for q in range(count):
                        k = chosen[q]
                        if (abs(ax[k] - ax[m]) < 0.7 and abs(ay[k] - ay[m]) < 0.7) or (
                            abs(bx[k] - bx[m]) < 0.7 and abs(by[k] - by[m]) < 0.7
                        ):
                            free = False
                            break
                    if free:
                        error[count] = error[ranked[r]] if ranked[r] >= count else error[ranked[r]]
                        chosen[count] = m
                        count += 1
                if count < minimum_inliers:
                    break
                if step < ROUNDS:
                    _fit_affine(ax, ay, bx, by, ds, da, change, ra, chosen, count, model)
            if count < minimum_inliers:
                continue
            # number of false alarms
            area = second_size[second, 0] * second_size[second, 1]
            s = math.sqrt(abs(model[0] * model[4] - model[1] * model[3]))
            reach = tolerance * max(1.0, s)
            p = min(1.0, math.pi * reach * reach / area) * 0.06
            trials = max(distinct, count)
            log_nfa = math.log(trials) + _log_choose(trials, count) + (count - 1) * math.log(p)
            score = -log_nfa / math.log(10.0)
            if score > best_score:
                best_score = score
                best_inliers = count
                best_change = change[i]
                best_model[:] = model
        if best_inliers >= minimum_inliers:
            row = links[n_links]
            row[0] = first
            row[1] = second
            row[2] = best_change
            row[3] = distinct
            row[4] = best_inliers
            row[5] = best_score
            row[6:12] = best_model
            n_links += 1
    return n_links
