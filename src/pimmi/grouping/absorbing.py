"""Small communities that belong to a large one, though they are linked with few of its nodes.

A community must be about as dense as the resolution. So a large family would leave out the copies that are changed so
much that only a few of the others are found in them, however sure these links are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pimmi.grouping.communities import renumbered

MOST_NODES = 4
"""Nodes up to which a community is small: larger ones are families of their own."""
FEWEST_NODES = 2
"""Nodes of the larger community that must be linked with the smaller one: one link alone may be wrong."""

Ints = NDArray[np.int64]


def absorbed(labels: Ints, sources: Ints, targets: Ints) -> Ints:
    """Labels int64 (n,) when each small community whose links all lead to one larger one has joined it, until none can.

    `sources` and `targets` int64 (m,) are node numbers. Of two communities of the same size the one of the smaller
    label counts as the larger.
    """
    while True:
        joins = _joins(labels, sources, targets)
        if (joins == np.arange(len(joins))).all():
            return renumbered(labels)
        labels = renumbered(joins[labels])


def _joins(labels: Ints, sources: Ints, targets: Ints) -> Ints:
    """The label that each community takes, int64 (communities,)."""
    count = int(labels.max(initial=-1)) + 1
    own = np.concatenate([labels[sources], labels[targets]])
    nodes = np.concatenate([targets, sources])
    crossing = own != labels[nodes]
    pairs = np.unique(np.stack([own[crossing], nodes[crossing]], axis=1), axis=0)
    from_, to = pairs[:, 0], labels[pairs[:, 1]]
    reached = np.bincount(from_, minlength=count)
    lowest, highest = np.full(count, count), np.full(count, -1)
    np.minimum.at(lowest, from_, to)
    np.maximum.at(highest, from_, to)
    sizes = np.bincount(labels, minlength=count)
    rank = np.empty(count, np.int64)
    rank[np.lexsort((-np.arange(count), sizes))] = np.arange(count)
    joins = np.arange(count)
    (alone,) = np.nonzero((lowest == highest) & (reached >= FEWEST_NODES) & (sizes <= MOST_NODES))
    alone = alone[rank[alone] < rank[lowest[alone]]]
    joins[alone] = lowest[alone]
    while (joins[joins] != joins).any():
        joins = joins[joins]
    return joins
