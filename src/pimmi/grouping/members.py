"""The images of each element: which one stands for the others, and how each is laid onto it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimmi.grouping.evidence import Groups

ALIKE = 0.15
"""Share by which images of a group may show less than the most complete one and still stand for it."""
CHANGED_SHARE = 0.5
"""What a link counts for it, if one of the two images is mirrored or negative."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shown:
    """What m links show.

    `transforms` float64 (m, 6), a11 a12 tx a21 a22 ty from query to result in pixels of the files; `changes` uint8
    (m,); `scores` float64 (m,); `query_coverage`, `result_coverage` float64 (m,), 0 to 1.
    """

    queries: Ints
    results: Ints
    transforms: Floats
    changes: NDArray[np.uint8]
    scores: Floats
    query_coverage: Floats
    result_coverage: Floats

    @property
    def shared(self) -> Floats:
        """float64 (m,): what each link says for both of its images as the one that the other is made from."""
        return (self.query_coverage + self.result_coverage) * np.where(self.changes == 0, 1.0, CHANGED_SHARE)


@dataclass(frozen=True, slots=True)
class Members:
    """k memberships of images in elements, sorted by element, then by image.

    `elements`, `images` int64 (k,); `masks` uint64 (k,), the cells of the image that show the element; `main` bool
    (k,); `coverage` float64 (k,), share of the image's area that shows it; `representatives` int64 (e,), for each
    element the place of its representative among the memberships; `transforms` float64 (k, 6), from the image to the
    representative, NaN if no chain of links leads there; `changes` uint8 (k,), from one to the other.
    """

    elements: Ints
    images: Ints
    masks: NDArray[np.uint64]
    main: NDArray[np.bool_]
    coverage: Floats
    representatives: Ints
    transforms: Floats
    changes: NDArray[np.uint8]


def most_complete(
    labels: Ints, queries: Ints, results: Ints, shared: Floats, *, pixels: Floats, size: Floats, groups: int
) -> Ints:
    """For each of some groups of nodes, the node that the others are most likely made from (int64, -1: no node).

    `labels` int64 (n,) is the group of each node, -1 for none; `queries`, `results` int64 (m,) are the links inside
    groups, and `shared` float64 (m,) what each shows: a whole original shares all of itself with its copies, and shows
    all that its crops show. Of nodes that show about as much, within `ALIKE` of the most, the one of most `pixels`
    counts, then the one of largest `size`, float64 (n,): its file in bytes, since a copy saved again is smaller.
    """
    count = len(labels)
    totals = np.bincount(queries, shared, minlength=count) + np.bincount(results, shared, minlength=count)
    most = np.zeros(groups + 1)
    np.maximum.at(most, labels, totals)
    alike = totals >= (1 - ALIKE) * most[labels] - 1e-9
    order = np.lexsort((-np.arange(count), size, np.round(2 * np.log2(pixels + 1.0)), alike, labels))
    best = np.full(groups + 1, -1)
    best[labels[order]] = order
    return best[:groups]


def find_members(groups: Groups, shown: Shown, *, pixels: Floats, size: Floats) -> Members:
    """The memberships in all elements; `pixels` and `size` float64 (n,), pixels and bytes of each image."""
    keys = groups.part_elements * len(pixels) + groups.part_images
    distinct, member = np.unique(keys, return_inverse=True)
    elements, images = np.divmod(distinct, max(len(pixels), 1))
    masks = np.zeros(len(distinct), np.uint64)
    np.bitwise_or.at(masks, member, groups.part_masks)
    main = np.zeros(len(distinct), bool)
    np.logical_or.at(main, member, groups.part_main)

    linked = np.flatnonzero((groups.of_query >= 0) & (groups.of_result >= 0))
    ends = groups.of_query[linked], groups.of_result[linked]
    inside = groups.part_elements[ends[0]] == groups.part_elements[ends[1]]
    links = linked[inside]
    queries, results = (member[end[inside]] for end in ends)
    coverage = np.zeros(len(distinct))
    np.maximum.at(coverage, queries, shown.query_coverage[links])
    np.maximum.at(coverage, results, shown.result_coverage[links])

    representatives = most_complete(
        elements,
        queries,
        results,
        shown.shared[links],
        pixels=pixels[images],
        size=size[images],
        groups=len(groups.common),
    )
    transforms, changes = _onto(
        representatives,
        queries,
        results,
        _square(shown.transforms[links]),
        shown.changes[links],
        shown.scores[links],
        count=len(distinct),
    )
    return Members(elements, images, masks, main, coverage, representatives, transforms, changes)


def _square(transforms: Floats) -> Floats:
    """float64 (m, 3, 3)"""
    last = np.broadcast_to([0.0, 0.0, 1.0], (len(transforms), 1, 3))
    return np.concatenate([transforms.reshape(-1, 2, 3), last], axis=1)


def _onto(
    goals: Ints,
    queries: Ints,
    results: Ints,
    transforms: Floats,
    changes: NDArray[np.uint8],
    scores: Floats,
    *,
    count: int,
) -> tuple[Floats, NDArray[np.uint8]]:
    """The transforms and changes from each node to the goal of its group, by the fewest links, then the surest."""
    found = np.full((count, 3, 3), np.nan)
    change = np.zeros(count, np.uint8)
    reached = np.zeros(count, bool)
    found[goals] = np.eye(3)
    reached[goals] = True
    starts, ends = np.concatenate([queries, results]), np.concatenate([results, queries])
    links = np.concatenate([np.arange(len(queries))] * 2)
    turned = np.arange(len(starts)) >= len(queries)
    while True:
        (next_ones,) = np.nonzero(reached[ends] & ~reached[starts])
        if not len(next_ones):
            return found[:, :2].reshape(-1, 6), change
        order = np.lexsort((ends[next_ones], -scores[links[next_ones]], starts[next_ones]))
        next_ones = next_ones[order]
        next_ones = next_ones[np.diff(starts[next_ones], prepend=-1) > 0]
        step = transforms[links[next_ones]]
        back = turned[next_ones]
        step[back] = np.linalg.inv(step[back])
        found[starts[next_ones]] = found[ends[next_ones]] @ step
        change[starts[next_ones]] = change[ends[next_ones]] ^ changes[links[next_ones]]
        reached[starts[next_ones]] = True
