"""Parts: which ends of links show the same part of an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from link_graphs import ALL, box
from numpy.typing import NDArray

from pimmi.grouping.communities import renumbered
from pimmi.grouping.parts import SAME_PART, Parts, make_parts

Ints = NDArray[np.int64]
End = tuple[int, int, int, int]
"""query, result, and the bitmaps of both"""

LEFT, RIGHT = box(columns=(0, 4)), box(columns=(4, 8))

masks = st.builds(
    lambda top, height, left, width: box(rows=(top, top + height), columns=(left, left + width)),
    st.integers(0, 6),
    st.integers(1, 8),
    st.integers(0, 6),
    st.integers(1, 8),
) | st.integers(1, ALL)
ends = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), masks, masks), max_size=25)


def parts(links: Sequence[End], *, images: int = 5) -> Parts:
    queries, results = np.array([link[:2] for link in links], np.int64).reshape(-1, 2).T
    query_masks, result_masks = np.array([link[2:] for link in links], np.uint64).reshape(-1, 2).T
    return make_parts(queries, results, query_masks, result_masks, images=images)


def of_first_image(*shown: int) -> list[int]:
    """The part of image 0 to which each of its ends belongs, numbered by first end."""
    found = parts([(0, 1, mask, ALL) for mask in shown])
    numbers: list[int] = renumbered(found.of_query).tolist()
    return numbers


def test_ends_that_cover_the_same_belong_together() -> None:
    found = parts([(0, 1, LEFT, ALL), (0, 2, LEFT, RIGHT), (3, 0, ALL, LEFT)])
    assert found.of_query[0] == found.of_query[1] == found.of_result[2]
    assert found.images.tolist() == [0, 1, 2, 3]
    assert found.masks.tolist() == [LEFT, ALL, RIGHT, ALL]


def test_ends_in_different_parts_of_an_image_stay_apart() -> None:
    assert of_first_image(LEFT, RIGHT, LEFT, RIGHT) == [0, 1, 0, 1]
    found = parts([(0, 1, LEFT, ALL), (0, 1, RIGHT, ALL)])
    assert found.images.tolist() == [0, 0, 1]
    assert found.of_result[0] == found.of_result[1]


def test_equal_masks_of_different_images_are_different_parts() -> None:
    found = parts([(0, 1, LEFT, LEFT), (2, 3, LEFT, LEFT)])
    assert found.images.tolist() == [0, 1, 2, 3]


def test_an_end_joins_a_part_that_holds_half_of_it() -> None:
    top = box(rows=(0, 4))
    assert of_first_image(top, box(rows=(3, 5))) == [0, 0]
    assert of_first_image(top, box(rows=(3, 6))) == [0, 1]


def test_a_small_end_in_a_large_one_joins_it_but_not_the_reverse() -> None:
    assert of_first_image(box(rows=(0, 1), columns=(0, 1)), ALL) == [0, 0]
    found = parts([(0, 1, LEFT, ALL), (0, 2, ALL, ALL), (0, 3, RIGHT, ALL)])
    assert found.images.tolist() == [0, 1, 2, 3]
    assert found.masks[0] == ALL


def test_an_end_joins_the_part_that_holds_most_of_it() -> None:
    top, bottom = box(rows=(0, 4)), box(rows=(4, 8))
    assert of_first_image(top, bottom, box(rows=(2, 5)), box(rows=(3, 6))) == [0, 1, 0, 1]


def check_founders(found: Parts, links: Sequence[End]) -> None:
    ends_of = [(link[0], link[2], part) for link, part in zip(links, found.of_query.tolist(), strict=True)]
    ends_of += [(link[1], link[3], part) for link, part in zip(links, found.of_result.tolist(), strict=True)]
    for image, mask, part in ends_of:
        assert found.images[part] == image
        assert (mask & int(found.masks[part])).bit_count() >= SAME_PART * mask.bit_count()


@settings(deadline=None)
@given(links=ends)
def test_every_end_shares_enough_with_the_founder_of_its_part(links: list[End]) -> None:
    found = parts(links)
    check_founders(found, links)
    used = np.concatenate([found.of_query, found.of_result])
    assert np.array_equal(np.unique(used), np.arange(len(found.images)))
    assert (np.diff(found.images) >= 0).all()


@settings(deadline=None)
@given(links=ends)
def test_founders_of_an_image_overlap_less_than_half(links: list[End]) -> None:
    found = parts(links)
    for one in range(len(found.images)):
        for other in range(one):
            if found.images[one] == found.images[other]:
                shared = int(found.masks[one] & found.masks[other]).bit_count()
                assert shared < SAME_PART * int(found.masks[one]).bit_count()


@settings(deadline=None)
@given(links=ends, data=st.data())
def test_the_order_of_links_and_of_their_ends_plays_no_role(links: list[End], data: st.DataObject) -> None:
    found = parts(links)
    order = data.draw(st.permutations(range(len(links))))
    turned = data.draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))

    def end(row: int) -> End:
        query, result, one, other = links[row]
        return (result, query, other, one) if turned[row] else (query, result, one, other)

    again = parts([end(row) for row in order])
    assert again.images.tolist() == found.images.tolist()
    assert again.masks.tolist() == found.masks.tolist()
    for place, row in enumerate(order):
        of_ends = again.of_query[place], again.of_result[place]
        assert (of_ends[::-1] if turned[row] else of_ends) == (found.of_query[row], found.of_result[row])


@settings(deadline=None)
@given(links=ends, data=st.data())
def test_the_numbers_of_the_images_play_no_role(links: list[End], data: st.DataObject) -> None:
    found = parts(links)
    number = data.draw(st.permutations(range(5)))
    again = parts([(number[query], number[result], one, other) for query, result, one, other in links])
    ends_before = np.concatenate([found.of_query, found.of_result])
    ends_after = np.concatenate([again.of_query, again.of_result])
    assert np.array_equal(renumbered(ends_before), renumbered(ends_after))
    assert np.array_equal(found.masks[ends_before], again.masks[ends_after])


def test_no_links_make_no_parts() -> None:
    found = parts([])
    assert len(found.images) == len(found.masks) == len(found.of_query) == len(found.of_result) == 0
