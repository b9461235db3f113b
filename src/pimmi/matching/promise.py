"""Whether a link may be a copy, by its points and a first look at its pixels: the second look takes longer."""

import numpy as np
from numpy.typing import NDArray

from pimmi.matching.confirm import REPEAT
from pimmi.matching.verify import CODE_DISTANCE, RIVAL

Floats = NDArray[np.float64]

LARGEST_SCORE = 1000.0
SMALLEST_AREA_SCALE = 1e-6

MEAN_CORRELATION = 12.084
OVERLAP = 7.239
OCTAVES_BEYOND_TWICE = -1.621
LOG10_SCORE = 1.300
RIVALRY = -2.421
BITS_APART = -0.087
BIAS = -7.773
"""Weights of a logistic regression, learnt from copies with known truth and from pairs of unrelated pictures."""
LEAST_PROMISE = 0.0
"""Log odds below which a link isn't looked at again, and is no copy: 8 of 31,000 links of copies are lost by it."""
SURE = 12.0
"""Log odds from which on it is one even if its parts don't lie well, so that nobody asks how they lie."""

REPEATING = 0.95
"""A link whose pixels fit another place so well, as a share of how well they fit this one, is of a pattern that
repeats: once one image is laid onto the other somehow, points and pixels coincide everywhere."""
WHOLE_PATTERN = (0.98, 0.95, 0.5)
"""Mean correlation, and shares of the one and of the other image that the overlap takes, from which on even patterns
are copies."""
ANYWHERE = (0.6, 0.85, 0.5)
"""Rival from which on, and mean correlation below which, one place isn't more likely than another, where at least this
share of the windows agree."""
FEWEST_WINDOWS = 6
"""With fewer windows that agree, the pixels say nothing."""
ONE_EDGE = (32, 6)
"""With fewer windows that agree, and fewer inliers, it may be one edge: a straight one lies on any other."""
SMALLEST_AREA = 0.02
"""Share of an image under which a part is too small to be recognised in a thumbnail."""
SMALL_PART = (0.06, 10, 0.3)
"""Share of an image under which a part needs so many inliers, and no other place with such a share of the votes."""


def promise(links: Floats, pixels: Floats, areas: Floats) -> Floats:
    """Log odds of being a copy, float64 (m,).

    `links` and `pixels` as `verify` and `confirm` fill them; `areas` float64 (m, 2), share of the first and of the
    second image that the overlap takes. The sum is written out since a matrix product may round a row otherwise when
    there are more rows.
    """
    linear = links[:, [6, 7, 9, 10]]
    area_scale = np.abs(linear[:, 0] * linear[:, 3] - linear[:, 1] * linear[:, 2])
    octaves = np.abs(np.log2(np.maximum(area_scale, SMALLEST_AREA_SCALE))) / 2
    evidence: Floats = (
        BIAS
        + MEAN_CORRELATION * pixels[:, 4]
        + OVERLAP * areas.max(axis=1, initial=0.0)
        + OCTAVES_BEYOND_TWICE * np.maximum(octaves - 1, 0)
        + LOG10_SCORE * np.log10(np.clip(links[:, 3], 1, LARGEST_SCORE))
        + RIVALRY * links[:, RIVAL]
        + BITS_APART * links[:, CODE_DISTANCE]
    )
    return evidence


def may_be_copies(links: Floats, pixels: Floats, areas: Floats) -> NDArray[np.bool_]:
    """The links that deserve a second look, or have had it and stood it, bool (m,); arguments as for `promise`."""
    promising: NDArray[np.bool_] = promise(links, pixels, areas) >= LEAST_PROMISE
    return promising & ~_proves_nothing(links, pixels, areas)


def _proves_nothing(links: Floats, pixels: Floats, areas: Floats) -> NDArray[np.bool_]:
    """The links that are of too little, or of a pattern that repeats."""
    correlation, larger, smaller = WHOLE_PATTERN
    least, most = areas.min(axis=1, initial=1.0), areas.max(axis=1, initial=0.0)
    whole = (pixels[:, 4] >= correlation) & (most >= larger) & (least >= smaller)
    pattern = ~whole & (pixels[:, REPEAT] >= REPEATING)
    windows, inliers = ONE_EDGE
    one_edge = (pixels[:, 0] < windows) & (links[:, 4] < inliers)
    area, inliers, rival = SMALL_PART
    doubtful_part = (least < area) & ((links[:, 4] < inliers) | (links[:, RIVAL] >= rival))
    too_little = (pixels[:, 0] < FEWEST_WINDOWS) | (least < SMALLEST_AREA) | one_edge | doubtful_part
    rival, correlation, share = ANYWHERE
    full = pixels[:, 0] >= share * pixels[:, 3]
    anywhere = full & (links[:, RIVAL] >= rival) & (pixels[:, 4] < correlation)
    nothing: NDArray[np.bool_] = pattern | too_little | anywhere
    return nothing
