from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.images.thumbnail import grey_thumbnail


@settings(deadline=None)
@given(width=st.integers(1, 400), height=st.integers(1, 400), size=st.integers(8, 200))
def test_the_image_lies_top_left_and_the_rest_is_zero(width: int, height: int, size: int) -> None:
    grey = np.full((height, width), 200, dtype=np.uint8)
    canvas, (thumb_height, thumb_width) = grey_thumbnail(grey, size=size)
    assert canvas.shape == (size, size)
    assert canvas.dtype == np.uint8
    assert max(thumb_height, thumb_width) == min(size, max(height, width))
    assert np.all(canvas[:thumb_height, :thumb_width] == 200)
    assert canvas.sum(dtype=np.int64) == 200 * thumb_height * thumb_width


def test_proportions_and_brightness_are_kept() -> None:
    ramp = np.tile(np.linspace(0, 255, 200).astype(np.uint8), (100, 1))
    canvas, (height, width) = grey_thumbnail(ramp, size=50)
    assert (height, width) == (25, 50)
    expected = ramp.reshape(100, 50, 4).mean(axis=2)[:25]
    assert canvas[:25, :50] == pytest.approx(expected, abs=3)


def test_a_smaller_image_is_left_as_it_is() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    canvas, extent = grey_thumbnail(grey, size=8)
    assert extent == (3, 4)
    assert np.array_equal(canvas[:3, :4], grey)
