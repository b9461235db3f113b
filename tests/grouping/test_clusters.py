"""The clusters table: its numbers, its order, and what is left out of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pimmi.grouping.clusters import CLUSTERS_SCHEMA, cluster_rows
from pimmi.grouping.communities import connected_components

Edges = list[tuple[str, str]]


def clusters(images: list[str], edges: Edges, *, collapsed: str = "") -> pa.Table:
    places = {image: place for place, image in enumerate(images)}
    queries = np.array([places[edge[0]] for edge in edges], np.int64)
    results = np.array([places[edge[1]] for edge in edges], np.int64)
    return cluster_rows(
        images,
        connected_components(queries, results, nodes=len(images)),
        queries,
        results,
        collapsed=np.array([image in collapsed for image in images], bool),
    )


def rows(table: pa.Table) -> list[dict[str, object]]:
    found: list[dict[str, object]] = table.to_pylist()
    return found


def test_the_largest_is_first_and_ties_go_by_id() -> None:
    table = clusters(list("abcdefgh"), [("a", "h"), ("b", "e"), ("d", "c"), ("c", "g")])
    assert table.column("image_id").to_pylist() == ["c", "d", "g", "a", "h", "b", "e"]
    assert table.column("cluster_id").to_pylist() == ["c", "c", "c", "a", "a", "b", "b"]
    assert table.column("cluster_rank").to_pylist() == [1, 1, 1, 2, 2, 3, 3]
    assert table.column("cluster_size").to_pylist() == [3, 3, 3, 2, 2, 2, 2]


def test_images_without_links_are_left_out() -> None:
    assert clusters(list("abc"), [("a", "c")]).column("image_id").to_pylist() == ["a", "c"]


@pytest.mark.parametrize("images", [[], ["a"], ["a", "b"]])
def test_without_links_the_table_is_empty(images: list[str]) -> None:
    table = clusters(images, [])
    assert table.num_rows == 0
    assert table.schema == CLUSTERS_SCHEMA


def test_degree_and_quality_count_a_pair_once() -> None:
    [a, b, c, d] = rows(
        clusters(list("abcd"), [("a", "b"), ("b", "a"), ("b", "c"), ("b", "c"), ("c", "d"), ("d", "d")])
    )
    assert [row["degree"] for row in (a, b, c, d)] == [1, 2, 2, 1]
    assert {row["quality"] for row in (a, b, c, d)} == {0.5}


def test_a_full_cluster_has_quality_one() -> None:
    table = clusters(list("abc"), [("a", "b"), ("b", "c"), ("a", "c")])
    assert table.column("quality").to_pylist() == [1.0, 1.0, 1.0]


def test_images_for_which_others_stand_do_not_count_in_quality() -> None:
    edges = [("a", "b"), ("b", "c"), ("a", "d"), ("b", "d"), ("a", "e")]
    found = rows(clusters(list("abcde"), edges, collapsed="de"))
    assert [row["quality"] for row in found] == pytest.approx([2 / 3] * 5)
    assert [row["degree"] for row in found] == [3, 3, 1, 2, 1]
    assert {row["cluster_size"] for row in found} == {5}


def test_a_cluster_with_one_image_that_stands_has_quality_one() -> None:
    found = rows(clusters(list("abc"), [("a", "b"), ("a", "c")], collapsed="bc"))
    assert {row["quality"] for row in found} == {1.0}


@given(
    st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("abcdefghij")), max_size=30),
    st.randoms(use_true_random=False),
)
def test_rows_agree_with_each_other_and_not_with_the_order_of_links(
    edges: Edges, random: st.DataObject
) -> None:
    table = clusters(list("abcdefghij"), edges)
    random.shuffle(edges)  # type: ignore[attr-defined]
    assert table.equals(clusters(list("abcdefghij"), edges))

    members: dict[object, list[dict[str, object]]] = {}
    for row in rows(table):
        members.setdefault(row["cluster_id"], []).append(row)
    assert [group[0]["cluster_rank"] for group in members.values()] == list(range(1, len(members) + 1))
    for name, group in members.items():
        assert len(group) >= 2
        assert {row["cluster_size"] for row in group} == {len(group)}
        assert name == min(str(row["image_id"]) for row in group) == group[0]["image_id"]
        inside = {row["image_id"] for row in group}
        linked = {frozenset(edge) for edge in edges if set(edge) <= inside and edge[0] != edge[1]}
        possible = len(group) * (len(group) - 1) / 2
        assert group[0]["quality"] == pytest.approx(len(linked) / possible)
        for row in group:
            assert row["degree"] == sum(row["image_id"] in pair for pair in linked)
