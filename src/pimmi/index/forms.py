"""Where the further forms of each image start, from its records: compiled, for very many of them."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pimmi.index.points import FORMS_OF_DOUBT, offsets_of

DOUBT_BYTE, DOUBT_SHIFT = 5, 3
"""Where a record has its doubts."""


@njit(cache=True, nogil=True)
def _count(records, offsets, forms_of_doubt, counts):  # type: ignore[no-untyped-def]
    for image in range(len(counts)):
        for point in range(offsets[image], offsets[image + 1]):
            counts[image] += forms_of_doubt[(records[point, DOUBT_BYTE] >> DOUBT_SHIFT) & 3]


def form_offsets_of(records: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """What `pimmi.index.points.form_offsets` gives, from the records alone."""
    counts = np.zeros(len(offsets) - 1, np.int64)
    _count(records, offsets, FORMS_OF_DOUBT, counts)
    return offsets_of(counts)
