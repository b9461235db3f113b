"""Communities of a weighted undirected graph, by methods that give the same answer on every run.

Louvain (Blondel et al. 2008) and Leiden (Traag, Waltman & van Eck 2019) maximise the Constant Potts Model
(Traag, Van Dooren & Nesterov 2011): the weight of the links inside communities, less `resolution` for each
pair of nodes inside one. Nothing is random: nodes are visited in the order of their numbers, refinement takes
the best merge, and of two equal choices the smaller label wins. So the caller's numbering of the nodes is
part of the input; the order in which links are listed is not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Weights = NDArray[np.float64]

TOLERANCE = 1e-9
"""Gains and losses below this count as none, so that rounding can't make a node go back and forth."""


class Graph(NamedTuple):
    """Neighbour lists: that of node `v` is from `starts[v]` to `starts[v + 1]`; each link is in two lists."""

    starts: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    weights: Weights
    sizes: Weights
    """How many nodes of the original graph each node stands for."""


def connected_components(sources: Labels, targets: Labels, *, nodes: int) -> Labels:
    """Label of each node (int64, `nodes`): equal when a path of links joins them; numbered by first node."""
    _check(sources, targets, np.ones(len(sources)), nodes)
    return renumbered(_roots(np.asarray(sources, np.int64), np.asarray(targets, np.int64), nodes))


def louvain(sources: Labels, targets: Labels, weights: Weights, *, nodes: int, resolution: float) -> Labels:
    """Label of each node (int64, `nodes`), numbered by first node; a community may be disconnected.

    `sources` and `targets` are node numbers, `weights` are positive; links listed twice add up, and links
    from a node to itself are ignored. Raises ValueError for a node or weight out of range.
    """
    graph = _graph(sources, targets, weights, nodes)
    labels = np.arange(nodes)
    _optimise(graph, labels, resolution, refine=False)
    return renumbered(labels)


def leiden(sources: Labels, targets: Labels, weights: Weights, *, nodes: int, resolution: float) -> Labels:
    """Label of each node (int64, `nodes`), numbered by first node; every community is connected.

    Repeated until a whole pass moves no node. Takes and raises what `louvain` does.
    """
    graph = _graph(sources, targets, weights, nodes)
    labels = np.arange(nodes)
    while _optimise(graph, labels, resolution, refine=True):
        pass
    return renumbered(labels)


def renumbered(labels: Labels) -> Labels:
    """The same partition with labels 0, 1, 2… in the order in which each first appears."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _optimise(graph: Graph, labels: Labels, resolution: float, *, refine: bool) -> int:
    """Moves nodes, then communities as a whole, level by level; changes `labels`, returns how many moved."""
    node_of = np.arange(len(labels))
    level_labels = labels.copy()
    moved = 0
    while True:
        moved += _move(graph, level_labels, resolution)
        parts = renumbered(_refine(graph, level_labels, resolution) if refine else level_labels)
        count = int(parts.max(initial=-1)) + 1
        if count == len(graph.sizes):
            labels[:] = level_labels[node_of]
            return moved
        graph = _aggregated(graph, parts, count)
        node_of = parts[node_of]
        level_labels = _labels_of_parts(parts, level_labels, count)


def _labels_of_parts(parts: Labels, labels: Labels, count: int) -> Labels:
    inherited = np.empty(count, np.int64)
    inherited[parts] = labels
    return renumbered(inherited)


def _aggregated(graph: Graph, parts: Labels, count: int) -> Graph:
    """The graph whose nodes are the parts, with the weights of the links between them added up."""
    rows = np.repeat(np.arange(len(graph.sizes)), np.diff(graph.starts))
    once = rows < graph.neighbours
    links = _summed(parts[rows[once]], parts[graph.neighbours[once]], graph.weights[once], nodes=count)
    sizes = np.bincount(parts, graph.sizes, minlength=count).astype(np.float64)
    return _neighbour_lists(*links, sizes)


def _graph(sources: Labels, targets: Labels, weights: Weights, nodes: int) -> Graph:
    _check(sources, targets, weights, nodes)
    lightest_first = np.argsort(weights, kind="stable")
    links = _summed(
        np.asarray(sources, np.int64)[lightest_first],
        np.asarray(targets, np.int64)[lightest_first],
        np.asarray(weights, np.float64)[lightest_first],
        nodes=nodes,
    )
    return _neighbour_lists(*links, np.ones(nodes))


def _check(sources: Labels, targets: Labels, weights: Weights, nodes: int) -> None:
    if not len(sources) == len(targets) == len(weights):
        raise ValueError(f"{len(sources)} sources, {len(targets)} targets and {len(weights)} weights")
    for ends in (sources, targets):
        if len(ends) and not 0 <= ends.min() <= ends.max() < nodes:
            raise ValueError(f"a link ends at node {ends.min()} or {ends.max()}, outside 0 to {nodes - 1}")
    if not (np.isfinite(weights) & (np.asarray(weights) > 0)).all():
        raise ValueError("the weights of links must be positive numbers")


def _summed(
    sources: Labels, targets: Labels, weights: Weights, *, nodes: int
) -> tuple[Labels, Labels, Weights]:
    """Each pair of different nodes once, smaller first, sorted, with its weights added in the order given."""
    apart = sources != targets
    pairs = np.minimum(sources, targets)[apart] * nodes + np.maximum(sources, targets)[apart]
    order = np.argsort(pairs, kind="stable")
    pairs, weights = pairs[order], weights[apart][order]
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    summed = np.add.reduceat(weights, first) if len(first) else weights
    return *np.divmod(pairs[first], nodes), summed


def _neighbour_lists(low: Labels, high: Labels, weights: Weights, sizes: Weights) -> Graph:
    rows = np.concatenate([high, low])
    order = np.argsort(rows, kind="stable")
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=len(sizes)), out=starts[1:])
    return Graph(starts, np.concatenate([low, high])[order], np.concatenate([weights, weights])[order], sizes)


@njit(cache=True, nogil=True)
def _roots(sources: Labels, targets: Labels, nodes: int) -> Labels:
    """The smallest node of each node's component, by union-find with path halving."""
    parents = np.arange(nodes)
    for link in range(len(sources)):
        one, other = sources[link], targets[link]
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        while parents[other] != other:
            parents[other] = parents[parents[other]]
            other = parents[other]
        parents[max(one, other)] = min(one, other)
    for node in range(nodes):
        parents[node] = parents[parents[node]]
    return parents


@njit(cache=True, nogil=True)
def _move(graph: Graph, labels: Labels, resolution: float) -> int:
    """Moves each node where quality gains most, again when a neighbour has moved; changes `labels`."""
    starts, neighbours, weights, sizes = graph
    nodes = len(sizes)
    members = np.zeros(nodes)
    for node in range(nodes):
        members[labels[node]] += sizes[node]
    free = np.empty(nodes, np.int64)
    free_count = 0
    for label in range(nodes - 1, -1, -1):
        if members[label] == 0:
            free[free_count] = label
            free_count += 1

    toward = np.zeros(nodes)
    touched = np.empty(nodes, np.int64)
    queue = np.arange(nodes)
    queued = np.ones(nodes, np.bool_)
    head, waiting, moved = 0, nodes, 0
    while waiting > 0:
        node = queue[head]
        head = (head + 1) % nodes
        waiting -= 1
        queued[node] = False

        touched_count = 0
        for link in range(starts[node], starts[node + 1]):
            label = labels[neighbours[link]]
            if toward[label] == 0:
                touched[touched_count] = label
                touched_count += 1
            toward[label] += weights[link]

        home = labels[node]
        members[home] -= sizes[node]
        best = home
        best_gain = toward[home] - resolution * sizes[node] * members[home] + TOLERANCE
        if best_gain < 0:
            best, best_gain = free[free_count - 1], 0.0
        for index in range(touched_count):
            label = touched[index]
            gain = toward[label] - resolution * sizes[node] * members[label]
            toward[label] = 0
            if label != home and (gain > best_gain or (gain == best_gain and best != home and label < best)):
                best, best_gain = label, gain

        if best != home:
            if members[best] == 0:
                free_count -= 1
            if members[home] == 0:
                free[free_count] = home
                free_count += 1
            labels[node] = best
            moved += 1
            for link in range(starts[node], starts[node + 1]):
                neighbour = neighbours[link]
                if labels[neighbour] != best and not queued[neighbour]:
                    queue[(head + waiting) % nodes] = neighbour
                    queued[neighbour] = True
                    waiting += 1
        members[best] += sizes[node]
    return moved


@njit(cache=True, nogil=True)
def _refine(graph: Graph, labels: Labels, resolution: float) -> Labels:
    """Splits each community into well-connected parts: nodes join, one at a time, the part that gains most.

    A part is named by the node that began it. The merges that cost nothing are made as well: after `_move`
    every community of several nodes then has at least one, so that each level is smaller than the last.
    """
    starts, neighbours, weights, sizes = graph
    nodes = len(sizes)
    members = np.zeros(nodes)
    to_rest = np.zeros(nodes)
    for node in range(nodes):
        members[labels[node]] += sizes[node]
        for link in range(starts[node], starts[node + 1]):
            if labels[neighbours[link]] == labels[node]:
                to_rest[node] += weights[link]

    parts = np.arange(nodes)
    part_sizes = sizes.copy()
    alone = np.ones(nodes, np.bool_)
    toward = np.zeros(nodes)
    touched = np.empty(nodes, np.int64)
    for node in range(nodes):
        community = members[labels[node]]
        enough = resolution * sizes[node] * (community - sizes[node]) - 2 * TOLERANCE
        if not alone[node] or to_rest[node] < enough:
            continue
        touched_count = 0
        for link in range(starts[node], starts[node + 1]):
            neighbour = neighbours[link]
            if labels[neighbour] == labels[node]:
                part = parts[neighbour]
                if toward[part] == 0:
                    touched[touched_count] = part
                    touched_count += 1
                toward[part] += weights[link]

        best, best_gain, best_toward = node, -2 * TOLERANCE, 0.0
        for index in range(touched_count):
            part = touched[index]
            gain = toward[part] - resolution * sizes[node] * part_sizes[part]
            connected = (
                to_rest[part]
                >= resolution * part_sizes[part] * (community - part_sizes[part]) - 2 * TOLERANCE
            )
            if connected and (gain > best_gain or (gain == best_gain and part < best)):
                best, best_gain, best_toward = part, gain, toward[part]
            toward[part] = 0
        if best != node:
            parts[node] = best
            alone[node] = alone[best] = False
            part_sizes[best] += sizes[node]
            to_rest[best] += to_rest[node] - 2 * best_toward
    return parts
