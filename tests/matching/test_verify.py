"""Geometric verification on points whose transform is known, and on points that have none."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.index.codebook import load_codebook
from pimmi.index.points import ANGLE_STEPS, SCALE_STEPS
from pimmi.matching.join import change_masks
from pimmi.matching.verify import (
    CODE_DISTANCE,
    INLIER_SHARE,
    LINK_COLUMNS,
    PLACE_SCATTER,
    SCALE_SCATTER,
    TURN_SCATTER,
    verify,
)
from pimmi.settings import MatchingSettings

SETTINGS = MatchingSettings()
SIDE = 256

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """The points of two images and the matches between them; `transform` (2, 3) leads from the first to the second."""

    transform: Floats
    sizes: Floats
    positions: list[Floats]
    scales: list[Floats]
    angles: list[Floats]
    changes: list[NDArray[np.uint8]]
    codes: list[NDArray[np.uint64]]
    matches: NDArray[np.uint64]

    def links(self) -> Floats:
        links = np.empty((4, LINK_COLUMNS))
        positions = np.ascontiguousarray(np.concatenate(self.positions).T, np.float32)
        count = verify(
            self.matches.copy(),
            np.cumsum([0, *(len(positions) for positions in self.positions)]),
            self.sizes.astype(np.float32),
            positions[0],
            positions[1],
            np.rint(SCALE_STEPS * (np.concatenate(self.scales) + 1)).astype(np.uint8),
            np.rint(ANGLE_STEPS / (2 * np.pi) * np.concatenate(self.angles))
            .astype(np.int64)
            .astype(np.uint8),
            np.concatenate(self.changes),
            np.concatenate(self.codes),
            change_masks(load_codebook()),
            SETTINGS.position_tolerance,
            SETTINGS.minimum_inliers,
            links,
        )
        return links[:count]


def drawn_points(rng: np.random.Generator, number: int, size: Floats) -> tuple[Floats, Floats, Floats]:
    """Positions, scales and angles."""
    return rng.uniform(0, size, (number, 2)), rng.uniform(0, 3, number), rng.uniform(0, 2 * np.pi, number)


def drawn_codes(rng: np.random.Generator, number: int) -> NDArray[np.uint64]:
    return rng.integers(0, 2**64, (number, 4), np.uint64)


def packed(
    points: NDArray[np.int64], others: NDArray[np.int64], change: NDArray[np.int64]
) -> NDArray[np.uint64]:
    distance = points % 40
    fields = np.stack([np.zeros_like(points), np.ones_like(points), points, others, change, distance])
    places = np.array([50, 36, 23, 10, 8, 0], np.uint64)[:, None]
    return np.sort(np.bitwise_or.reduce(fields.astype(np.uint64) << places, axis=0))


def scene(seed: int, *, inliers: int, outliers: int, change: int, linear: Floats) -> Scene:
    """`inliers` points that the transform moves, with errors, and as many wrong matches as `outliers`."""
    rng = np.random.default_rng(seed)
    corners = np.array([[0, 0], [SIDE, 0], [0, SIDE], [SIDE, SIDE]]) @ linear.T
    shift, size = -corners.min(axis=0), np.ptp(corners, axis=0)
    sizes = np.array([[SIDE, SIDE], size])
    scale = np.sqrt(abs(np.linalg.det(linear)))
    number = inliers + outliers
    first = drawn_points(rng, number, sizes[0])
    second = drawn_points(rng, number, sizes[1])
    changes = rng.integers(0, 4, (2, number)).astype(np.uint8)
    codes = [drawn_codes(rng, number), drawn_codes(rng, number)]
    between = rng.integers(0, 4, number)
    true = slice(0, inliers)
    second[0][true] = first[0][true] @ linear.T + shift + rng.normal(0, 0.3 * max(1, scale), (inliers, 2))
    second[1][true] = first[1][true] + np.log2(scale) + rng.normal(0, 0.1, inliers)
    turn = np.arctan2(linear[1, 0], linear[0, 0])
    mirror = -1 if change & 1 else 1
    second[2][true] = mirror * first[2][true] + turn + rng.normal(0, 0.08, inliers)
    changes[1, true] = changes[0, true] ^ change
    codes[1][true] = codes[0][true]
    between[true] = change
    order = [np.argsort(points[0][:, 1]) for points in (first, second)]
    place = [np.argsort(each) for each in order]
    return Scene(
        transform=np.column_stack([linear, shift]),
        sizes=sizes,
        positions=[first[0][order[0]], second[0][order[1]]],
        scales=[first[1][order[0]], second[1][order[1]]],
        angles=[first[2][order[0]] % (2 * np.pi), second[2][order[1]] % (2 * np.pi)],
        changes=[changes[0][order[0]], changes[1][order[1]]],
        codes=[codes[0][order[0]], codes[1][order[1]]],
        matches=packed(place[0], place[1], between),
    )


def corner_error(link: Floats, transform: Floats) -> float:
    """Pixels of the second image, the largest at the corners of the first."""
    corners = np.array([[0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]], float)
    return float(np.abs(corners @ (link[6:12].reshape(2, 3) - transform).T).max())


@st.composite
def linear_maps(draw: st.DrawFn, *, mirror: bool, most_stretch: float = 1.0) -> Floats:
    angle = draw(st.floats(0, 2 * np.pi))
    scale = draw(st.floats(0.4, 2.5))
    stretch = draw(st.floats(1 / most_stretch, most_stretch))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * rotation @ np.diag([stretch**0.5, stretch**-0.5]) @ np.diag([1, -1 if mirror else 1])


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), seed=seeds, change=st.integers(0, 3))
def test_a_similarity_is_found_among_outliers(data: st.DataObject, seed: int, change: int) -> None:
    linear = data.draw(linear_maps(mirror=bool(change & 1)))
    inliers, outliers = data.draw(st.integers(20, 80)), data.draw(st.integers(0, 80))
    found = scene(seed, inliers=inliers, outliers=outliers, change=change, linear=linear)
    (link,) = found.links()
    assert link[:2].tolist() == [0, 1]
    assert link[2] == change
    assert corner_error(link, found.transform) < 3 * max(1, abs(np.linalg.det(linear)) ** 0.5)
    assert link[4] >= 0.7 * inliers
    assert link[3] > 3
    assert link[5] > 3


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=seeds, change=st.integers(0, 3))
def test_a_stretched_image_is_found(data: st.DataObject, seed: int, change: int) -> None:
    linear = data.draw(linear_maps(mirror=bool(change & 1), most_stretch=1.2))
    found = scene(seed, inliers=60, outliers=30, change=change, linear=linear)
    (link,) = found.links()
    assert link[2] == change
    assert corner_error(link, found.transform) < 5 * max(1, abs(np.linalg.det(linear)) ** 0.5)


@pytest.mark.parametrize("number", [10, 40, 150])
def test_random_matches_score_as_rarely_as_the_score_says(number: int) -> None:
    """A score of s or more comes by chance once in 10^s pairs of images, at most."""
    scores = [
        link[3]
        for seed in range(200)
        for link in scene(seed, inliers=0, outliers=number, change=0, linear=np.eye(2)).links()
    ]
    for score in (1, 2, 3):
        assert sum(each >= score for each in scores) <= 2 * 200 / 10**score


def test_more_inliers_score_more() -> None:
    scores = [
        scene(3, inliers=number, outliers=30, change=0, linear=np.eye(2)).links()[0, 3]
        for number in (10, 20, 40)
    ]
    assert scores == sorted(set(scores))


@pytest.mark.parametrize("bits", [0, 7, 30])
def test_the_codes_of_the_inliers_are_so_far_apart(bits: int) -> None:
    whole = scene(5, inliers=40, outliers=0, change=0, linear=np.eye(2))
    apart = whole.codes[1] ^ np.array([2**bits - 1, 0, 0, 0], np.uint64)
    (link,) = Scene(**{**vars(whole), "codes": [whole.codes[0], apart]}).links()
    assert link[CODE_DISTANCE] == bits


def test_many_matches_of_one_point_are_one_vote() -> None:
    whole = scene(1, inliers=30, outliers=0, change=0, linear=np.eye(2))
    point = (whole.matches >> np.uint64(23)) & np.uint64(8191)
    burst = (
        (point[0] << np.uint64(23)) | (np.arange(30, dtype=np.uint64) << np.uint64(10)) | np.uint64(1 << 36)
    )
    assert len(whole.links()) == 1
    alone = Scene(**{**vars(whole), "matches": np.sort(burst)})
    assert len(alone.links()) == 0


def test_a_pattern_that_repeats_has_a_rival() -> None:
    """Points in a lattice, each matched with the one at its place and the one a period farther."""
    rng = np.random.default_rng(2)
    whole = scene(2, inliers=36, outliers=0, change=0, linear=np.eye(2))
    lattice = np.array([[x, y] for y in range(20, 200, 30) for x in range(20, 200, 30)], float)
    plain = np.full((2, 36), 1.0)
    points = np.arange(36)
    shifted = points[lattice[:, 0] < 150]
    repeating = Scene(
        **{
            **vars(whole),
            "positions": [lattice, lattice],
            "scales": list(plain),
            "angles": list(plain),
            "changes": [np.zeros(36, np.uint8)] * 2,
            "codes": [drawn_codes(rng, 36)] * 2,
            "matches": packed(
                np.concatenate([points, shifted]),
                np.concatenate([points, shifted + 1]),
                np.zeros(66, np.int64),
            ),
        }
    )
    assert whole.links()[0, 12] < 0.2
    assert repeating.links()[0, 12] > 0.7


def test_matches_of_other_pairs_change_nothing() -> None:
    """Two copies of a scene, as images 0 and 1, and 2 and 3, give the same link twice."""
    one = scene(5, inliers=25, outliers=25, change=3, linear=np.diag([0.8, -0.8]))
    second = one.matches + np.uint64((2 << 50) + (2 << 36))
    both = Scene(
        transform=one.transform,
        sizes=np.concatenate([one.sizes, one.sizes]),
        positions=one.positions * 2,
        scales=one.scales * 2,
        angles=one.angles * 2,
        changes=one.changes * 2,
        codes=one.codes * 2,
        matches=np.concatenate([one.matches, second]),
    )
    (alone,) = one.links()
    first, again = both.links()
    assert np.array_equal(first, alone)
    assert np.array_equal(again[2:], alone[2:])
    assert again[:2].tolist() == [2, 3]


def test_no_matches_give_no_links() -> None:
    empty = scene(0, inliers=0, outliers=0, change=0, linear=np.eye(2))
    assert len(empty.links()) == 0
    whole = scene(0, inliers=30, outliers=0, change=0, linear=np.eye(2))
    assert len(Scene(**{**vars(whole), "matches": whole.matches[:0]}).links()) == 0
    assert len(Scene(**{**vars(whole), "matches": whole.matches[:1]}).links()) == 0


@pytest.mark.parametrize("outliers", [0, 40, 120])
def test_the_share_of_inliers_is_of_all_points_that_lie_in_the_overlap(outliers: int) -> None:
    (link,) = scene(5, inliers=40, outliers=outliers, change=0, linear=np.eye(2)).links()
    assert link[INLIER_SHARE] == pytest.approx(link[4] / (40 + outliers), rel=0.25)


def test_inliers_that_are_off_in_place_scale_and_angle_scatter_more() -> None:
    whole = scene(5, inliers=40, outliers=0, change=0, linear=np.eye(2))
    rng = np.random.default_rng(0)
    order = np.argsort(whole.positions[1][:, 1])
    assert np.array_equal(order, np.arange(len(order)))
    scales = whole.scales[1] + rng.choice([-0.25, 0.25], len(order))
    angles = (whole.angles[1] + rng.choice([-0.2, 0.2], len(order))) % (2 * np.pi)
    across = whole.positions[1] + np.stack(
        [rng.choice([-2.0, 2.0], len(order)), np.zeros(len(order))], axis=1
    )
    (close,) = whole.links()
    for fields, column, least in (
        ({"scales": [whole.scales[0], scales]}, SCALE_SCATTER, 0.2),
        ({"angles": [whole.angles[0], angles]}, TURN_SCATTER, 9.0),
        ({"positions": [whole.positions[0], across]}, PLACE_SCATTER, 1.5),
    ):
        (link,) = Scene(**{**vars(whole), **fields}).links()
        assert link[column] > least > close[column]
