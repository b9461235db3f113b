from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.images.thumbnail import grey_thumbnail


@settings(deadline=None)
@given(width=st.integers(1, 400), height=st.integers(1, 400), size=st.integers(8, 200))
def test_the_pixels_of_the_image_are_all_there_is(width: int, height: int, size: int) -> None:
    grey = np.full((height, width), 200, dtype=np.uint8)
    pixels, (thumb_height, thumb_width) = grey_thumbnail(grey, size=size)
    assert pixels.shape == (thumb_height * thumb_width,)
    assert pixels.dtype == np.uint8
    assert min(size, max(height, width)) <= max(thumb_height, thumb_width) <= 2 * size
    assert np.all(pixels == 200)


def test_a_long_image_has_as_many_pixels_as_one_of_four_to_three() -> None:
    _, (height, width) = grey_thumbnail(np.zeros((1000, 450), np.uint8), size=128)
    assert (height, width) == (165, 74)


def test_proportions_and_brightness_are_kept() -> None:
    ramp = np.tile(np.linspace(0, 255, 200).astype(np.uint8), (160, 1))
    pixels, (height, width) = grey_thumbnail(ramp, size=50)
    assert (height, width) == (40, 50)
    expected = ramp.reshape(160, 50, 4).mean(axis=2)[:40]
    assert pixels.reshape(40, 50) == pytest.approx(expected, abs=3)


def test_a_smaller_image_is_left_as_it_is() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    pixels, extent = grey_thumbnail(grey, size=8)
    assert extent == (3, 4)
    assert np.array_equal(pixels.reshape(3, 4), grey)
