"""The images of each element: which one stands for the others, and how each is laid onto it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimmi.grouping.evidence import Groups

ALIKE = 0.06
"""Share by which images of a group may show less than the most complete one and still stand for it."""
ALIKE_POINTS = 0.03
"""The same for inliers."""
CHANGED_SHARE = 0.5
"""What a link counts for it, if one of the two images is mirrored or negative."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shown:
    """What m links show.

    `transforms` float64 (m, 6), a11 a12 tx a21 a22 ty from query to result in pixels of the files; `changes` uint8
    (m,); `scores` float64 (m,); `inliers` int64 (m,); `query_coverage`, `result_coverage` float64 (m,), 0 to 1.
    """

    queries: Ints
    results: Ints
    transforms: Floats
    changes: NDArray[np.uint8]
    scores: Floats
    inliers: Ints
    query_coverage: Floats
    result_coverage: Floats

    @property
    def shared(self) -> Floats:
        """float64 (m,): what each link says for both of its images as the one that the other is made from."""
        return self.query_coverage * self.result_coverage * np.where(self.changes == 0, 1.0, CHANGED_SHARE)


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
    labels: Ints,
    queries: Ints,
    results: Ints,
    shared: Floats,
    inliers: Ints,
    *,
    pixels: Floats,
    bytes_: Floats,
    groups: int,
) -> Ints:
    """For each of some groups of nodes, the node that the others are most likely made from (int64, -1: no node).

    `labels` int64 (n,) is the group of each node, -1 for none; `queries`, `results` int64 (m,) are the links inside
    groups, and `shared` float64 (m,) what each shows of both its images: a whole original shares all of itself with its
    copies, one with a border or a caption does not. Of the nodes that show most (ALIKE), the one of most `pixels`
    counts, float64 (n,); then those with most `inliers`, int64 (m,), in all: each change loses keypoints, so copies
    have fewer in common with each other than with what they were made from. Of these the one of most `bytes_`, float64
    (n,): a copy in grey is smaller.
    """
    count = len(labels)
    ends = np.concatenate([queries, results])
    shows: Floats = np.bincount(ends, np.tile(shared, 2), minlength=count).astype(np.float64)
    points: Floats = np.bincount(ends, np.tile(inliers, 2), minlength=count).astype(np.float64)
    order = np.lexsort((
        -np.arange(count),
        bytes_,
        _near_most(points, labels, groups, share=ALIKE_POINTS),
        np.round(2 * np.log2(pixels + 1.0)),
        _near_most(shows, labels, groups, share=ALIKE),
        labels,
    ))  # fmt: skip
    best = np.full(groups + 1, -1)
    best[labels[order]] = order
    return best[:groups]


def _near_most(values: Floats, labels: Ints, groups: int, *, share: float) -> NDArray[np.bool_]:
    """Whether each node has at most a share less than the one of most in its group."""
    most = np.zeros(groups + 1)
    np.maximum.at(most, labels, values)
    near: NDArray[np.bool_] = values >= (1 - share) * most[labels] - 1e-9
    return near


def find_members(groups: Groups, shown: Shown, *, pixels: Floats, bytes_: Floats) -> Members:
    """The memberships in all elements; `pixels` and `bytes_` float64 (n,), of each image."""
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
        shown.inliers[links],
        pixels=pixels[images],
        bytes_=bytes_[images],
        groups=len(groups.common),
    )
    transforms, changes = _onto(
        representatives,
        queries,
        results,
        shown.transforms[links],
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
        step = _square(transforms[links[next_ones]])
        back = turned[next_ones]
        step[back] = np.linalg.inv(step[back])
        found[starts[next_ones]] = found[ends[next_ones]] @ step
        change[starts[next_ones]] = change[ends[next_ones]] ^ changes[links[next_ones]]
        reached[starts[next_ones]] = True
