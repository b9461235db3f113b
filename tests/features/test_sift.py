"""Keypoints and descriptors of real pictures."""

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.features.sift import SMALLEST_SIDE, Features, extract
from pimmi.settings import FeatureSettings

Grey = NDArray[np.uint8]


def grey_picture(name: str, *, width: int = 256, height: int = 200) -> Grey:
    grey = cv2.cvtColor(load_picture(name), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def same(one: Features, other: Features) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Features))


@pytest.mark.parametrize("name", ["astronaut", "page", "galaxies"])
def test_features_are_as_documented(name: str) -> None:
    grey = grey_picture(name)
    found = extract(grey, settings=FeatureSettings())
    count = len(found)
    assert count > 100
    assert [getattr(found, f.name).dtype for f in fields(Features)] == [np.float32] * 4
    assert found.positions.shape == (count, 2)
    assert found.descriptors.shape == (count, 128)
    assert (found.positions >= -0.5).all()
    assert (found.positions <= np.array([256, 200]) - 0.5).all()
    assert (np.diff(found.positions[:, 1]) >= 0).all()
    assert (found.sigmas > 0).all()
    assert (found.angles >= 0).all()
    assert (found.angles < 2 * np.pi).all()
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-5)


def test_the_centre_of_a_pixel_has_whole_coordinates() -> None:
    blob = np.full((101, 101), 40, np.float32)
    blob[60, 30] = 40 * 255
    grey = np.clip(cv2.GaussianBlur(blob, (0, 0), 3), 0, 255).astype(np.uint8)
    found = extract(grey, settings=replace(FeatureSettings(), few_keypoints=0))
    distance = np.linalg.norm(found.positions - [30, 60], axis=1)
    assert distance.min() < 0.05


def test_a_mirrored_picture_has_mirrored_positions() -> None:
    grey = grey_picture("astronaut")
    found = extract(grey, settings=FeatureSettings())
    turned = extract(np.ascontiguousarray(grey[::-1, ::-1]), settings=FeatureSettings())
    expected = np.array([255, 199]) - turned.positions
    similarity = found.descriptors @ turned.descriptors.T
    best = similarity.argmax(axis=1)
    sure = similarity.max(axis=1) > 0.98
    assert sure.sum() > 50
    assert np.abs(np.median((found.positions - expected[best])[sure], axis=0)).max() < 0.05


def test_the_same_pixels_give_the_same_features() -> None:
    grey = grey_picture("cat")
    assert same(extract(grey, settings=FeatureSettings()), extract(grey.copy(), settings=FeatureSettings()))


def test_a_view_of_a_larger_image_is_read_as_its_copy() -> None:
    grey = grey_picture("cat")
    view = grey[20:180, 30:200]
    assert same(extract(view, settings=FeatureSettings()), extract(view.copy(), settings=FeatureSettings()))


def test_no_more_keypoints_are_kept_than_asked() -> None:
    grey = grey_picture("astronaut")
    few = extract(grey, settings=replace(FeatureSettings(), keypoints=50))
    many = extract(grey, settings=replace(FeatureSettings(), keypoints=300))
    assert len(few) == 50
    assert {tuple(row) for row in few.positions} <= {tuple(row) for row in many.positions}


@pytest.mark.parametrize("settings", [FeatureSettings(), replace(FeatureSettings(), keypoints=60)])
def test_features_are_the_same_whether_selected_before_or_after_they_are_described(
    settings: FeatureSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = grey_picture("astronaut")
    one, other = (
        (monkeypatch.setattr("pimmi.features.sift.TEXTURED_PIXELS", limit), extract(grey, settings=settings))[
            1
        ]
        for limit in (0, 10**6)
    )
    assert len(one) == settings.keypoints
    assert same(one, other)


def test_an_image_with_few_keypoints_is_searched_again() -> None:
    grey = (grey_picture("astronaut") * 0.06 + 120).astype(np.uint8)
    once = extract(grey, settings=replace(FeatureSettings(), few_keypoints=0))
    again = extract(grey, settings=FeatureSettings())
    assert len(again) > 2 * len(once)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (SMALLEST_SIDE - 1, 300), (SMALLEST_SIDE, 300), (60, 60)])
def test_blank_and_tiny_images_have_no_features(shape: tuple[int, int]) -> None:
    found = extract(np.full(shape, 200, np.uint8), settings=FeatureSettings())
    assert len(found) == 0
    assert found.positions.shape == (0, 2)
    assert found.descriptors.shape == (0, 128)


@pytest.mark.parametrize("shape", [(SMALLEST_SIDE, SMALLEST_SIDE), (9, 400), (400, 9)])
def test_the_smallest_images_are_safe(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    found = extract(grey, settings=FeatureSettings())
    assert np.isfinite(found.descriptors).all()
