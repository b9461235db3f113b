"""How likely a link shows a true copy, from its points and its pixels together.

Boosted trees on eighteen measures of a link (`confidence.npz`), fitted by `benchmarks/fit_confidence.py` on copies with
known truth and on pairs of pictures that only look alike, none of them from the benchmark. They don't depend on the
corpus. Of the measures that have a direction more is never less sure (or never surer), whatever the others say.
"""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from pimmi.matching.confirm import BROAD_AGREEMENT, BROAD_CORRELATION, GAIN, MISALIGNMENT, REPEAT
from pimmi.matching.promise import may_be_copies
from pimmi.matching.trees import Trees, parse_trees
from pimmi.matching.verify import (
    CODE_DISTANCE,
    INLIER_SHARE,
    PLACE_SCATTER,
    RIVAL,
    SCALE_SCATTER,
    TURN_SCATTER,
)

Floats = NDArray[np.float64]

MEASURES_AND_DIRECTIONS = (
    ("aligned correlation", 1),
    ("gain", 0),
    ("agreement", 1),
    ("broad correlation", 0),
    ("broad agreement", 1),
    ("repeat", 0),
    ("misalignment", -1),
    ("larger overlap", 0),
    ("smaller overlap", 0),
    ("enlargement", 0),
    ("score", 1),
    ("inliers", 0),
    ("rival", -1),
    ("code distance", -1),
    ("inlier share", 1),
    ("turn scatter", -1),
    ("scale scatter", -1),
    ("place scatter", -1),
)
MEASURES = tuple(name for name, _ in MEASURES_AND_DIRECTIONS)
DIRECTIONS = tuple(direction for _, direction in MEASURES_AND_DIRECTIONS)
LARGEST_ENLARGEMENT = 1e6
MOST_EVIDENCE = 30.0
"""Log odds beyond which a confidence would be 0 or 1 in a table."""


def measures(links: Floats, pixels: Floats, areas: Floats) -> Floats:
    """float64 (m, 18), in the order of MEASURES.

    `links` and `pixels` as `verify`, `confirm` and `look_again` fill them; `areas` float64 (m, 2), share of the first
    and of the second image that the overlap takes.
    """
    scale = np.sqrt(np.abs(links[:, 6] * links[:, 10] - links[:, 7] * links[:, 9]))
    enlargement = np.maximum(scale, 1 / np.maximum(scale, 1 / LARGEST_ENLARGEMENT))
    values: Floats = np.stack(
        [
            pixels[:, 4] + pixels[:, GAIN],
            pixels[:, GAIN],
            pixels[:, 0] / np.maximum(pixels[:, 0] + pixels[:, 1], 1),
            pixels[:, BROAD_CORRELATION],
            pixels[:, BROAD_AGREEMENT],
            pixels[:, REPEAT],
            pixels[:, MISALIGNMENT],
            areas.max(axis=1, initial=0.0),
            areas.min(axis=1, initial=1.0),
            enlargement,
            links[:, 3],
            links[:, 4],
            links[:, RIVAL],
            links[:, CODE_DISTANCE],
            links[:, INLIER_SHARE],
            links[:, TURN_SCATTER],
            links[:, SCALE_SCATTER],
            links[:, PLACE_SCATTER],
        ],
        axis=1,
    )
    return values


@lru_cache
def load_trees() -> Trees:
    """The trees that ship with the package."""
    return parse_trees(files("pimmi.matching").joinpath("confidence.npz").read_bytes())


def confidence(links: Floats, pixels: Floats, areas: Floats) -> Floats:
    """float64 (m,), 0 to 1; arguments as for `measures`."""
    possible = may_be_copies(links, pixels, areas)
    evidence = load_trees()(measures(links[possible], pixels[possible], areas[possible]))
    sure = np.zeros(len(links))
    sure[possible] = 1 / (1 + np.exp(-np.clip(evidence, -MOST_EVIDENCE, MOST_EVIDENCE)))
    return sure
