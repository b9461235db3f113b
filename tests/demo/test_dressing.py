"""What is put on or around a picture, and images of two pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.demo import composites, dressing
from pimmi.demo.emoji import EMOJI, emoji
from pimmi.demo.frames import browser, phone
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import Image, scale

ODD = (3, 250, 251)
sides = st.integers(60, 300)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def flat(*, width: int, height: int, colour: tuple[int, int, int] = ODD) -> Image:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def share_of(colour: tuple[int, int, int], image: Image) -> float:
    return float((image == colour).all(axis=2).mean())


@few
@given(width=sides, height=sides, seed=seeds)
def test_two_emoji_cover_about_a_third(width: int, height: int, seed: int) -> None:
    covered = dressing.add_two_emoji(flat(width=width, height=height), np.random.default_rng(seed))
    assert covered.shape == (height, width, 3)
    narrow = max(width, height) > 1.5 * min(width, height)
    assert (0.02 if narrow else 0.12) < 1 - share_of(ODD, covered) < 0.42


def test_every_emoji_is_another_and_has_smooth_edges() -> None:
    drawn = [emoji(number, side=64) for number in range(len(EMOJI))]
    for number, one in enumerate(drawn):
        assert one.shape == (64, 64, 4)
        assert ((one[..., 3] > 0) & (one[..., 3] < 255)).any()
        assert not any(np.array_equal(one, other) for other in drawn[:number])


@few
@given(width=sides, height=sides, seed=seeds)
def test_the_picture_stays_whole_below_its_caption(width: int, height: int, seed: int) -> None:
    captioned = dressing.add_caption(flat(width=width, height=height), np.random.default_rng(seed))
    assert captioned.shape[1] == width
    assert (captioned[-height:] == ODD).all()
    band = captioned[:-height]
    assert share_of((255, 255, 255), band) > 0.4
    assert (band < 60).all(axis=2).mean() > 0.02


@few
@given(width=sides, height=sides, seed=seeds)
def test_the_picture_stays_whole_inside_its_border(width: int, height: int, seed: int) -> None:
    bordered = dressing.add_border(flat(width=width, height=height), np.random.default_rng(seed))
    thickness = (bordered.shape[0] - height) // 2
    assert bordered.shape == (height + 2 * thickness, width + 2 * thickness, 3)
    assert (bordered[thickness:-thickness, thickness:-thickness] == ODD).all()
    assert 0.03 * min(width, height) < thickness < 0.13 * min(width, height) + 1


@few
@given(width=sides, height=sides, seed=seeds)
def test_a_phrase_is_written_over_a_part_of_the_picture(width: int, height: int, seed: int) -> None:
    written = dressing.write_over(flat(width=width, height=height), np.random.default_rng(seed))
    assert written.shape == (height, width, 3)
    assert 0.003 < 1 - share_of(ODD, written) < 0.3


@pytest.mark.parametrize("take", [phone, browser])
def test_frames_differ_in_nothing_but_the_picture(take: object) -> None:
    assert callable(take)
    one = take(flat(width=300, height=200))
    other = take(load_picture("coffee"))  # the same aspect
    picture = (one == ODD).all(axis=2)
    assert picture.mean() > 0.3
    assert np.array_equal(one[~picture], other[~picture])
    assert not np.array_equal(one[picture], other[picture])


@few
@given(width=sides, height=sides, other_width=sides, other_height=sides, seed=seeds)
def test_a_picture_in_picture_has_its_share_of_the_long_side(
    width: int, height: int, other_width: int, other_height: int, seed: int
) -> None:
    inset, host = (
        flat(width=width, height=height),
        flat(width=other_width, height=other_height, colour=(0, 0, 0)),
    )
    made = composites.put_in_picture(inset, host, np.random.default_rng(seed), share=0.5)
    assert made.shape == host.shape
    rows, columns = np.nonzero((made == ODD).all(axis=2))
    size = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert len(rows) == size[0] * size[1]
    assert max(size) <= 0.5 * max(host.shape) + 1
    assert size[0] <= 0.75 * host.shape[0] + 1
    assert size[1] <= 0.75 * host.shape[1] + 1
    assert size[1] / size[0] == pytest.approx(width / height, abs=0.05 + 2 * (width / height) / min(size))


@few
@given(seed=seeds)
def test_a_long_sticker_fits_on_a_picture_as_long(seed: int) -> None:
    long = flat(width=60, height=420)
    sticker = flat(width=60, height=420, colour=(9, 9, 9))
    made = composites.add_sticker(long, sticker, np.random.default_rng(seed))
    assert made.shape == long.shape
    assert share_of((9, 9, 9), made) > 0.1


@few
@given(seed=seeds)
def test_a_sticker_covers_a_fifth_of_a_picture_of_its_shape(seed: int) -> None:
    made = composites.add_sticker(
        flat(width=300, height=200),
        flat(width=150, height=100, colour=(9, 9, 9)),
        np.random.default_rng(seed),
    )
    assert made.shape == (200, 300, 3)
    assert share_of((9, 9, 9), made) == pytest.approx(0.45**2, rel=0.1)
    assert 0.7 < share_of(ODD, made) < 0.8


@few
@given(width=sides, height=sides, other_width=sides, other_height=sides, seed=seeds)
def test_a_collage_shows_both_pictures_whole(
    width: int, height: int, other_width: int, other_height: int, seed: int
) -> None:
    other = flat(width=other_width, height=other_height, colour=(0, 0, 0))
    made = composites.make_collage(flat(width=width, height=height), other, np.random.default_rng(seed))
    shares = share_of(ODD, made), share_of((0, 0, 0), made)
    assert sum(shares) == pytest.approx(1)
    by_height = (width / height) / (width / height + other_width / other_height)
    assert any(shares[0] == pytest.approx(share, abs=0.02) for share in (by_height, 1 - by_height))


def test_scaling_never_makes_an_empty_image() -> None:
    assert scale(flat(width=300, height=60), 0.001).shape == (1, 1, 3)
