"""Communities: against the optimum by brute force, on graphs with a known answer, and on reordered input."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.grouping.communities import Labels, Weights, connected_components, leiden, louvain, renumbered

Links = tuple[Labels, Labels, Weights]
Method = Callable[..., Labels]


def quality(links: Links, labels: Labels, resolution: float) -> float:
    sources, targets, weights = links
    inside = (labels[sources] == labels[targets]) & (sources != targets)
    sizes = np.bincount(labels)
    return float(weights[inside].sum() - resolution * (sizes * (sizes - 1) / 2).sum())


def partitions(nodes: int) -> Iterator[list[int]]:
    """Every partition of the nodes, as restricted growth strings."""
    if nodes == 0:
        yield []
        return
    for rest in partitions(nodes - 1):
        for label in range(max(rest, default=-1) + 2):
            yield [*rest, label]


def random_graph(rng: np.random.Generator, nodes: int) -> Links:
    pairs = [(a, b) for a in range(nodes) for b in range(a + 1, nodes) if rng.random() < 0.5]
    sources, targets = np.array(pairs, np.int64).reshape(-1, 2).T
    return sources, targets, rng.uniform(0.1, 1, len(pairs))


def is_connected(links: Links, members: NDArray[np.int64]) -> bool:
    sources, targets, _ = links
    reached = {int(members[0])}
    inside = set(members.tolist())
    edges = [(a, b) for a, b in zip(sources.tolist(), targets.tolist(), strict=True) if {a, b} <= inside]
    while True:
        further = {b for a, b in edges if a in reached} | {a for a, b in edges if b in reached}
        if further <= reached:
            return reached == inside
        reached |= further


def all_connected(links: Links, labels: Labels) -> bool:
    return all(is_connected(links, np.flatnonzero(labels == label)) for label in np.unique(labels))


def cliques(count: int, size: int) -> Links:
    """A ring of cliques, each joined to the next by one link; node `i` is in clique `i // size`."""
    links = [
        (start + a, start + b)
        for start in range(0, count * size, size)
        for a in range(size)
        for b in range(a + 1, size)
    ]
    links += [(i * size, ((i + 1) % count) * size + 1) for i in range(count)]
    sources, targets = np.array(links).T
    return sources, targets, np.ones(len(links))


graphs = st.integers(1, 12).flatmap(
    lambda nodes: st.tuples(
        st.just(nodes),
        st.lists(
            st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1), st.floats(0.01, 1.0)), max_size=40
        ),
    )
)


def as_links(edges: list[tuple[int, int, float]]) -> Links:
    return (
        np.array([edge[0] for edge in edges], np.int64),
        np.array([edge[1] for edge in edges], np.int64),
        np.array([edge[2] for edge in edges], np.float64),
    )


@pytest.mark.parametrize(("method", "on_average", "at_worst"), [(louvain, 0.97, 0.5), (leiden, 0.99, 0.8)])
def test_quality_is_near_the_best_of_all_partitions(
    method: Method, on_average: float, at_worst: float
) -> None:
    rng = np.random.default_rng(1)
    candidates = {nodes: np.array(list(partitions(nodes))) for nodes in range(2, 8)}
    shares = []
    for _ in range(60):
        nodes = int(rng.integers(2, 8))
        links = random_graph(rng, nodes)
        resolution = float(rng.uniform(0.05, 0.6))
        best = max(quality(links, labels, resolution) for labels in candidates[nodes])
        found = quality(links, method(*links, nodes=nodes, resolution=resolution), resolution)
        assert found <= best + 1e-9
        shares.append(found / best if best > 0 else 1.0)
    assert np.mean(shares) >= on_average
    assert min(shares) >= at_worst


@given(graphs, st.floats(0.0, 1.0))
def test_leiden_communities_are_connected(
    graph: tuple[int, list[tuple[int, int, float]]], resolution: float
) -> None:
    nodes, edges = graph
    links = as_links(edges)
    assert all_connected(links, leiden(*links, nodes=nodes, resolution=resolution))


@given(graphs, st.floats(0.0, 1.0))
def test_no_single_move_makes_leiden_better(
    graph: tuple[int, list[tuple[int, int, float]]], resolution: float
) -> None:
    nodes, edges = graph
    links = as_links(edges)
    labels = leiden(*links, nodes=nodes, resolution=resolution)
    reached = quality(links, labels, resolution)
    for node in range(nodes):
        for label in range(labels.max() + 2):
            moved = labels.copy()
            moved[node] = label
            assert quality(links, moved, resolution) <= reached + 1e-8


@given(graphs, st.floats(0.0, 1.0), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_the_order_and_direction_of_links_do_not_matter(
    graph: tuple[int, list[tuple[int, int, float]]], resolution: float, random: st.DataObject
) -> None:
    nodes, edges = graph
    shuffled = [(b, a, weight) if random.random() < 0.5 else (a, b, weight) for a, b, weight in edges]  # type: ignore[attr-defined]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for method in (louvain, leiden):
        np.testing.assert_array_equal(
            method(*as_links(edges), nodes=nodes, resolution=resolution),
            method(*as_links(shuffled), nodes=nodes, resolution=resolution),
        )


@given(graphs)
def test_components_join_what_a_path_joins(graph: tuple[int, list[tuple[int, int, float]]]) -> None:
    nodes, edges = graph
    links = as_links(edges)
    labels = connected_components(links[0], links[1], nodes=nodes)
    assert (labels[links[0]] == labels[links[1]]).all()
    assert all_connected(links, labels)
    np.testing.assert_array_equal(labels, leiden(*links, nodes=nodes, resolution=0.0))


@pytest.mark.parametrize("method", [louvain, leiden])
def test_a_ring_of_cliques_falls_into_its_cliques(method: Method) -> None:
    labels = method(*cliques(30, 5), nodes=150, resolution=0.1)
    np.testing.assert_array_equal(labels, np.arange(150) // 5)


@pytest.mark.parametrize("method", [louvain, leiden])
def test_planted_groups_are_found(method: Method) -> None:
    rng = np.random.default_rng(2)
    nodes, group = 400, 20
    planted = rng.permutation(nodes) % group
    first, second = np.triu_indices(nodes, 1)
    linked = rng.random(len(first)) < np.where(planted[first] == planted[second], 0.6, 0.01)
    links = first[linked], second[linked], rng.uniform(0.5, 1, linked.sum())
    np.testing.assert_array_equal(method(*links, nodes=nodes, resolution=0.1), renumbered(planted))


def test_leiden_parts_two_groups_that_one_link_chains() -> None:
    links = cliques(2, 6)
    assert connected_components(links[0], links[1], nodes=12).max() == 0
    np.testing.assert_array_equal(leiden(*links, nodes=12, resolution=0.1), np.arange(12) // 6)


def test_links_listed_twice_add_up() -> None:
    once = np.array([0]), np.array([1]), np.array([0.3])
    twice = np.array([0, 1]), np.array([1, 0]), np.array([0.3, 0.3])
    np.testing.assert_array_equal(leiden(*once, nodes=2, resolution=0.5), [0, 1])
    np.testing.assert_array_equal(leiden(*twice, nodes=2, resolution=0.5), [0, 0])


def test_without_links_every_node_is_alone() -> None:
    nothing = as_links([])
    for nodes in (0, 3):
        np.testing.assert_array_equal(leiden(*nothing, nodes=nodes, resolution=0.1), np.arange(nodes))
        np.testing.assert_array_equal(louvain(*nothing, nodes=nodes, resolution=0.1), np.arange(nodes))
        np.testing.assert_array_equal(
            connected_components(nothing[0], nothing[1], nodes=nodes), np.arange(nodes)
        )


def test_labels_are_numbered_by_first_node() -> None:
    np.testing.assert_array_equal(renumbered(np.array([7, 2, 7, 9, 2])), [0, 1, 0, 2, 1])


@pytest.mark.parametrize(
    ("sources", "targets", "weights", "says"),
    [
        ([0], [3], [1.0], "outside 0 to 2"),
        ([-1], [0], [1.0], "outside 0 to 2"),
        ([0], [1], [0.0], "positive"),
        ([0], [1], [float("nan")], "positive"),
        ([0, 1], [1], [1.0], "2 sources, 1 targets"),
    ],
)
def test_links_that_make_no_graph_are_refused(
    sources: list[int], targets: list[int], weights: list[float], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        leiden(np.array(sources), np.array(targets), np.array(weights), nodes=3, resolution=0.1)
