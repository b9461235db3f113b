"""The join, against a comparison of every form with every point."""

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest
from described import SETTINGS, Described, described, joined_points, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.index.codebook import WIDE_AXES, load_codebook
from pimmi.matching import join
from pimmi.matching.join import change_masks, look_up, make_lists, ones

SIGN_DISTANCE = SETTINGS.matching.sign_distance
CODE_DISTANCE = SETTINGS.matching.code_distance

Match = tuple[int, int, int, int, int, int]


@pytest.fixture(scope="module")
def images() -> list[Described]:
    """Copies of two pictures, and one without points; few points each."""
    few = replace(SETTINGS, features=replace(SETTINGS.features, keypoints=60))
    cat, coffee = picture("cat", width=256), picture("coffee", width=256)
    blank = np.full((100, 100, 3), 255, np.uint8)
    pictures = [cat, coffee, cat[:, ::-1], blank, 255 - cat, coffee[20:150, 30:220]]
    return [described(np.ascontiguousarray(each), settings=few) for each in pictures]


def unpacked(matches: NDArray[np.uint64]) -> set[Match]:
    fields = [(50, 14), (36, 14), (23, 13), (10, 13), (8, 2), (0, 8)]
    columns = [(matches >> np.uint64(low)) & np.uint64((1 << size) - 1) for low, size in fields]
    return set(zip(*(column.astype(int).tolist() for column in columns), strict=True))


def brute_force(images: list[Described]) -> set[Match]:
    codebook = load_codebook()
    found = set()
    for here, query in enumerate(images):
        forms, points = query.points, query.points.form_points
        coordinates = codebook.coordinates(query.features.descriptors) * codebook.flips(forms.changes)
        codes = codebook.encode(coordinates[points] * codebook.flips(forms.form_changes))
        for there, base in enumerate(images):
            if here == there:
                continue
            differing = np.bitwise_count(codes[:, None] ^ base.points.codes[None]).astype(int)
            near = (differing[:, :, :2].sum(axis=2) <= SIGN_DISTANCE) & (
                differing.sum(axis=2) <= CODE_DISTANCE
            )
            near &= (forms.form_cells[:, None, :] == base.points.cells[None, :, None]).any(axis=2)
            for form, other in np.argwhere(near).tolist():
                point, distance = int(points[form]), int(differing[form, other].sum())
                change = int(forms.changes[point] ^ forms.form_changes[form] ^ base.points.changes[other])
                ends = [(here, point), (there, other)]
                (first, first_point), (second, second_point) = sorted(ends)
                found.add((first, second, first_point, second_point, change, distance))
    return found


def joined(images: list[Described], first: list[int], second: list[int] | None = None) -> set[Match]:
    """The matches among the images of one list of places, or between those of two."""
    lists = []
    for places in [first] if second is None else [first, second]:
        points, offsets = joined_points([images[place].points for place in places])
        lists.append(make_lists(points, offsets=offsets, places=np.array(places, np.int32)))
    found: set[Match] = set()
    for query, base in [(0, 0)] if second is None else [(0, 1), (1, 0)]:
        for piece in look_up(
            lists[query],
            lists[base],
            masks=change_masks(load_codebook()),
            sign_distance=SIGN_DISTANCE,
            code_distance=CODE_DISTANCE,
        ):
            found |= unpacked(piece)
    return found


def test_the_join_finds_what_comparing_everything_finds(images: list[Described]) -> None:
    expected = brute_force(images)
    assert joined(images, list(range(len(images)))) == expected
    assert {match[:2] for match in expected} >= {(0, 2), (0, 4), (2, 4), (1, 5)}
    assert {match[4] for match in expected if match[:2] == (0, 2)} >= {1}


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_split_of_the_images_finds_the_same(images: list[Described], data: st.DataObject) -> None:
    group = [data.draw(st.integers(0, 2)) for _ in images]
    blocks = [[place for place, member in enumerate(group) if member == number] for number in range(3)]
    found: set[Match] = set()
    for one, other in combinations_with_replacement(range(3), 2):
        found |= joined(images, blocks[one], None if one == other else blocks[other])
    assert found == joined(images, list(range(len(images))))


@pytest.mark.parametrize("room", [1, 7, 100])
def test_the_size_of_the_pieces_does_not_matter(
    images: list[Described], room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = joined(images, [0, 1, 2, 4])
    monkeypatch.setattr(join, "MATCHES_AT_ONCE", room)
    assert joined(images, [0, 1, 2, 4]) == expected


def test_images_without_points_match_nothing(images: list[Described]) -> None:
    assert joined(images, []) == set()
    assert joined(images, [3]) == set()
    assert joined(images, [3], [0]) == joined(images, [0], []) == set()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), change=st.integers(0, 3))
def test_codes_flipped_by_masks_are_those_of_flipped_coordinates(seed: int, change: int) -> None:
    codebook = load_codebook()
    coordinates = np.random.default_rng(seed).normal(0, 1.5, (6, 128)).astype(np.float32)
    code = codebook.encode(coordinates)
    masks = change_masks(codebook)[change]
    wide = masks[0]
    assert WIDE_AXES == 64
    flipped = np.stack(
        [
            code[:, 0] ^ wide,
            code[:, 1] ^ masks[1],
            (code[:, 2] & ~wide) | (~code[:, 3] & wide),
            (code[:, 3] & ~wide) | (~code[:, 2] & wide),
        ],
        axis=1,
    )
    changes = np.full(6, change, np.uint8)
    assert np.array_equal(flipped, codebook.encode(coordinates * codebook.flips(changes)))


@settings(deadline=None)
@given(word=st.integers(0, 2**64 - 1))
def test_ones_counts_bits(word: int) -> None:
    assert ones(np.uint64(word)) == word.bit_count()
