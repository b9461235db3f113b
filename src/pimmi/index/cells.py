"""The nearest cells of an inverted multi-index."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

DEPTH = 8
"""Centroids of each half that are combined; deeper ones are hardly ever among the nearest cells."""


@njit("uint16[:,::1](float32[:,::1],float32[:,::1],int64)", cache=True, nogil=True)
def nearest_cells(first: NDArray[np.float32], second: NDArray[np.float32], probes: int) -> NDArray[np.uint16]:
    """The cells with the smallest sums of two distances, nearest first.

    `first`, `second`: float32 (n, 256), distance to each centroid of the first and second half. Only pairs of the
    r-th nearest of one half and the s-th of the other with r * s <= probes can be among the nearest `probes`; r and s
    go up to DEPTH, so `probes` is at most DEPTH * DEPTH / 2.
    Returns uint16 (n, probes), 256 * (index in first) + (index in second).
    """
    n, centroids = first.shape
    depth = min(probes, DEPTH, centroids)
    nearest = np.empty((n, probes), np.uint16)
    value = np.empty((2, depth), np.float32)
    index = np.empty((2, depth), np.int64)
    sums = np.empty(probes, np.float32)
    for i in range(n):
        for half in range(2):
            distances = first[i] if half == 0 else second[i]
            filled = 0
            for c in range(centroids):
                d = distances[c]
                if filled < depth:
                    filled += 1
                elif d >= value[half, depth - 1]:
                    continue
                at = filled - 1
                while at > 0 and value[half, at - 1] > d:
                    value[half, at] = value[half, at - 1]
                    index[half, at] = index[half, at - 1]
                    at -= 1
                value[half, at] = d
                index[half, at] = c
        filled = 0
        for r in range(depth):
            for s in range(depth):
                if (r + 1) * (s + 1) > probes:
                    break
                d = value[0, r] + value[1, s]
                if filled < probes:
                    filled += 1
                elif d >= sums[probes - 1]:
                    break
                at = filled - 1
                while at > 0 and sums[at - 1] > d:
                    sums[at] = sums[at - 1]
                    nearest[i, at] = nearest[i, at - 1]
                    at -= 1
                sums[at] = d
                nearest[i, at] = index[0, r] * centroids + index[1, s]
    return nearest
