"""What each change does to pixels whose values tell where they come from."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.demo import alterations
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import Image

sides = st.integers(40, 250)
seeds = st.integers(0, 2**32 - 1)


def position_image(*, width: int, height: int) -> Image:
    """Red is the column, green the row."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[..., 0] = np.arange(width)
    image[..., 1] = np.arange(height)[:, None]
    return image


def area(image: Image) -> int:
    height, width = image.shape[:2]
    return int(height * width)


@given(width=sides, height=sides, share=st.floats(0.1, 0.9), seed=seeds)
def test_a_crop_is_a_rectangle_of_the_image_with_that_share_of_it(
    width: int, height: int, share: float, seed: int
) -> None:
    image = position_image(width=width, height=height)
    cropped = alterations.crop(image, np.random.default_rng(seed), share=share)
    left, top = int(cropped[0, 0, 0]), int(cropped[0, 0, 1])
    assert np.array_equal(cropped, image[top : top + cropped.shape[0], left : left + cropped.shape[1]])
    assert area(cropped) / area(image) == pytest.approx(share, rel=0.08)
    aspect = (cropped.shape[1] / cropped.shape[0]) / (width / height)
    assert 1 / 1.45 < aspect < 1.45


def test_crops_fall_in_many_places() -> None:
    image = position_image(width=200, height=200)
    corners = {
        tuple(alterations.crop(image, np.random.default_rng(seed), share=0.2)[0, 0, :2]) for seed in range(40)
    }
    assert len(corners) > 30


@given(width=sides, height=sides, seed=seeds)
def test_mirror_negative_and_quarter_turns_lose_nothing(width: int, height: int, seed: int) -> None:
    image = position_image(width=width, height=height)
    rng = np.random.default_rng(seed)
    assert np.array_equal(alterations.mirror(image, rng)[:, 0], image[:, -1])
    assert np.array_equal(alterations.mirror(alterations.mirror(image, rng), rng), image)
    assert np.array_equal(alterations.negative(alterations.negative(image, rng), rng), image)
    turned = alterations.quarter_turn(image, rng)
    assert not np.array_equal(turned, image)
    assert any(np.array_equal(np.rot90(turned, k), image) for k in (1, 2, 3))


@given(width=sides, height=sides, seed=seeds)
def test_the_aspect_changes_by_more_than_a_little_and_less_than_two_thirds(
    width: int, height: int, seed: int
) -> None:
    squashed = alterations.change_aspect(
        position_image(width=width, height=height), np.random.default_rng(seed)
    )
    ratio = (squashed.shape[1] / squashed.shape[0]) / (width / height)
    assert 0.58 < ratio < 0.88 or 1.15 < ratio < 1.67
    assert squashed.shape[0] <= height
    assert squashed.shape[1] <= width


@given(width=sides, height=sides, seed=seeds)
def test_a_rotation_shows_no_filling_or_the_whole_image(width: int, height: int, seed: int) -> None:
    flat = np.full((height, width, 3), 131, dtype=np.uint8)
    turned = alterations.rotate(flat, np.random.default_rng(seed))
    filling = np.abs(turned.astype(int) - 131).max(axis=2) > 1
    if area(turned) <= area(flat):
        assert filling.mean() < 0.03
    else:
        blended_edges = 3 * (width + height)
        assert area(flat) - blended_edges <= (~filling).sum() <= area(flat)


@given(width=sides, height=sides, seed=seeds)
def test_perspective_keeps_the_size_of_the_canvas_and_most_of_the_image(
    width: int, height: int, seed: int
) -> None:
    flat = np.full((height, width, 3), 131, dtype=np.uint8)
    warped = alterations.warp_perspective(flat, np.random.default_rng(seed))
    assert warped.shape == flat.shape
    assert (np.abs(warped.astype(int) - 131).max(axis=2) <= 1).mean() > 0.38


@pytest.mark.parametrize("factor", [0.5, 0.2])
def test_shrinking_keeps_the_mean_colour(factor: float) -> None:
    image = load_picture("coffee")
    small = alterations.shrink(image, np.random.default_rng(0), factor=factor)
    assert small.shape == (round(400 * factor), round(600 * factor), 3)
    assert small.mean(axis=(0, 1)) == pytest.approx(image.mean(axis=(0, 1)), abs=1)


def test_greyscale_has_three_equal_channels() -> None:
    grey = alterations.greyscale(load_picture("coffee"), np.random.default_rng(0))
    assert np.array_equal(grey[..., 0], grey[..., 1])
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert grey.std() > 20


@settings(max_examples=10)
@given(seed=seeds)
def test_noise_has_a_deviation_of_22_levels(seed: int) -> None:
    flat = np.full((200, 200, 3), 128, dtype=np.uint8)
    noisy = alterations.add_noise(flat, np.random.default_rng(seed))
    assert noisy.std() == pytest.approx(22, rel=0.05)


def detail(image: Image) -> float:
    """Mean absolute step between neighbouring pixels."""
    return float(np.abs(np.diff(image.astype(float), axis=1)).mean())


@pytest.mark.parametrize("alter", [alterations.blur, alterations.pixelate])
def test_blur_and_pixelation_lose_detail_not_size(
    alter: Callable[[Image, np.random.Generator], Image],
) -> None:
    image = load_picture("tissue")
    altered = alter(image, np.random.default_rng(1))
    assert altered.shape == image.shape
    assert detail(altered) < 0.6 * detail(image)


@settings(max_examples=10)
@given(seed=seeds)
def test_jitter_moves_the_colours_but_not_the_shapes(seed: int) -> None:
    image = load_picture("flower")[::4, ::4]
    jittered = alterations.jitter_colours(image, np.random.default_rng(seed))
    assert not np.array_equal(jittered, image)
    assert np.corrcoef(image.mean(axis=2).ravel(), jittered.mean(axis=2).ravel())[0, 1] > 0.75
