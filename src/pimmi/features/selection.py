"""Which keypoints of an image are kept when it has too many."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit("float32[::1](float32[::1],float32[::1])", cache=True, nogil=True)
def _distance_to_stronger(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distance of each position to the nearest of those before it."""
    nearest = np.full(len(x), np.float32(np.inf), np.float32)
    for stronger in range(len(x)):
        for i in range(stronger + 1, len(x)):
            across = x[i] - x[stronger]
            down = y[i] - y[stronger]
            distance = across * across + down * down
            nearest[i] = distance if distance < nearest[i] else nearest[i]
    return nearest


def select(positions: NDArray[np.float32], responses: NDArray[np.float32], *, count: int) -> NDArray[np.intp]:
    """Rows, rising, of the `count` keypoints to keep, of positions float32 (n, 2) and responses float32 (n,).

    Half are the strongest. The others are those far from any stronger one (adaptive non-maximal suppression, Brown,
    Szeliski & Winder 2005), so that every part of the image that can be cut out keeps some.
    """
    if len(positions) <= count:
        return np.arange(len(positions))
    by_strength = np.argsort(-responses, kind="stable")
    x, y = (np.ascontiguousarray(positions[by_strength, axis]) for axis in range(2))
    isolation = _distance_to_stronger(x, y)
    by_isolation = np.argsort(-isolation, kind="stable")
    rank = np.arange(len(positions))
    rank_of_isolation = np.empty_like(rank)
    rank_of_isolation[by_isolation] = rank
    best = np.argsort(np.minimum(rank, rank_of_isolation), kind="stable")[:count]
    return np.sort(by_strength[best])
