"""Copies, told from images that share only a frame, an emoji, or a picture with something over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_graphs import ALL, BLANK, INNER, Link, bitmap, box, compared, drawn_links, evidence, framed, photo

from pimmi.grouping.sharing import Sorted, sort_links

FRAME, MIDDLE = bitmap(~INNER), bitmap(INNER)
STICKER = box(rows=(0, 2), columns=(0, 2))

seeds = st.integers(0, 2**32 - 1)


def sort(links: Sequence[Link]) -> Sorted:
    images = max((max(link.query, link.result) for link in links), default=-1) + 1
    return sort_links(evidence(links, images=images))


def copies(links: Sequence[Link]) -> set[tuple[int, int]]:
    """The pairs of images whose link shows a copy."""
    found = sort(links).copy
    return {(link.query, link.result) for link, copy in zip(links, found, strict=True) if copy}


def all_pairs(*images: int) -> set[tuple[int, int]]:
    return {(one, other) for one in images for other in images if one < other}


def test_a_picture_pasted_over_a_copy_leaves_it_a_copy() -> None:
    whole, over = photo(1), photo(2)
    pasted = np.where(np.arange(8) < 5, whole, over)
    links = compared([whole, whole, whole, pasted, whole])
    links += [
        Link(3, 5, (box(columns=(5, 8)), ALL)),
        Link(3, 6, (box(columns=(5, 8)), ALL)),
        Link(5, 6, (ALL, ALL)),
    ]
    assert copies(links) == all_pairs(0, 1, 2, 3, 4) | all_pairs(3, 5, 6)
    assert sort(links).common_masks.tolist() == [0] * 7


def test_a_caption_on_each_copy_of_a_picture_leaves_them_copies() -> None:
    """Each differs from the others in two rows of eight."""
    captioned = [np.where(np.arange(8)[:, None] < 2, photo(number), photo(0)) for number in range(1, 9)]
    assert copies(compared(captioned)) == all_pairs(*range(8))


@pytest.mark.parametrize("number", [4, 5, 12])
def test_unrelated_pictures_in_one_frame_are_no_copies(number: int) -> None:
    links = compared([framed(photo(picture), frame=1) for picture in range(number)])
    assert len(links) == number * (number - 1) / 2
    assert copies(links) == set()
    assert sort(links).common_masks.tolist() == [FRAME] * number


def test_two_or_three_pictures_in_one_frame_are_too_few_to_tell() -> None:
    for number in (2, 3):
        links = compared([framed(photo(picture), frame=1) for picture in range(number)])
        assert copies(links) == all_pairs(*range(number))


def test_copies_of_a_framed_picture_stay_copies_among_others_in_the_frame() -> None:
    links = compared([framed(photo(picture), frame=1) for picture in (1, 1, 2, 3, 4, 5, 5, 5)])
    assert copies(links) == {(0, 1)} | all_pairs(5, 6, 7)


def test_a_copy_of_a_framed_picture_may_differ_in_a_cell_but_not_in_a_quarter() -> None:
    others = [framed(photo(picture), frame=1) for picture in range(2, 7)]
    framed_picture = framed(photo(1), frame=1)
    retouched, changed = framed_picture.copy(), framed_picture.copy()
    retouched[3, 3] = 10**6
    changed[1:4, 1:4] = 10**6
    assert copies(compared([framed_picture, retouched, *others])) == {(0, 1)}
    assert copies(compared([framed_picture, changed, *others])) == set()


def test_empty_frames_are_no_copies_among_framed_pictures() -> None:
    """They agree on all that they show, but it is nothing of their own."""
    images = [framed(photo(picture), frame=1) for picture in range(5)]
    empty = framed(BLANK, frame=1)
    links = compared([*images, empty, empty])
    assert max(evidence(links, images=7).purity) == 1
    assert copies(links) == set()


def test_images_that_are_no_copies_count_as_many_families() -> None:
    """Empty frames look like copies until other pictures in the frame show that they aren't; so are 0 and 1."""
    images = [framed(photo(picture), frame=1) for picture in range(5)] + [framed(BLANK, frame=1)] * 3
    links = [link for link in compared(images) if not (link.query < 2 <= link.result < 5)]
    assert copies(links) == set()


def test_a_screenshot_stays_with_the_picture_that_it_shows() -> None:
    """Images 0 to 4 are screenshots of one app, 0 of a picture that images 5 to 12 are copies of."""
    links = compared([framed(photo(picture), frame=1) for picture in range(5)])
    links += compared([photo(9)] * 8, first=5)
    links += [Link(0, copy, (MIDDLE, ALL)) for copy in range(5, 13)]
    assert copies(links) == all_pairs(0, *range(5, 13))
    assert sort(links).common_masks.tolist() == [FRAME] * 5 + [0] * 8


def test_what_the_copies_of_one_picture_show_most_often_is_not_common() -> None:
    """Six copies with something on each, and four other images that show the top of the same picture."""
    stamped = [photo(1) for _ in range(6)]
    for number, image in enumerate(stamped):
        image[4 + number // 2, 4 * (number % 2) :][:4] = 10**6 + number
    top = np.arange(8)[:, None] < 2
    others = [np.where(top, photo(1), photo(number)) for number in range(2, 6)]
    assert all_pairs(*range(6)) <= copies(compared([*stamped, *others]))


@pytest.mark.parametrize("number", [2, 3, 4, 20])
def test_weak_links_alone_are_no_copies(number: int) -> None:
    links = [
        Link(one, other, (STICKER, STICKER), weak=True) for one, other in sorted(all_pairs(*range(number)))
    ]
    assert copies(links) == set()
    common = STICKER if number >= 4 else 0
    assert sort(links).common_masks.tolist() == [common] * number


def test_copies_with_an_emoji_that_is_on_many_images_stay_copies() -> None:
    links = compared([photo(1)] * 3)
    links += [Link(one, other, (STICKER, STICKER), weak=True) for one in range(3) for other in range(3, 10)]
    assert copies(links) == all_pairs(0, 1, 2)
    assert sort(links).common_masks.tolist() == [STICKER] * 3 + [0] * 7


@settings(deadline=None, max_examples=120)
@given(seed=seeds, data=st.data())
def test_the_order_of_links_and_of_their_ends_plays_no_role(seed: int, data: st.DataObject) -> None:
    links, images = drawn_links(seed)
    order = data.draw(st.permutations(range(len(links))))
    turned = data.draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))
    found = sort_links(evidence(links, images=images))
    permuted = [links[row].turned() if turned[row] else links[row] for row in order]
    again = sort_links(evidence(permuted, images=images))
    assert again.copy.tolist() == found.copy[order].tolist()
    assert again.common_masks.tolist() == found.common_masks.tolist()


def moved(links: Sequence[Link], by: int) -> list[Link]:
    return [Link(link.query + by, link.result + by, link.same, link.other, link.weak) for link in links]


@settings(deadline=None, max_examples=120)
@given(seed=seeds, other_seed=seeds)
def test_images_that_nothing_links_change_nothing(seed: int, other_seed: int) -> None:
    (links, images), (others, other_images) = drawn_links(seed), drawn_links(other_seed)
    alone = sort_links(evidence(links, images=images))
    everything = images + other_images
    before = sort_links(evidence(links + moved(others, images), images=everything))
    after = sort_links(evidence(others + moved(links, other_images), images=everything))
    for copy, masks in (
        (before.copy[: len(links)], before.common_masks[:images]),
        (after.copy[len(others) :], after.common_masks[other_images:]),
    ):
        assert copy.tolist() == alone.copy.tolist()
        assert masks.tolist() == alone.common_masks.tolist()


@settings(deadline=None, max_examples=120)
@given(seed=seeds)
def test_no_weak_link_is_a_copy(seed: int) -> None:
    links, images = drawn_links(seed)
    found = evidence(links, images=images)
    assert not (sort_links(found).copy & found.weak).any()


def test_no_links_show_nothing() -> None:
    found = sort_links(evidence([], images=3))
    assert found.copy.tolist() == []
    assert found.common_masks.tolist() == [0, 0, 0]
