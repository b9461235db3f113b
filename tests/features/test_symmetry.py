"""What mirroring and inverting do to SIFT, on real pixels and on real descriptors."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.features.sift import Features, extract
from pimmi.features.symmetry import (
    INVERSION_PERMUTATION,
    INVERTED,
    MIRROR_PERMUTATION,
    MIRRORED,
    SUMS,
    canonical_changes,
)
from pimmi.settings import FeatureSettings

Grey = NDArray[np.uint8]
Descriptors = NDArray[np.float32]

ROUNDING = 1e-5


def grey_picture(name: str) -> Grey:
    grey = np.asarray(cv2.cvtColor(load_picture(name), cv2.COLOR_RGB2GRAY), np.uint8)
    return np.ascontiguousarray(grey[:200, :256])


def features(grey: Grey) -> Features:
    return extract(grey, settings=FeatureSettings())


def mirrored(found: Features, *, width: int) -> Features:
    """The features that the mirrored picture should have."""
    positions = np.array([width - 1, 0], np.float32) + found.positions * np.array([-1, 1], np.float32)
    angles = (np.pi - found.angles) % (2 * np.pi)
    return Features(positions, found.sigmas, angles, found.descriptors[:, MIRROR_PERMUTATION])


def inverted(found: Features) -> Features:
    """The features that the negative should have."""
    angles = (found.angles + np.pi) % (2 * np.pi)
    return Features(found.positions, found.sigmas, angles, found.descriptors[:, INVERSION_PERMUTATION])


def share_found(expected: Features, found: Features) -> float:
    """Share of the expected keypoints that were found: in the same place, of the same scale, angle and descriptor."""
    near = np.linalg.norm(expected.positions[:, None] - found.positions[None], axis=2) < 0.5
    near &= np.abs(np.log2(expected.sigmas[:, None] / found.sigmas[None])) < 0.1
    near &= np.cos(expected.angles[:, None] - found.angles[None]) > np.cos(0.1)
    near &= expected.descriptors @ found.descriptors.T > 0.95
    return float(near.any(axis=1).mean())


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee"])
def test_the_mirrored_picture_has_the_permuted_descriptors(name: str) -> None:
    grey = grey_picture(name)
    expected = mirrored(features(grey), width=grey.shape[1])
    flipped = features(np.ascontiguousarray(grey[:, ::-1]))
    assert share_found(expected, flipped) > 0.75
    assert share_found(features(grey), flipped) < 0.05


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee"])
def test_the_negative_has_the_permuted_descriptors(name: str) -> None:
    grey = grey_picture(name)
    negative = features(255 - grey)
    assert share_found(inverted(features(grey)), negative) > 0.75
    assert share_found(features(grey), negative) < 0.05


def test_the_mirrored_negative_has_descriptors_permuted_twice() -> None:
    grey = grey_picture("astronaut")
    expected = mirrored(inverted(features(grey)), width=grey.shape[1])
    assert share_found(expected, features(np.ascontiguousarray(255 - grey[:, ::-1]))) > 0.75


@pytest.mark.parametrize("permutation", [MIRROR_PERMUTATION, INVERSION_PERMUTATION])
def test_a_change_made_twice_is_none(permutation: NDArray[np.intp]) -> None:
    assert np.array_equal(permutation[permutation], np.arange(128))


def test_the_order_of_the_two_changes_does_not_matter() -> None:
    assert np.array_equal(
        MIRROR_PERMUTATION[INVERSION_PERMUTATION], INVERSION_PERMUTATION[MIRROR_PERMUTATION]
    )


@pytest.mark.parametrize(
    ("permutation", "signs"), [(MIRROR_PERMUTATION, (-1, 1)), (INVERSION_PERMUTATION, (1, -1))]
)
def test_each_change_turns_the_sign_of_its_own_sum_alone(
    permutation: NDArray[np.intp], signs: tuple[int, int]
) -> None:
    descriptors = features(grey_picture("cat")).descriptors
    np.testing.assert_allclose(descriptors[:, permutation] @ SUMS, descriptors @ SUMS * signs, atol=ROUNDING)


@pytest.mark.parametrize(
    ("change", "apply"),
    [
        (MIRRORED, lambda descriptors: descriptors[:, MIRROR_PERMUTATION]),
        (INVERTED, lambda descriptors: descriptors[:, INVERSION_PERMUTATION]),
        (MIRRORED | INVERTED, lambda descriptors: descriptors[:, MIRROR_PERMUTATION[INVERSION_PERMUTATION]]),
    ],
)
def test_all_variants_of_a_descriptor_have_one_canonical_form(
    change: int, apply: Callable[[Descriptors], Descriptors]
) -> None:
    descriptors = features(grey_picture("coffee")).descriptors
    clear = (np.abs(descriptors @ SUMS) > ROUNDING).all(axis=1)
    assert clear.mean() > 0.99
    weak = np.zeros(2, np.float32)
    of_picture = canonical_changes(descriptors[clear], weak=weak)
    of_variant = canonical_changes(apply(descriptors[clear]), weak=weak)
    assert np.array_equal(of_variant[:, 0], of_picture[:, 0] ^ change)
    assert not of_variant[:, 1].any()
    assert len(np.unique(of_picture[:, 0])) == 4


def test_a_sum_is_in_doubt_where_it_is_weak() -> None:
    descriptors = features(grey_picture("coffee")).descriptors
    sums = np.abs(descriptors @ SUMS)
    weak = np.quantile(sums, 0.3, axis=0).astype(np.float32)
    doubtful = canonical_changes(descriptors, weak=weak)[:, 1]
    assert np.array_equal((doubtful & MIRRORED) != 0, sums[:, 0] < weak[0])
    assert np.array_equal((doubtful & INVERTED) != 0, sums[:, 1] < weak[1])
    assert 0.2 < ((doubtful & MIRRORED) != 0).mean() < 0.4


def test_no_descriptors_have_no_changes() -> None:
    changes = canonical_changes(np.zeros((0, 128), np.float32), weak=np.ones(2, np.float32))
    assert changes.shape == (0, 2)
    assert changes.dtype == np.uint8
