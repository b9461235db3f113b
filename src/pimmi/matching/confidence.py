"""How likely a link shows a true copy, from its points and its pixels together.

A logistic regression on eight measures of a link, fitted by `benchmarks/fit_confidence.py` on copies with known truth
and on pairs of unrelated pictures, none of them from the benchmark. Its weights don't depend on the corpus.
"""

import numpy as np
from numpy.typing import NDArray

ENOUGH_EVIDENCE = 20.0
"""Scores count up to this: beyond it chance is ruled out, and only the pixels tell frames from copies."""

MEASURES = (
    "score",
    "guided_score",
    "correlation",
    "agreement",
    "log2_agreeing_windows",
    "log2_anisotropy",
    "log2_scale",
    "overlap",
)
WEIGHTS = np.array([0.133, 0.155, 6.400, 0.879, 1.194, -6.219, 0.702, 3.801])
BIAS = -18.634

Floats = NDArray[np.float64]


def measures(links: Floats, pixels: Floats, areas: Floats) -> Floats:
    """float64 (m, 8), in the order of MEASURES.

    `links` and `pixels` as `verify` and `confirm` fill them; `areas` float64 (m, 2), share of the first and of the
    second image that the overlap takes.
    """
    linear = links[:, [6, 7, 9, 10]].reshape(-1, 2, 2)
    stretch = np.linalg.svd(linear, compute_uv=False)
    agree, conflict = pixels[:, 0], pixels[:, 1]
    return np.stack(
        [
            np.clip(links[:, 3], 0, ENOUGH_EVIDENCE),
            np.clip(links[:, 5], 0, ENOUGH_EVIDENCE),
            pixels[:, 4],
            agree / np.maximum(agree + conflict, 1),
            np.log2(agree + 1),
            np.log2(stretch[:, 0] / np.maximum(stretch[:, 1], 1e-6)),
            np.abs(np.log2(stretch.prod(axis=1))) / 2,
            areas.max(axis=1, initial=0.0),
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
    result: Floats = 1 / (1 + np.exp(-evidence))
    return result
