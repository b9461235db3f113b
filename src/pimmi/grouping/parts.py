"""Parts: what the links of an image show of it, so that links which show different parts of it do not chain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Masks = NDArray[np.uint64]

SAME_PART = 0.5
"""Share of the cells of a link's end that must lie in a part for the end to belong to it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """p parts of images: `images` int64 (p,), rising; `masks` uint64 (p,), the cells of each.

    `of_query`, `of_result` int64 (m,), the part at each end of a link.
    """

    images: Ints
    masks: Masks
    of_query: Ints
    of_result: Ints


def make_parts(
    queries: Ints, results: Ints, query_masks: Masks, result_masks: Masks, *, images: int
) -> Parts:
    """The parts that m links make of `images` images.

    In each image the ends of links are taken by falling number of cells. An end belongs to the part that holds most of
    its cells, if that is `SAME_PART` of them or more; else it founds a part. The order of the links plays no role: ends
    of one image with the same number of cells go by their mask.
    """
    ends = np.concatenate([queries, results])
    masks = np.concatenate([query_masks, result_masks])
    counts = np.bitwise_count(masks).astype(np.int64)
    order = np.lexsort((masks, -counts, ends))
    starts = np.searchsorted(ends[order], np.arange(images + 1))
    part, founders = _gather(starts, order, masks, counts)
    links = len(queries)
    return Parts(ends[founders], masks[founders], part[:links], part[links:])


@njit(cache=True, nogil=True)
def _gather(starts, order, masks, counts):  # type: ignore[no-untyped-def]
    part = np.empty(len(order), np.int64)
    founders = np.empty(len(order), np.int64)
    parts = 0
    for image in range(len(starts) - 1):
        first = parts
        for place in range(starts[image], starts[image + 1]):
            end = order[place]
            best, most = -1, 0
            for other in range(first, parts):
                shared = masks[end] & masks[founders[other]]
                cells = 0
                while shared:
                    shared &= shared - np.uint64(1)
                    cells += 1
                if cells > most:
                    best, most = other, cells
            if best < 0 or most < SAME_PART * counts[end]:
                best = parts
                founders[parts] = end
                parts += 1
            part[end] = best
    return part, founders[:parts]
