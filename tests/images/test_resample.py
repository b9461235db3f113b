"""The cubic filter, against Pillow's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pimmi.images.resample import reduce_cubic

Grey = NDArray[np.uint8]
Box = tuple[float, float]

sides = st.integers(1, 120)
seeds = st.integers(0, 2**32 - 1)


def noise(seed: int, *, width: int, height: int) -> Grey:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width)) if seed % 2 else 255 * rng.integers(0, 2, (height, width))
    return pixels.astype(np.uint8)


def by_pillow(grey: Grey, *, width: int, height: int, extent: Box) -> Grey:
    """To the width, then to the height; Pillow itself may choose the other order."""
    across, down = extent
    bicubic = Image.Resampling.BICUBIC
    narrow = Image.fromarray(grey).resize((width, grey.shape[0]), bicubic, box=(0, 0, across, grey.shape[0]))
    return np.asarray(narrow.resize((width, height), bicubic, box=(0, 0, width, down)))


@settings(max_examples=150, deadline=None)
@given(seed=seeds, width=sides, height=sides, data=st.data())
def test_pixels_are_those_of_pillow(seed: int, width: int, height: int, data: st.DataObject) -> None:
    grey = noise(seed, width=width, height=height)
    target = {"width": data.draw(st.integers(1, width)), "height": data.draw(st.integers(1, height))}
    partly = st.sampled_from([0, 1 / 8, 1 / 3, 7 / 8])
    extent = width - data.draw(partly), height - data.draw(partly)
    assert np.array_equal(
        reduce_cubic(grey, extent=extent, **target), by_pillow(grey, extent=extent, **target)
    )


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_flat_image_stays_as_it_is(level: int) -> None:
    flat = np.full((100, 171), level, np.uint8)
    assert (reduce_cubic(flat, width=53, height=31, extent=(170.5, 100)) == level).all()


def test_a_view_is_read_as_its_copy() -> None:
    view = noise(1, width=90, height=80)[::-1, 3::2]
    one, other = (
        reduce_cubic(pixels, width=20, height=33, extent=(44.0, 80.0)) for pixels in (view, view.copy())
    )
    assert np.array_equal(one, other)
