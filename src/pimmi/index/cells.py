"""The nearest cells of an inverted multi-index."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

CENTROIDS = 256
"""Centroids of each half."""
DEPTH = 8
"""Centroids of each half that are combined; deeper ones are hardly ever among the nearest cells."""
LANES = 32
"""Groups of centroids, by number modulo LANES, of which those that hold no near one are passed over.

Loops go over fixed numbers and avoid branches, so that the compiler can take several elements at once.
"""


@njit(cache=True, nogil=True)
def _nearest_of_lanes(distances: NDArray[np.float32], lanes: NDArray[np.float32]) -> None:
    for lane in range(LANES):
        nearest = distances[lane]
        for start in range(LANES, CENTROIDS, LANES):
            d = distances[start + lane]
            nearest = nearest if nearest < d else d
        lanes[lane] = nearest


@njit(cache=True, nogil=True)
def _count_nearer(lanes: NDArray[np.float32], nearer: NDArray[np.int32]) -> None:
    for lane in range(LANES):
        count = np.int32(0)
        for other in range(LANES):
            count += np.int32(1) if lanes[other] < lanes[lane] else np.int32(0)
        nearer[lane] = count


@njit(cache=True, nogil=True)
def _near_centroids(
    distances: NDArray[np.float32],
    lanes: NDArray[np.float32],
    nearer: NDArray[np.int32],
    depth: int,
    rows: NDArray[np.int64],
    near: NDArray[np.int64],
) -> int:
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
        for start in range(0, CENTROIDS, LANES):
            near[count] = start + rows[k]
            count += distances[start + rows[k]] <= bound
    return count


@njit(cache=True, nogil=True)
def _sort_nearest(
    distances: NDArray[np.float32],
    near: NDArray[np.int64],
    count: int,
    value: NDArray[np.float32],
    index: NDArray[np.int64],
) -> None:
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


@njit("uint16[:,::1](float32[:,::1],float32[:,::1],int64)", cache=True, nogil=True)
def nearest_cells(first: NDArray[np.float32], second: NDArray[np.float32], probes: int) -> NDArray[np.uint16]:
    """The cells with the smallest sums of two distances, nearest first.

    `first`, `second`: float32 (n, 256), distance to each centroid of the first and second half. Only pairs of the
    r-th nearest of one half and the s-th of the other with r * s <= probes can be among the nearest `probes`; r and s
    go up to DEPTH, so `probes` is at most DEPTH * DEPTH / 2.
    Returns uint16 (n, probes), 256 * (index in first) + (index in second).
    """
    n = len(first)
    depth = min(probes, DEPTH)
    nearest = np.empty((n, probes), np.uint16)
    lanes = np.empty(LANES, np.float32)
    nearer = np.empty(LANES, np.int32)
    rows = np.empty(LANES + 1, np.int64)
    near = np.empty(CENTROIDS + 1, np.int64)
    value = np.empty((2, depth), np.float32)
    index = np.empty((2, depth), np.int64)
    sums = np.empty(DEPTH * DEPTH, np.float32)
    cells = np.empty(DEPTH * DEPTH, np.int64)
    for i in range(n):
        for half in range(2):
            distances = first[i] if half == 0 else second[i]
            _nearest_of_lanes(distances, lanes)
            _count_nearer(lanes, nearer)
            count = _near_centroids(distances, lanes, nearer, depth, rows, near)
            _sort_nearest(distances, near, count, value[half], index[half])
        total = 0
        for r in range(depth):
            for s in range(min(depth, probes // (r + 1))):
                sums[total] = value[0, r] + value[1, s]
                cells[total] = CENTROIDS * index[0, r] + index[1, s]
                total += 1
        for a in range(total):
            place = 0
            for b in range(a):
                place += sums[b] <= sums[a]
            for b in range(a + 1, total):
                place += sums[b] < sums[a]
            if place < probes:
                nearest[i, place] = cells[a]
    return nearest
