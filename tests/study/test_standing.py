"""Which links count, against what the rule says of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.matching.blocks import STANDING
from pimmi.study.standing import counting, stood_for

Ints = NDArray[np.int64]
Row = tuple[int, int, bool]

seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Links:
    """Links between ranks of images, near ones and others; a pair has at most one of each."""

    images: int
    queries: Ints
    results: Ints
    near: NDArray[np.bool_]

    def ordered(self, order: Ints) -> Links:
        return Links(self.images, self.queries[order], self.results[order], self.near[order])

    def counting(self) -> list[Row]:
        places = counting(self.queries, self.results, self.near, images=self.images)
        assert (np.diff(places) > 0).all()
        kept = self.ordered(places)
        return list(zip(kept.queries.tolist(), kept.results.tolist(), kept.near.tolist(), strict=True))

    def stood_for(self) -> set[int]:
        return set(np.flatnonzero(stood_for(self.results[self.near], images=self.images)).tolist())


def drawn(seed: int) -> Links:
    """Floods of near-exact copies, some of which are found, and other links."""
    rng = np.random.default_rng(seed)
    images = int(rng.integers(1, 3 * STANDING))
    flood = rng.integers(0, 3, images)
    queries, results = np.triu_indices(images, 1)
    near = (flood[queries] == flood[results]) & (rng.random(len(queries)) < rng.choice([0.5, 0.95, 1]))
    matched = rng.random(len(queries)) < 0.3
    kinds = np.concatenate([np.ones(near.sum(), bool), np.zeros(matched.sum(), bool)])
    links = Links(
        images,
        np.concatenate([queries[near], queries[matched]]),
        np.concatenate([results[near], results[matched]]),
        kinds,
    )
    return links.ordered(rng.permutation(len(kinds)))


def expected(links: Links) -> list[Row]:
    """By the rule, link by link."""
    smaller: dict[int, list[int]] = {}
    matched = set()
    for query, result, near in zip(
        links.queries.tolist(), links.results.tolist(), links.near.tolist(), strict=True
    ):
        if near:
            smaller.setdefault(result, []).append(query)
        else:
            matched.add((query, result))
    away = {image for image, queries in smaller.items() if len(queries) >= STANDING}
    matched = {pair for pair in matched if not away.intersection(pair)}
    near_pairs = {(query, result) for result, found in smaller.items() for query in sorted(found)[:STANDING]}
    return sorted([*((*pair, False) for pair in matched), *((*pair, True) for pair in near_pairs - matched)])


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_the_links_that_count_are_those_of_the_rule(seed: int) -> None:
    links = drawn(seed)
    found = links.counting()
    assert sorted(found) == expected(links)
    pairs = [row[:2] for row in found]
    assert len(pairs) == len(set(pairs))
    away = links.stood_for()
    assert not any(away.intersection(row[:2]) for row in found if not row[2])


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_the_order_of_the_links_does_not_matter(seed: int) -> None:
    links = drawn(seed)
    order = np.random.default_rng(seed + 1).permutation(len(links.near))
    assert sorted(links.ordered(order).counting()) == sorted(links.counting())


@settings(max_examples=60, deadline=None)
@given(seed=seeds, share=st.floats(0.1, 1))
def test_more_images_never_make_one_stand_that_did_not(seed: int, share: float) -> None:
    """And what counted of others goes on to count, but for links of images that no longer stand."""
    everything = drawn(seed)
    held = np.random.default_rng(seed + 1).random(everything.images) < share
    some = everything.ordered(np.flatnonzero(held[everything.queries] & held[everything.results]))
    assert some.stood_for() <= everything.stood_for()
    lost = {row for row in some.counting() if not row[2]} - set(everything.counting())
    assert all(everything.stood_for().intersection(row[:2]) for row in lost)


def test_an_image_stands_until_it_has_as_many_smaller_copies() -> None:
    results = np.full(STANDING, STANDING)
    assert stood_for(results, images=STANDING + 1).tolist() == [False] * STANDING + [True]
    assert not stood_for(results[1:], images=STANDING + 1).any()


def test_links_of_an_image_with_many_copies_are_those_to_the_smallest() -> None:
    images = STANDING + 5
    queries, results = np.triu_indices(images, 1)
    links = Links(images, queries, results, np.ones(len(queries), bool))
    found = [query for query, result, _ in links.counting() if result == images - 1]
    assert found == list(range(STANDING))


def test_without_links_none_count() -> None:
    nothing = np.zeros(0, np.int64)
    assert counting(nothing, nothing, np.zeros(0, bool), images=0).tolist() == []
    assert not stood_for(nothing, images=3).any()
