"""Small communities that join a larger one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pimmi.grouping.absorbing import MOST_NODES, absorbed

Pairs = list[tuple[int, int]]


def joined(sizes: list[int], links: Pairs) -> list[int]:
    """The label of each of some communities, of so many nodes, when nodes are linked."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.array(links, np.int64).reshape(-1, 2)
    found = absorbed(labels, ends[:, 0], ends[:, 1])
    return [int(found[labels == community][0]) for community in range(len(sizes))]


def test_two_links_into_a_large_family_are_enough() -> None:
    assert joined([30, 2], [(0, 30), (1, 30)]) == [0, 0]


def test_one_node_of_it_is_not() -> None:
    assert joined([30, 2], [(0, 30), (0, 31)]) == [0, 1]


def test_who_is_linked_with_two_families_joins_neither() -> None:
    assert joined([30, 30, 1], [(0, 60), (1, 60), (30, 60), (31, 60)]) == [0, 1, 2]


def test_two_families_stay_apart() -> None:
    links = [(0, 30), (1, 31), (2, 32), (3, 33)]
    assert joined([30, MOST_NODES + 1], links) == [0, 1]
    assert joined([30, MOST_NODES], links) == [0, 0]


def test_who_joins_may_bring_others() -> None:
    assert joined([30, 2, 1], [(0, 30), (1, 31), (30, 32), (31, 32)]) == [0, 0, 0]


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    ends=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=25),
)
def test_communities_join_whole_and_only_where_links_lead(sizes: list[int], ends: Pairs) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    links = np.array([(one % len(labels), other % len(labels)) for one, other in ends], np.int64).reshape(
        -1, 2
    )
    found = absorbed(labels, links[:, 0], links[:, 1])
    assert all(len(np.unique(found[labels == community])) == 1 for community in range(len(sizes)))
    reached = {(labels[one], labels[other]) for one, other in links.tolist()}
    for label in np.unique(found):
        inside = np.unique(labels[found == label]).tolist()
        assert len(inside) == 1 or all(
            any((one, other) in reached or (other, one) in reached for other in inside if other != one)
            for one in inside
        )
    again = absorbed(labels, links[::-1, 1], links[::-1, 0])
    assert (again == found).all()
