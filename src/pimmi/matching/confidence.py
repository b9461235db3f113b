"""How likely a link shows a true copy, from its points and its pixels together.

A logistic regression on seven measures of a link, fitted by `benchmarks/fit_confidence.py` on copies with known truth
and on pairs of unrelated pictures, none of them from the benchmark. Its weights don't depend on the corpus.
"""

import numpy as np
from numpy.typing import NDArray

from pimmi.matching.confirm import GAIN, MISALIGNMENT, REPEAT

LARGEST_SCORE = 1000.0
SMALLEST_AREA_SCALE = 1e-6

MEASURES_AND_WEIGHTS = (
    ("aligned correlation", 12.084),
    ("overlap", 7.239),
    ("log2 scale beyond 2", -1.621),
    ("log10 score", 1.300),
    ("rival", -2.421),
    ("code distance", -0.087),
    ("log2 misalignment", -1.742),
)
MEASURES = tuple(name for name, _ in MEASURES_AND_WEIGHTS)
WEIGHTS = np.array([weight for _, weight in MEASURES_AND_WEIGHTS])
BIAS = -17.604
LEAST_MISALIGNMENT = 0.02
"""Samples below which no two windows can be said to lie better on each other."""

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

Floats = NDArray[np.float64]


def measures(links: Floats, pixels: Floats, areas: Floats) -> Floats:
    """float64 (m, 7), in the order of MEASURES.

    `links` and `pixels` as `verify`, `confirm` and `look_again` fill them; `areas` float64 (m, 2), share of the first
    and of the second image that the overlap takes.
    """
    linear = links[:, [6, 7, 9, 10]]
    area_scale = np.abs(linear[:, 0] * linear[:, 3] - linear[:, 1] * linear[:, 2])
    octaves = np.abs(np.log2(np.maximum(area_scale, SMALLEST_AREA_SCALE))) / 2
    return np.stack(
        [
            pixels[:, 4] + pixels[:, GAIN],
            areas.max(axis=1, initial=0.0),
            np.maximum(octaves - 1, 0),
            np.log10(np.clip(links[:, 3], 1, LARGEST_SCORE)),
            links[:, 12],
            links[:, 13],
            np.log2(np.maximum(pixels[:, MISALIGNMENT], LEAST_MISALIGNMENT)),
        ],
        axis=1,
    )


def confidence(links: Floats, pixels: Floats, areas: Floats) -> Floats:
    """float64 (m,), 0 to 1; arguments as for `measures`.

    The sum is written out since a matrix product may round a row otherwise when there are more rows.
    """
    evidence: Floats = np.full(len(links), BIAS)
    for weight, values in zip(WEIGHTS, measures(links, pixels, areas).T, strict=True):
        evidence += weight * values
    correlation, larger, smaller = WHOLE_PATTERN
    least, most = areas.min(axis=1, initial=1.0), areas.max(axis=1, initial=0.0)
    whole = (pixels[:, 4] >= correlation) & (most >= larger) & (least >= smaller)
    pattern = ~whole & (pixels[:, REPEAT] >= REPEATING)
    windows, inliers = ONE_EDGE
    one_edge = (pixels[:, 0] < windows) & (links[:, 4] < inliers)
    area, inliers, rival = SMALL_PART
    doubtful_part = (least < area) & ((links[:, 4] < inliers) | (links[:, 12] >= rival))
    too_little = (pixels[:, 0] < FEWEST_WINDOWS) | (least < SMALLEST_AREA) | one_edge | doubtful_part
    rival, correlation, share = ANYWHERE
    full = pixels[:, 0] >= share * pixels[:, 3]
    anywhere = full & (links[:, 12] >= rival) & (pixels[:, 4] < correlation)
    return np.where(pattern | too_little | anywhere, 0.0, 1 / (1 + np.exp(-evidence)))
