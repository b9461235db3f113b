"""Elements and clusters, from made-up links: collages, frames, stickers, and links that contradict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_graphs import ALL, INNER, Link, bitmap, box, compared, drawn_links, evidence, framed, photo

from pimmi.errors import SettingsError
from pimmi.grouping.communities import renumbered
from pimmi.grouping.evidence import Groups
from pimmi.grouping.groups import find_groups, with_common
from pimmi.settings import ALGORITHMS, GroupingSettings

FRAME, MIDDLE = bitmap(~INNER), bitmap(INNER)
STICKER = box(rows=(0, 2), columns=(0, 2))
RESOLUTION = GroupingSettings().resolution

seeds = st.integers(0, 2**32 - 1)
algorithms = st.sampled_from(ALGORITHMS)


def group(links: Sequence[Link], *, images: int = 0, algorithm: str = "leiden") -> Groups:
    images = max([images, *(max(link.query, link.result) + 1 for link in links)])
    return find_groups(evidence(links, images=images), algorithm=algorithm, resolution=RESOLUTION)


def family(*images: int) -> list[Link]:
    """Copies of one picture: each shows all of each other."""
    return [Link(one, other, (ALL, ALL)) for one in images for other in images if one < other]


def shows(image: int, mask: int, *others: int) -> list[Link]:
    """An image a part of which shows the whole of others."""
    return [Link(image, other, (mask, ALL)) for other in others]


def sticker(*images: int, families: int = 0) -> list[Link]:
    """Images of which those that have not the same remainder by `families` share a sticker."""
    return [
        Link(one, other, (STICKER, STICKER), weak=True)
        for one in images
        for other in images
        if one < other and not (families and (other - one) % families == 0)
    ]


def elements(groups: Groups, *, common: bool) -> list[tuple[int, ...]]:
    """The images of each element that is common, or of each that is not, sorted."""
    return sorted(
        tuple(sorted(set(groups.part_images[groups.part_elements == element].tolist())))
        for element in np.flatnonzero(groups.common == common).tolist()
    )


def main_parts(groups: Groups) -> dict[int, int]:
    """The cells of each image's main part; an image has one at most."""
    images = groups.part_images[groups.part_main].tolist()
    assert len(images) == len(set(images))
    return dict(zip(images, groups.part_masks[groups.part_main].tolist(), strict=True))


def test_a_collage_is_in_two_elements_and_in_the_cluster_of_the_larger_part() -> None:
    left, right = box(columns=(0, 3)), box(columns=(3, 8))
    links = family(0, 1, 2) + family(3, 4) + shows(5, left, 0, 1, 2) + shows(5, right, 3, 4)
    groups = group(links)
    assert groups.clusters.tolist() == [0, 0, 0, 1, 1, 1]
    assert groups.copy.all()
    assert elements(groups, common=False) == [(0, 1, 2, 5), (3, 4, 5)]
    assert elements(groups, common=True) == []
    assert main_parts(groups) == {**dict.fromkeys(range(5), ALL), 5: right}
    assert sorted(groups.part_masks[groups.part_images == 5].tolist()) == sorted([left, right])


def test_a_collage_of_equal_parts_is_in_the_cluster_of_the_larger_family() -> None:
    halves = box(columns=(0, 4)), box(columns=(4, 8))
    for one, other in (halves, halves[::-1]):
        links = family(0, 1) + family(2, 3, 4) + shows(5, one, 0, 1) + shows(5, other, 2, 3, 4)
        groups = group(links)
        assert groups.clusters.tolist() == [0, 0, 1, 1, 1, 1]
        assert main_parts(groups)[5] == other


def test_different_collages_of_two_pictures_do_not_join_them() -> None:
    left, right, top, bottom = box(columns=(0, 3)), box(columns=(3, 8)), box(rows=(0, 5)), box(rows=(5, 8))
    links = family(0, 1, 2) + family(3, 4, 5)
    for collage, first, second in ((6, left, right), (7, right, left), (8, top, bottom)):
        links += shows(collage, first, 0, 1, 2) + shows(collage, second, 3, 4, 5)
    links += [Link(6, 7, (left, right)), Link(6, 8, (right, bottom)), Link(7, 8, (right, top))]
    groups = group(links)
    assert groups.clusters.tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0]
    assert elements(groups, common=False) == [(0, 1, 2, 6, 7, 8), (3, 4, 5, 6, 7, 8)]


@pytest.mark.parametrize("number", [4, 5, 9])
def test_a_frame_around_unrelated_pictures_is_a_common_element(number: int) -> None:
    """Each picture is there twice in its frame."""
    images = [framed(photo(picture), frame=1) for picture in range(number) for _ in range(2)]
    groups = group(compared(images))
    assert groups.clusters.tolist() == [image // 2 for image in range(2 * number)]
    assert elements(groups, common=True) == [tuple(range(2 * number))]
    assert elements(groups, common=False) == [(2 * pair, 2 * pair + 1) for pair in range(number)]
    in_common = groups.common[groups.part_elements]
    assert set(groups.part_masks[in_common].tolist()) == {FRAME}
    assert set(groups.part_masks[~in_common].tolist()) == {MIDDLE}
    assert not groups.part_main[in_common].any()
    assert groups.part_main[~in_common].all()


def test_a_frame_within_one_family_is_not_common() -> None:
    groups = group(compared([framed(photo(1), frame=1)] * 6))
    assert groups.clusters.tolist() == [0] * 6
    assert groups.common.tolist() == [False]
    assert groups.copy.all()


@pytest.mark.parametrize("number", [2, 3, 4, 6])
def test_a_sticker_is_common_if_it_is_in_enough_families(number: int) -> None:
    groups = group(sticker(*range(number)))
    assert groups.clusters.tolist() == list(range(number))
    assert not groups.copy.any()
    assert elements(groups, common=False) == []
    assert elements(groups, common=True) == ([tuple(range(number))] if number >= 4 else [])
    assert not groups.part_main.any()


@pytest.mark.parametrize(("copies", "common"), [(2, True), (3, False)])
def test_a_sticker_is_common_if_enough_of_its_images_are_unrelated(copies: int, common: bool) -> None:
    """Four families of so many copies; the links of the sticker are those between the families."""
    images = range(4 * copies)
    links = [link for number in range(4) for link in family(*images[number::4])]
    groups = group(links + sticker(*images, families=4))
    assert groups.clusters.tolist() == [0, 1, 2, 3] * copies
    assert elements(groups, common=True) == ([tuple(images)] if common else [])


def test_a_sticker_within_one_family_is_not_common() -> None:
    groups = group(family(*range(5)) + sticker(*range(5)))
    assert elements(groups, common=False) == [(0, 1, 2, 3, 4)]
    assert elements(groups, common=True) == []


@pytest.mark.parametrize(("agreeing", "copy"), [(3, False), (4, False), (5, True), (8, True)])
def test_a_link_between_families_that_pixels_contradict_is_no_copy(agreeing: int, copy: bool) -> None:
    """Of eight rows, so many agree."""
    same, other = box(rows=(0, agreeing)), box(rows=(agreeing, 8))
    between = Link(0, 6, (same, same), (other, other))
    groups = group([*family(*range(6)), *family(*range(6, 12)), between])
    assert groups.clusters.tolist() == [0] * 6 + [1] * 6
    assert groups.copy[:-1].all()
    assert groups.copy[-1] == copy


def test_a_link_within_a_family_that_pixels_contradict_stays_a_copy() -> None:
    same, other = box(rows=(0, 3)), box(rows=(3, 8))
    groups = group([*family(*range(6)), Link(0, 6, (same, same), (other, other))])
    assert groups.clusters.tolist() == [0] * 7
    assert groups.copy.all()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_finds_families(algorithm: str) -> None:
    groups = group(family(0, 2, 4) + family(1, 3), images=6, algorithm=algorithm)
    assert groups.clusters.tolist() == [0, 1, 0, 1, 0, 2]
    assert elements(groups, common=False) == [(0, 2, 4), (1, 3)]


def test_only_components_join_what_one_link_chains() -> None:
    links = [*family(*range(6)), *family(*range(6, 12)), Link(5, 6, (ALL, ALL))]
    families = {algorithm: set(group(links, algorithm=algorithm).clusters) for algorithm in ALGORITHMS}
    assert families == {"components": {0}, "louvain": {0, 1}, "leiden": {0, 1}}


@pytest.mark.parametrize("links", [[], family(0, 1)])
def test_an_unknown_algorithm_is_refused(links: list[Link]) -> None:
    with pytest.raises(SettingsError, match=r"no algorithm 'fast'.*components, louvain, leiden"):
        group(links, images=2, algorithm="fast")


def test_without_links_every_image_is_alone() -> None:
    for images in (0, 3):
        groups = group([], images=images)
        assert groups.clusters.tolist() == list(range(images))
        assert len(groups.part_images) == len(groups.common) == len(groups.copy) == 0


def test_an_image_whose_largest_part_is_in_no_element_is_in_the_cluster_of_another() -> None:
    """The large part of image 24 is linked to one of a family of 24, but it takes more to be of that family."""
    large, small = box(rows=(0, 5)), box(rows=(5, 8))
    links = family(*range(24)) + shows(24, small, 25, 26) + family(25, 26)
    links.append(Link(0, 24, (ALL, large)))
    groups = group(links)
    assert groups.clusters.tolist() == [0] * 24 + [1] * 3
    assert main_parts(groups)[24] == small


def test_an_element_that_is_made_common_is_no_cluster() -> None:
    groups = group(family(0, 1, 2) + family(3, 4) + shows(5, MIDDLE, 3, 4) + shows(5, STICKER, 0, 1, 2))
    assert groups.clusters.tolist() == [0, 0, 0, 1, 1, 1]
    of_image = groups.part_elements[groups.part_images == 3]
    marked = with_common(groups, np.arange(len(groups.common)) == of_image[0])
    assert marked.clusters.tolist() == [0, 0, 0, 1, 2, 0]
    assert main_parts(marked)[5] == STICKER
    assert marked.copy.tolist() == [True] * 3 + [False] * 3 + [True] * 3
    back = with_common(marked, groups.common)
    assert back.clusters.tolist() == groups.clusters.tolist()
    assert back.copy.all()


def test_a_common_element_that_is_made_a_copy_is_a_cluster() -> None:
    groups = group(sticker(*range(5)))
    marked = with_common(groups, ~groups.common)
    assert marked.clusters.tolist() == [0] * 5
    assert marked.copy.all()
    assert main_parts(marked) == dict.fromkeys(range(5), STICKER)


@settings(deadline=None, max_examples=120)
@given(seed=seeds, algorithm=algorithms)
def test_the_same_elements_made_common_change_nothing(seed: int, algorithm: str) -> None:
    links, images = drawn_links(seed)
    groups = group(links, images=images, algorithm=algorithm)
    again = with_common(groups, groups.common.copy())
    for name in ("clusters", "copy", "part_main", "common"):
        assert getattr(again, name).tolist() == getattr(groups, name).tolist()


def test_links_without_elements_can_be_marked() -> None:
    groups = group(sticker(0, 1))
    assert len(groups.common) == 0
    assert with_common(groups, groups.common).clusters.tolist() == [0, 1]


@settings(deadline=None, max_examples=120)
@given(seed=seeds, algorithm=algorithms)
def test_groups_are_as_documented(seed: int, algorithm: str) -> None:
    links, images = drawn_links(seed)
    groups = group(links, images=images, algorithm=algorithm)
    assert groups.clusters.tolist() == renumbered(groups.clusters).tolist()
    assert len(groups.clusters) == images
    assert np.array_equal(np.unique(groups.part_elements), np.arange(len(groups.common)))
    assert all(len(members) >= 2 for common in (True, False) for members in elements(groups, common=common))
    assert not (groups.part_main & groups.common[groups.part_elements]).any()
    for of_end, ends in (
        (groups.of_query, [link.query for link in links]),
        (groups.of_result, [link.result for link in links]),
    ):
        known = of_end >= 0
        assert groups.part_images[of_end[known]].tolist() == np.array(ends, int)[known].tolist()
        assert (
            not (groups.copy & known & groups.common[groups.part_elements[of_end]]).any()
            if known.any()
            else True
        )


@settings(deadline=None, max_examples=120)
@given(seed=seeds, algorithm=algorithms)
def test_a_cluster_is_all_images_with_one_main_element(seed: int, algorithm: str) -> None:
    links, images = drawn_links(seed)
    groups = group(links, images=images, algorithm=algorithm)
    main = dict(
        zip(
            groups.part_images[groups.part_main].tolist(),
            groups.part_elements[groups.part_main].tolist(),
            strict=True,
        )
    )
    assert len(main) == groups.part_main.sum()
    labels = [main.get(image, -1 - image) for image in range(images)]
    assert groups.clusters.tolist() == renumbered(np.array(labels)).tolist()


@settings(deadline=None, max_examples=120)
@given(seed=seeds, algorithm=algorithms, data=st.data())
def test_the_order_of_links_and_of_their_ends_plays_no_role(
    seed: int, algorithm: str, data: st.DataObject
) -> None:
    links, images = drawn_links(seed)
    order = data.draw(st.permutations(range(len(links))))
    turned = data.draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))
    groups = group(links, images=images, algorithm=algorithm)
    permuted = [links[row].turned() if turned[row] else links[row] for row in order]
    again = group(permuted, images=images, algorithm=algorithm)
    for name in ("clusters", "part_images", "part_masks", "part_elements", "part_main", "common"):
        assert getattr(again, name).tolist() == getattr(groups, name).tolist()
    assert again.copy.tolist() == groups.copy[order].tolist()
    for place, row in enumerate(order):
        ends = again.of_query[place], again.of_result[place]
        assert (ends[::-1] if turned[row] else ends) == (groups.of_query[row], groups.of_result[row])
