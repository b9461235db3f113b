"""The join, against a comparison of every form with every point."""

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, permutations

import numpy as np
import pytest
from described import SETTINGS, Described, described, joined_points, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.demo.raster import Image
from pimmi.features.symmetry import canonical_changes
from pimmi.index.cells import shapes
from pimmi.index.codebook import load_codebook
from pimmi.index.points import OTHER_DEPTH, full_codes, keypoints
from pimmi.matching import join
from pimmi.matching.join import (
    CROWDED,
    MOST_OF_LOOK,
    TooManyMatches,
    change_masks,
    look_up,
    sign_limits,
)
from pimmi.matching.lists import FEW_POINTS, make_lists
from pimmi.settings import Settings

Match = tuple[int, int, int, int, int, int]
Limits = NDArray[np.uint8]


@pytest.fixture(scope="module")
def pictures() -> list[Image]:
    """Copies of two pictures, and one without points."""
    cat, coffee = picture("cat", width=256), picture("coffee", width=256)
    blank = np.full((100, 100, 3), 255, np.uint8)
    found = [cat, coffee, cat[:, ::-1], blank, 255 - cat, coffee[20:150, 30:220]]
    return [np.ascontiguousarray(each) for each in found]


@pytest.fixture(scope="module")
def images(pictures: list[Image]) -> list[Described]:
    """The pictures with some points each."""
    return with_points(pictures, SETTINGS)


def with_points(pictures: list[Image], chosen: Settings) -> list[Described]:
    """As few points as can be compared one by one; one of the pictures has FEW_POINTS."""
    counts = [FEW_POINTS + 60] * (len(pictures) - 1) + [FEW_POINTS]
    return [
        described(each, settings=replace(chosen, features=replace(chosen.features, keypoints=count)))
        for each, count in zip(pictures, counts, strict=True)
    ]


def unpacked(matches: NDArray[np.uint64]) -> set[Match]:
    fields = [(50, 14), (36, 14), (23, 13), (10, 13), (8, 2), (0, 8)]
    columns = [(matches >> np.uint64(low)) & np.uint64((1 << size) - 1) for low, size in fields]
    return set(zip(*(column.astype(int).tolist() for column in columns), strict=True))


@dataclass(frozen=True)
class Forms:
    """The forms of an image, told from its features: their points, their changes, the cells in which they look."""

    points: NDArray[np.int64]
    changes: NDArray[np.uint8]
    codes: NDArray[np.uint64]
    cells: NDArray[np.int64]


def forms_of(image: Described, chosen: Settings) -> Forms:
    """All forms: the plain one in the nearest cells, the others in the pairs of two centroids of each half."""
    codebook, probes = load_codebook(chosen.matching.codebook), chosen.matching.probes
    applied, doubtful = canonical_changes(image.features.descriptors, weak=codebook.weak_sums).T
    found = [
        (point, change)
        for point, doubt in enumerate(doubtful.tolist())
        for change in range(4)
        if change | doubt == doubt
    ]
    points, changes = (np.array(found, np.int64).reshape(-1, 2)[:, column] for column in range(2))
    flips = codebook.flips((applied[points] ^ changes).astype(np.uint8))
    coordinates = codebook.coordinates(image.features.descriptors)[points] * flips
    cells = np.full((len(points), codebook.depth**2), -1)
    for form, (change, row) in enumerate(zip(changes, coordinates, strict=True)):
        depth = codebook.depth if change == 0 else OTHER_DEPTH
        count = probes if change == 0 else OTHER_DEPTH**2
        centroids, numbers = codebook.nearest(row[None], probes=count, depth=depth)
        lengths = shapes(count, depth)[numbers[0]]
        looked = [
            (int(one) << codebook.centroid_bits) + int(other)
            for one, length in zip(centroids[0, 0], lengths, strict=True)
            for other in centroids[0, 1, :length]
        ]
        cells[form, : len(looked)] = looked
    return Forms(points, changes.astype(np.uint8), full_codes(codebook.encode(coordinates)), cells)


def limits_of(chosen: Settings) -> Limits:
    return load_codebook(chosen.matching.codebook).limits_within(chosen.matching.code_distance)


def sign_limits_of(chosen: Settings) -> NDArray[np.int64]:
    return sign_limits(
        sign_distance=chosen.matching.sign_distance, code_distance=chosen.matching.code_distance
    )


def brute_force(
    images: list[Described],
    chosen: Settings = SETTINGS,
    *,
    limits: Limits | None = None,
    most_of_look: int = MOST_OF_LOOK,
) -> set[Match]:
    """All forms compared with all points; of those of an image in one cell, a form keeps the nearest."""
    limits = limits_of(chosen) if limits is None else limits
    found = set()
    few = [len(image.points) <= FEW_POINTS for image in images]
    every = [forms_of(image, chosen) for image in images]
    applied = [keypoints(image.points.records).changes for image in images]
    near, distances = {}, {}
    for (here, query), (there, base) in permutations(enumerate(every), 2):
        plain = base.changes == 0
        differing = np.bitwise_count(query.codes[:, None] ^ base.codes[plain][None]).astype(int)
        limit = limits[int(few[here])][base.cells[plain][:, 0]]
        distances[here, there] = differing.sum(axis=2)
        close = differing[:, :, :2].sum(axis=2) <= sign_limits_of(chosen)[limit]
        close &= distances[here, there] <= limit
        looks = query.cells[:, None, :] == base.cells[plain][None, :, :1]
        near[here, there] = close & (looks[:, :, 0] | (looks.any(axis=2) & (limit > CROWDED)))
    for (here, query), (there, base) in permutations(enumerate(every), 2):
        own = near[here, there].copy()
        if there < here:
            of_first = near[there, here][base.changes == 0]
            own[query.changes == 0] &= ~of_first.T
        cells = base.cells[base.changes == 0][:, 0]
        for form, point in enumerate(query.points.tolist()):
            (hits,) = np.nonzero(own[form])
            hits = hits[np.argsort(distances[here, there][form, hits], kind="stable")]
            for other in hits.tolist():
                if (
                    np.count_nonzero(cells[hits[: np.flatnonzero(hits == other)[0]]] == cells[other])
                    >= most_of_look
                ):
                    continue
                change = int(applied[here][point] ^ query.changes[form] ^ applied[there][other])
                ends = [(here, point), (there, other)]
                (first, first_point), (second, second_point) = sorted(ends)
                distance = int(distances[here, there][form, other])
                found.add((first, second, first_point, second_point, change, distance))
    return found


def joined(
    images: list[Described],
    first: list[int],
    second: list[int] | None = None,
    *,
    chosen: Settings = SETTINGS,
    limits: Limits | None = None,
    most: int = 10**9,
) -> set[Match]:
    """The matches among the images of one list of places, or between those of two."""
    codebook = load_codebook(chosen.matching.codebook)
    groups = [first] if second is None else [first, second]
    lists = []
    for group in groups:
        points, offsets = joined_points([images[place].points for place in group])
        lists.append(make_lists(points, offsets=offsets, codebook=codebook, probes=chosen.matching.probes))
    places = [np.array(group, np.int32) for group in groups]
    found: set[Match] = set()
    for query, base in [(0, 0)] if second is None else [(0, 1), (1, 0)]:
        for piece in look_up(
            lists[query],
            lists[base],
            query_places=places[query],
            base_places=places[base],
            masks=change_masks(codebook),
            limits=limits_of(chosen) if limits is None else limits,
            sign_limits=sign_limits_of(chosen),
            most=most,
        ):
            found |= unpacked(piece)
    return found


def test_the_join_finds_what_comparing_everything_finds(images: list[Described]) -> None:
    expected = brute_force(images)
    assert joined(images, list(range(len(images)))) == expected
    assert {match[:2] for match in expected} >= {(0, 2), (0, 4), (2, 4), (1, 5)}
    assert {match[4] for match in expected if match[:2] == (0, 2)} >= {1}


def test_in_crowded_cells_codes_must_be_nearer(images: list[Described]) -> None:
    most = SETTINGS.matching.code_distance
    cells = load_codebook().cells
    drawn = np.random.default_rng(0).integers(CROWDED - 10, most, (2, cells), dtype=np.uint8, endpoint=True)
    limits = np.sort(drawn, axis=0)
    expected = brute_force(images, limits=limits)
    assert len(brute_force(images)) > len(expected) > 20
    assert joined(images, list(range(len(images))), limits=limits) == expected
    assert joined(images, [0, 1, 4], [2, 3, 5], limits=limits) <= expected


@pytest.mark.parametrize(("codebook", "probes"), [("large", 8), ("large", 1), ("small", 16), ("small", 1)])
def test_so_it_does_with_other_cells(pictures: list[Image], codebook: str, probes: int) -> None:
    matching = replace(SETTINGS.matching, codebook=codebook, probes=probes)
    chosen = replace(SETTINGS, matching=matching)
    images = with_points(pictures, chosen)
    expected = brute_force(images, chosen)
    assert len(expected) > 20
    assert joined(images, list(range(len(images))), chosen=chosen) == expected


@given(st.integers(0, 128), st.integers(1, 200))
def test_signs_have_the_same_share_of_every_limit(sign_distance: int, code_distance: int) -> None:
    shares = sign_limits(sign_distance=sign_distance, code_distance=code_distance).tolist()
    assert len(shares) == code_distance + 1
    assert (shares[0], shares[-1]) == (0, sign_distance)
    for limit, share in enumerate(shares):
        assert share - 1 < limit * sign_distance / code_distance <= share


def test_more_matches_than_are_allowed_are_refused(images: list[Described]) -> None:
    places = list(range(len(images)))
    with pytest.raises(TooManyMatches):
        joined(images, places, most=len(brute_force(images)) - 1)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_split_of_the_images_finds_the_same(images: list[Described], data: st.DataObject) -> None:
    group = [data.draw(st.integers(0, 2)) for _ in images]
    blocks = [[place for place, member in enumerate(group) if member == number] for number in range(3)]
    found: set[Match] = set()
    for one, other in combinations_with_replacement(range(3), 2):
        found |= joined(images, blocks[one], None if one == other else blocks[other])
    assert found == joined(images, list(range(len(images))))


@pytest.mark.parametrize("pieces", ["MATCHES_AT_ONCE", "LOOKS_AT_ONCE"])
@pytest.mark.parametrize("room", [1, 7, 100])
def test_the_size_of_the_pieces_does_not_matter(
    images: list[Described], pieces: str, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = joined(images, [0, 1, 2, 4])
    monkeypatch.setattr(join, pieces, room)
    assert joined(images, [0, 1, 2, 4]) == expected


def test_of_points_that_repeat_the_nearest_match() -> None:
    """A pattern and a part of it, whose points look alike."""
    tile = picture("cat", width=64)
    tiles = np.tile(tile, (4, 4, 1))
    images = with_points([tiles, np.ascontiguousarray(tiles[20:150, 30:220]), tile], SETTINGS)
    expected = brute_force(images)
    assert expected < brute_force(images, most_of_look=1000)
    assert joined(images, [0, 1, 2]) == expected
    assert joined(images, [0, 2], [1]) | joined(images, [0, 2]) == expected


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
    flipped = code ^ np.array([masks[0], masks[1], 0], np.uint64)
    changes = np.full(6, change, np.uint8)
    assert np.array_equal(flipped, codebook.encode(coordinates * codebook.flips(changes)))
