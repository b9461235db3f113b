"""The nearest cells of an inverted multi-index.

A cell is a pair of centroids, one of each half of the multi-index. The nearest cells of a point are told by the few
nearest centroids of each half, and a *shape*: how many of the second half's go with the nearest of the first half, with
the second nearest, and so on. Since a pair is never nearer than one of a nearer centroid, these numbers fall.
"""

from functools import lru_cache
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

LANES = 32
"""Groups of centroids, by number modulo LANES, of which those that hold no near one are passed over.

Loops go over fixed numbers and avoid branches, so that the compiler can take several elements at once.
"""
MOST_DEPTH = 8


@lru_cache(maxsize=8)
def shapes(probes: int, depth: int) -> NDArray[np.int64]:
    """All shapes of `probes` cells among pairs of `depth` centroids; int64 (s, depth), falling numbers that sum to
    `probes`, in a fixed order.

    Raises ValueError if there are not so many pairs.
    """
    if probes > depth * depth:
        raise ValueError(f"{depth} centroids of each half make {depth * depth} cells, not {probes}")
    falling = (
        lengths
        for lengths in product(range(depth, -1, -1), repeat=depth)
        if sum(lengths) == probes and list(lengths) == sorted(lengths, reverse=True)
    )
    return np.array(list(falling), np.int64)


@lru_cache(maxsize=8)
def _numbered(probes: int, depth: int) -> NDArray[np.int16]:
    """The number of each shape, by its lengths as digits of base `depth + 1`."""
    found = shapes(probes, depth)
    numbers = np.full((depth + 1) ** depth, -1, np.int16)
    numbers[found @ (depth + 1) ** np.arange(depth)] = np.arange(len(found))
    return numbers


@njit(cache=True, nogil=True)
def _nearest_of_lanes(distances, lanes):  # type: ignore[no-untyped-def]
    for lane in range(LANES):
        lanes[lane] = distances[lane]
    for start in range(LANES, len(distances), LANES):
        for lane in range(LANES):
            d = distances[start + lane]
            lanes[lane] = lanes[lane] if lanes[lane] < d else d


@njit(cache=True, nogil=True)
def _count_nearer(lanes, nearer):  # type: ignore[no-untyped-def]
    for lane in range(LANES):
        count = np.int32(0)
        for other in range(LANES):
            count += np.int32(1) if lanes[other] < lanes[lane] else np.int32(0)
        nearer[lane] = count


@njit(cache=True, nogil=True)
def _near_centroids(distances, lanes, nearer, depth, rows, near):  # type: ignore[no-untyped-def]
    """Write to `near` a few centroids, among them the `depth` nearest; returns how many."""
    kept = 0
    for lane in range(LANES):
        rows[kept] = lane
        kept += nearer[lane] < depth
    bound = lanes[rows[0]]
    for k in range(1, kept):
        bound = max(bound, lanes[rows[k]])
    count = 0
    for k in range(kept):
        for start in range(0, len(distances), LANES):
            near[count] = start + rows[k]
            count += distances[start + rows[k]] <= bound
    return count


@njit(cache=True, nogil=True)
def _sort_nearest(distances, near, count, value, index):  # type: ignore[no-untyped-def]
    """The nearest of `near`, nearest first; of two as near, the one of the smaller number."""
    for i in range(count):
        d = distances[near[i]]
        place = 0
        for j in range(count):
            other = distances[near[j]]
            place += other < d or (other == d and near[j] < near[i])
        if place < len(value):
            value[place] = d
            index[place] = near[i]


@njit(cache=True, nogil=True)
def _nearest(first, second, probes, depth, numbered, centroids, numbers):  # type: ignore[no-untyped-def]
    lanes = np.empty(LANES, np.float32)
    nearer = np.empty(LANES, np.int32)
    rows = np.empty(LANES + 1, np.int64)
    near = np.empty(first.shape[1] + 1, np.int64)
    value = np.empty((2, depth), np.float32)
    index = np.empty((2, depth), np.int64)
    sums = np.empty(depth * depth, np.float32)
    for i in range(len(first)):
        for half in range(2):
            distances = first[i] if half == 0 else second[i]
            _nearest_of_lanes(distances, lanes)
            _count_nearer(lanes, nearer)
            count = _near_centroids(distances, lanes, nearer, depth, rows, near)
            _sort_nearest(distances, near, count, value[half], index[half])
            for k in range(depth):
                centroids[i, half, k] = index[half, k]
        for r in range(depth):
            for s in range(depth):
                sums[depth * r + s] = value[0, r] + value[1, s]
        key, digit = 0, 1
        for r in range(depth):
            length = 0
            for s in range(depth):
                own = sums[depth * r + s]
                place = 0
                for other in range(depth * depth):
                    place += sums[other] < own or (sums[other] == own and other < depth * r + s)
                length += place < probes
            key += digit * length
            digit *= depth + 1
        numbers[i] = numbered[key]


def nearest_cells(
    first: NDArray[np.float32], second: NDArray[np.float32], *, probes: int, depth: int
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """The `probes` cells with the smallest sums of two distances, among the pairs of the nearest centroids.

    `first`, `second`: float32 (n, c), distance to each of the c centroids of the first and second half; c is a
    multiple of LANES. `depth`, at most MOST_DEPTH: so many nearest centroids of each half are combined.
    Returns uint16 (n, 2, depth), the nearest centroids of either half, nearest first; and uint8 (n,), the number of
    the shape (`shapes`).
    """
    n = len(first)
    centroids = np.empty((n, 2, depth), np.uint16)
    numbers = np.empty(n, np.uint8)
    _nearest(first, second, probes, depth, _numbered(probes, depth), centroids, numbers)
    return centroids, numbers
