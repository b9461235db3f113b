"""Groups of images among which some have so many near-exact copies that these stand for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from link_graphs import ALL, Link, box, compared, evidence, framed, photo

from pimmi.grouping.clusters import cluster_rows
from pimmi.grouping.collapsed import visible_links
from pimmi.grouping.evidence import Evidence, Groups
from pimmi.grouping.groups import find_groups
from pimmi.matching.blocks import STANDING
from pimmi.settings import ALGORITHMS
from pimmi.study.standing import stood_for

COPIES = 2 * STANDING


def flood(numbers: list[int]) -> list[Link]:
    """The links of near-exact copies: of each image those to the STANDING smallest, near if it doesn't stand."""
    links = []
    for place, result in enumerate(numbers):
        smaller = numbers[:place][:STANDING]
        links += [Link(query, result, (ALL, ALL), near=place >= STANDING) for query in smaller]
    return links


def grouped(found: Evidence, algorithm: str = "leiden") -> Groups:
    return find_groups(found, algorithm=algorithm, resolution=0.05)


def all_near(links: list[Link]) -> list[Link]:
    return [replace(link, near=True) for link in links]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_copies_are_in_the_cluster_of_those_that_stand(algorithm: str) -> None:
    """With a crop that is linked with those, and another picture of which there is a copy."""
    crop, other = COPIES, COPIES + 1
    links = flood(list(range(COPIES)))
    links += [Link(image, crop, (box(rows=(2, 6)), ALL)) for image in range(STANDING)]
    links += [Link(other, other + 1, (ALL, ALL))]
    groups = grouped(evidence(links, images=COPIES + 3), algorithm)
    assert groups.clusters.tolist() == [0] * (COPIES + 1) + [1, 1]
    assert groups.copy.all()
    mains = groups.part_images[groups.part_main]
    assert sorted(mains) == list(range(COPIES + 3))
    element = dict(zip(mains.tolist(), groups.part_elements[groups.part_main].tolist(), strict=True))
    assert len({element[image] for image in range(COPIES)}) == 1
    assert element[other] == element[other + 1] != element[0]
    assert not groups.common.any()


def test_a_flood_without_any_other_link_is_a_cluster() -> None:
    """Where all links that count are of images for which others stand, nothing is left that is grouped otherwise."""
    last = COPIES - 1
    links = [Link(query, last, (ALL, ALL), near=True) for query in range(STANDING)]
    groups = grouped(evidence(links, images=COPIES))
    assert groups.clusters[last] == groups.clusters[0]
    assert groups.copy.all()
    assert (groups.of_query >= 0).any()


def test_every_end_of_a_link_has_a_part_of_one_element() -> None:
    found = evidence(flood(list(range(COPIES))), images=COPIES)
    groups = grouped(found)
    assert (groups.of_query >= 0).all()
    assert (groups.of_result >= 0).all()
    assert np.array_equal(groups.part_images[groups.of_query], found.queries)
    assert np.array_equal(groups.part_images[groups.of_result], found.results)
    elements = groups.part_elements
    assert np.array_equal(elements[groups.of_query], elements[groups.of_result])


def test_the_others_are_grouped_as_without_the_images_for_which_they_stand() -> None:
    pictures = (
        [photo(1)] * STANDING + [photo(2)] * 3 + [framed(photo(number), frame=1) for number in range(3, 9)]
    )
    rest = compared(pictures)
    images = len(pictures)
    copies = [
        Link(query, result, (ALL, ALL), near=True)
        for result in range(images, images + 5)
        for query in range(STANDING)
    ]
    before = grouped(evidence(rest, images=images))
    after = grouped(evidence(rest + copies, images=images + 5))
    assert np.array_equal(after.clusters[:images], before.clusters)
    assert after.clusters[images:].tolist() == [before.clusters[0]] * 5
    assert np.array_equal(after.copy[: len(rest)], before.copy)
    parts = len(before.part_images)
    for name in ("part_images", "part_masks", "part_elements", "part_main"):
        assert np.array_equal(getattr(after, name)[:parts], getattr(before, name))
    assert np.array_equal(after.common, before.common)


def test_the_order_of_links_does_not_matter() -> None:
    links = [*flood(list(range(COPIES))), Link(0, COPIES, (ALL, box(rows=(0, 4))))]
    found = grouped(evidence(links, images=COPIES + 1))
    order = np.random.default_rng(0).permutation(len(links))
    shuffled = grouped(evidence([links[place] for place in order], images=COPIES + 1))
    assert np.array_equal(shuffled.clusters, found.clusters)
    assert sorted(zip(shuffled.part_images, shuffled.part_masks, strict=True)) == sorted(
        zip(found.part_images, found.part_masks, strict=True)
    )


def test_two_floods_stay_apart() -> None:
    links = flood(list(range(0, 2 * COPIES, 2))) + flood(list(range(1, 2 * COPIES, 2)))
    groups = grouped(evidence(links, images=2 * COPIES))
    assert groups.clusters.tolist() == [0, 1] * COPIES


def test_links_with_an_end_for_which_others_stand_are_hidden() -> None:
    found = evidence(flood(list(range(COPIES))), images=COPIES)
    visible = visible_links(found)
    assert (found.results[visible] < STANDING).all()
    assert len(visible) == STANDING * (STANDING - 1) // 2
    few = evidence(all_near(flood(list(range(STANDING)))), images=STANDING)
    assert np.array_equal(visible_links(few), np.arange(len(few)))


def test_the_quality_of_a_flood_is_that_of_the_images_that_stand() -> None:
    found = evidence(flood(list(range(COPIES))), images=COPIES)
    groups = grouped(found)
    collapsed = stood_for(found.results[found.near], images=COPIES)
    assert collapsed.sum() == COPIES - STANDING
    names = [f"{image:03}" for image in range(COPIES)]
    rows = cluster_rows(names, groups.clusters, found.queries, found.results, collapsed=collapsed)
    assert set(rows.column("quality").to_pylist()) == {1.0}
    assert set(rows.column("cluster_size").to_pylist()) == {COPIES}
