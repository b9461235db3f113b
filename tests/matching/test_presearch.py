"""Which images promise most, among copies of two pictures and one without points."""

import numpy as np
import pytest
from described import SETTINGS, described, joined_points, picture
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.index.codebook import load_codebook
from pimmi.index.points import (
    NEAREST,
    OTHER_DEPTH,
    RECORD,
    Points,
    form_offsets,
    full_codes,
    further_forms,
    offsets_of,
    stored_codes,
    words_of,
)
from pimmi.matching.join import change_masks, sign_limits
from pimmi.matching.lists import FEW_POINTS
from pimmi.matching.presearch import (
    NEAREST_PAIRS,
    Wanted,
    cell_places,
    make_cell_lists,
    matches_in_lists,
    matches_in_records,
    promising,
    wanted,
)

CODEBOOK = load_codebook(SETTINGS.matching.codebook)
DISTANCE = SETTINGS.matching.code_distance
SIGNS = sign_limits(sign_distance=SETTINGS.matching.sign_distance, code_distance=DISTANCE)
Part = tuple[Points, NDArray[np.int64]]


@pytest.fixture(scope="module")
def parts() -> list[Part]:
    """The points of five images, in two parts; the last has few points."""
    cat, coffee = picture("cat", width=256), picture("coffee", width=256)
    blank = np.full((100, 100, 3), 255, np.uint8)
    found = [
        joined_points([described(np.ascontiguousarray(each)).points for each in group])
        for group in ([cat, blank, coffee], [255 - cat, coffee[60:110, 80:140]])
    ]
    assert 0 < np.diff(found[1][1])[1] <= FEW_POINTS
    return found


@pytest.fixture(scope="module")
def query() -> Points:
    return described(np.ascontiguousarray(picture("cat", width=256)[20:180, 40:200])).points


@pytest.fixture(scope="module")
def asked(query: Points) -> Wanted:
    return wanted(query, codebook=CODEBOOK, code_distance=DISTANCE)


def in_records(asked: Wanted, parts: list[Part]) -> NDArray[np.uint64]:
    places = cell_places(asked, codebook=CODEBOOK)
    found, first = [], 0
    for points, offsets in parts:
        matches, forms = matches_in_records(
            asked, points.records, offsets, places=places, first=first, codebook=CODEBOOK, sign_limits=SIGNS
        )
        assert offsets_of(forms).tolist() == form_offsets(points, offsets).tolist()
        found.append(matches)
        first += len(offsets) - 1
    return np.concatenate(found)


def one_by_one(query: Points, parts: list[Part]) -> set[int]:
    """Each form compared with each point."""
    bits, depth = CODEBOOK.centroid_bits, CODEBOOK.depth
    limits = CODEBOOK.limits_within(DISTANCE)
    owners, changes = further_forms(query.doubts)
    plain = np.arange(len(query))
    forms = [
        (plain, np.zeros(len(query), int), words_of(query.records[:, RECORD - NEAREST :]), depth),
        (owners, changes.astype(int), words_of(query.others), OTHER_DEPTH),
    ]
    masks = change_masks(CODEBOOK)

    def ids(words: NDArray[np.uint64], place: int) -> NDArray[np.int64]:
        return ((words >> np.uint64(bits * place)) & np.uint64((1 << bits) - 1)).astype(np.int64)

    found, first = set(), 0
    for points, offsets in parts:
        stored = stored_codes(points.records)
        near = words_of(points.records[:, RECORD - NEAREST :])
        cells = (ids(near, 0) << bits) + ids(near, depth)
        images = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        few = (np.diff(offsets) <= FEW_POINTS).astype(int)[images]
        for point_of, change, words, deep in forms:
            codes = stored_codes(query.records)[point_of]
            codes[:, :2] ^= masks[change]
            looks = np.zeros((len(codes), len(cells)), bool)
            for r in range(deep):
                for s in range(deep):
                    if (r + 1) * (s + 1) <= NEAREST_PAIRS:
                        looks |= ((ids(words, r) << bits) + ids(words, deep + s))[:, None] == cells
            apart = np.bitwise_count(full_codes(codes)[:, None] ^ full_codes(stored)[None]).astype(int)
            limit = limits[few, cells]
            near_enough = (apart.sum(axis=2) <= limit) & (apart[:, :, :2].sum(axis=2) <= SIGNS[limit])
            for form, point in zip(*np.nonzero(looks & near_enough), strict=True):
                found.add((first + int(images[point])) << 32 | int(point_of[form]))
        first += len(offsets) - 1
    return found


def test_the_matches_are_those_of_a_comparison_one_by_one(
    query: Points, asked: Wanted, parts: list[Part]
) -> None:
    expected = one_by_one(query, parts)
    assert len(expected) > 100
    assert set(in_records(asked, parts).tolist()) == expected
    lists = make_cell_lists([(points.records, offsets) for points, offsets in parts], codebook=CODEBOOK)
    assert set(matches_in_lists(asked, lists, sign_limits=SIGNS).tolist()) == expected
    half = len(asked.cells) // 2
    shares = [
        matches_in_lists(asked, lists, sign_limits=SIGNS, share=slice(start, stop))
        for start, stop in ((0, half), (half, len(asked.cells)))
    ]
    assert set(np.concatenate(shares).tolist()) == expected


def test_a_copy_and_its_negative_promise_most(asked: Wanted, parts: list[Part]) -> None:
    matches = in_records(asked, parts)
    best = promising(matches, images=5, points=asked.points, fewest=3, most=2)
    assert best.tolist() == [0, 3]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=60),
    st.integers(1, 4),
    st.integers(1, 9),
)
def test_images_that_match_too_few_points_promise_nothing(
    pairs: list[tuple[int, int]], fewest: int, most: int
) -> None:
    matches = np.array([image << 32 | point for image, point in pairs], np.uint64)
    best = promising(matches, images=10, points=6, fewest=fewest, most=most).tolist()
    enough = [
        image for image in range(10) if len({point for other, point in pairs if other == image}) >= fewest
    ]
    assert best == sorted(set(best) & set(enough))
    assert len(best) == min(most, len(enough))


def test_a_point_that_matches_few_images_tells_more() -> None:
    common = [(image, point) for image in range(8) for point in range(3)]
    rare = [(8, point) for point in range(3, 6)]
    matches = np.array([image << 32 | point for image, point in [*common, *rare]], np.uint64)
    assert promising(matches, images=10, points=6, fewest=3, most=1).tolist() == [8]
