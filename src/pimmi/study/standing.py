"""Which links count where there are many near-exact copies of one image.

An image with STANDING near-exact copies of smaller id or more isn't matched: those stand for it, and its links to the
STANDING smallest are all that it has. Some of its other links may have been found before that was known; they don't
count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pimmi.matching.blocks import STANDING

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def counting(queries: Ints, results: Ints, near: Flags, *, images: int) -> Ints:
    """The places of the links that count, rising.

    `queries`, `results` int64 (m,), ranks of images, the query's smaller; `near` bool (m,), links of near-exact copies.
    """
    (close,) = np.nonzero(near)
    close = close[np.lexsort((queries[close], results[close]))]
    first = np.searchsorted(results[close], results[close])
    close = close[np.arange(len(close)) - first < STANDING]
    stands = ~stood_for(results[close], images=images)
    (matched,) = np.nonzero(~near)
    matched = matched[stands[queries[matched]] & stands[results[matched]]]
    twice = np.isin(queries[close] * images + results[close], queries[matched] * images + results[matched])
    return np.sort(np.concatenate([matched, close[~twice]]))


def stood_for(results: Ints, *, images: int) -> Flags:
    """bool (images,): the images for which others stand; `results` are the larger ends of near-exact copies' links."""
    found: Flags = np.bincount(results, minlength=images) >= STANDING
    return found
