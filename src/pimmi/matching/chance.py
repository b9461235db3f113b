"""How unlikely it is that the points of two unrelated images agree (a contrario: Desolneux, Moisan & Morel 2000)."""

import math

from numba import njit


@njit(cache=True, nogil=True)
def agreement_score(points, inliers, chance):  # type: ignore[no-untyped-def]
    """-log10 of the expected number of hypotheses, one a match, with which so many points agree by chance.

    The number of choices of `inliers` among `points`, times the probability that they all agree with the transform
    that one of them gives, when an unrelated point does with the probability `chance`.
    """
    log_choices = math.lgamma(points + 1.0) - math.lgamma(inliers + 1.0) - math.lgamma(points - inliers + 1.0)
    return -(math.log(points) + log_choices + (inliers - 1) * math.log(min(chance, 0.5))) / math.log(10.0)


@njit(cache=True, nogil=True)
def guided_score(points, inliers, chance):  # type: ignore[no-untyped-def]
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
