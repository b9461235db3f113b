"""How likely a link shows a true copy, from its points and its pixels together.

A logistic regression on eleven measures of a link, fitted by `benchmarks/fit_confidence.py` on copies with known truth
and on pairs of unrelated pictures, none of them from the benchmark. Its weights don't depend on the corpus.
"""

import numpy as np
from numpy.typing import NDArray

LARGEST_SCORE = 1000.0

MEASURES_AND_WEIGHTS = (
    ("correlation", 9.275),
    ("agreement", 1.035),
    ("log2 agreeing windows", 0.150),
    ("log2 anisotropy", -1.883),
    ("log2 scale", -0.442),
    ("overlap", 4.600),
    ("conflict", -1.058),
    ("log10 score", 3.328),
    ("log10 guided score", 1.354),
    ("log2 inliers", -1.245),
    ("rival", -3.190),
)
MEASURES = tuple(name for name, _ in MEASURES_AND_WEIGHTS)
WEIGHTS = np.array([weight for _, weight in MEASURES_AND_WEIGHTS])
BIAS = -11.089

REPEATING = 0.95
"""A link whose pixels fit another place so well, as a share of how well they fit this one, is of a pattern that
repeats: once one image is laid onto the other somehow, points and pixels coincide everywhere."""
WHOLE_PATTERN = (0.98, 0.95, 0.5)
"""Mean correlation, and shares of the one and of the other image that the overlap takes, from which on even patterns
are copies."""
FEWEST_WINDOWS = 6
"""With fewer windows that agree, the pixels say nothing."""
SMALLEST_AREA = 0.02
"""Share of an image under which a part is too small to be recognised in a thumbnail."""

Floats = NDArray[np.float64]


def measures(links: Floats, pixels: Floats, areas: Floats) -> Floats:
    """float64 (m, 11), in the order of MEASURES.

    `links` and `pixels` as `verify` and `confirm` fill them; `areas` float64 (m, 2), share of the first and of the
    second image that the overlap takes.
    """
    linear = links[:, [6, 7, 9, 10]].reshape(-1, 2, 2)
    stretch = np.linalg.svd(linear, compute_uv=False)
    agree, conflict = pixels[:, 0], pixels[:, 1]
    return np.stack(
        [
            pixels[:, 4],
            agree / np.maximum(agree + conflict, 1),
            np.log2(agree + 1),
            np.log2(stretch[:, 0] / np.maximum(stretch[:, 1], 1e-6)),
            np.abs(np.log2(stretch.prod(axis=1))) / 2,
            areas.max(axis=1, initial=0.0),
            conflict / np.maximum(pixels[:, 3], 1),
            np.log10(np.clip(links[:, 3], 1, LARGEST_SCORE)),
            np.log10(np.clip(links[:, 5], 1, LARGEST_SCORE)),
            np.log2(links[:, 4]),
            links[:, 12],
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
    pattern = ~whole & (pixels[:, 6] >= REPEATING)
    too_little = (pixels[:, 0] < FEWEST_WINDOWS) | (least < SMALLEST_AREA)
    return np.where(pattern | too_little, 0.0, 1 / (1 + np.exp(-evidence)))
