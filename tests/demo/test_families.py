"""Every family, on a real picture."""

import numpy as np
import pytest

from pimmi.demo.families import FAMILIES, Family
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import decode


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_copy_is_another_image_that_depends_on_its_draw_alone(family: Family) -> None:
    image, other = load_picture("cat"), load_picture("rocket")
    before = image.copy()
    data = family.copy(image, np.random.default_rng(3), other=other)
    assert np.array_equal(image, before)
    assert data == family.copy(image, np.random.default_rng(3), other=other)
    copy = decode(data)
    assert copy.std() > 10
    if copy.shape == image.shape:
        assert np.abs(copy.astype(int) - image).mean() > 0.5


def test_names_are_unique() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names) == 31


@pytest.mark.parametrize("name", ["chain_3", "chain_5", "crop_20", "sticker", "emoji_two", "jpeg_q5_8"])
def test_two_draws_give_two_copies(name: str) -> None:
    (family,) = (family for family in FAMILIES if family.name == name)
    image, other = load_picture("cat"), load_picture("rocket")
    copies = {family.copy(image, np.random.default_rng(seed), other=other) for seed in range(8)}
    assert len(copies) >= 3


def test_a_composite_needs_another_original() -> None:
    (sticker,) = (family for family in FAMILIES if family.name == "sticker")
    with pytest.raises(ValueError, match="sticker needs a second original"):
        sticker.copy(load_picture("cat"), np.random.default_rng(0))
