"""Pixels that agree and pixels that conflict, on thumbnails of real pictures."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laid import IDENTITY, Grey, compared, confirmed, grey_picture, recompressed

from pimmi.matching.confirm import (
    BROAD_AGREEMENT,
    BROAD_CORRELATION,
    PART_COLUMNS,
    PIXEL_COLUMNS,
    confirm,
)
from pimmi.matching.sampling import levels_of
from pimmi.matching.verify import LINK_COLUMNS

AGREE, CONFLICT, TEXTURED, COMPARED, CORRELATION, OVERLAP, *_ = range(PIXEL_COLUMNS)


@pytest.mark.parametrize("name", ["astronaut", "cat", "temple", "page"])
def test_a_recompressed_picture_agrees_everywhere(name: str) -> None:
    grey = grey_picture(name)
    row = compared(grey, recompressed(grey))
    assert row[AGREE] > 0.95 * row[TEXTURED] > 0
    assert row[CONFLICT] <= 0.01 * row[TEXTURED]
    assert row[CORRELATION] > 0.9
    assert row[OVERLAP] == pytest.approx(128 * 96, rel=0.1)


@pytest.mark.parametrize(("one", "other"), [("astronaut", "cat"), ("temple", "flower"), ("page", "moon")])
def test_different_pictures_conflict(one: str, other: str) -> None:
    row = compared(grey_picture(one), grey_picture(other))
    assert row[CONFLICT] > 0.6 * row[TEXTURED] > 0
    assert row[AGREE] < 0.2 * row[TEXTURED]
    assert abs(row[CORRELATION]) < 0.3


def test_two_pictures_in_one_frame_agree_on_the_frame_alone() -> None:
    framed = []
    for name in ("astronaut", "coffee"):
        frame = grey_picture("brick", height=256)
        frame[48:208, 48:208] = grey_picture(name, width=160, height=160)
        framed.append(frame)
    row = compared(*framed)
    assert 0.2 * row[TEXTURED] < row[AGREE] < 0.75 * row[TEXTURED]
    assert row[CONFLICT] > 0.15 * row[TEXTURED]


@pytest.mark.parametrize("change", [2, 3])
def test_a_negative_agrees_only_as_a_negative(change: int) -> None:
    grey = grey_picture("cat")
    negative, transform = 255 - grey, IDENTITY
    if change == 3:
        negative, transform = np.ascontiguousarray(negative[:, ::-1]), (-1.0, 0.0, 255.0, 0.0, 1.0, 0.0)
    as_negative = compared(grey, negative, transform=transform, change=change)
    as_plain = compared(grey, negative, transform=transform, change=change ^ 2)
    assert as_negative[AGREE] > 0.95 * as_negative[TEXTURED] > 0
    assert as_plain[AGREE] == 0
    assert as_plain[CONFLICT] == as_negative[AGREE]
    assert as_plain[CORRELATION] == pytest.approx(-as_negative[CORRELATION])


def shaded(grey: Grey, *, by: float) -> Grey:
    """The picture with light that falls from one side: detail stays, what is bright as a whole doesn't."""
    slope = np.linspace(-by, by, grey.shape[1])
    return np.asarray((0.4 * grey + 77 + slope).clip(0, 255), np.uint8)


@pytest.mark.parametrize("name", ["astronaut", "cat", "temple"])
def test_windows_agree_in_other_light_but_their_means_do_not(name: str) -> None:
    grey = grey_picture(name)
    same, other = compared(grey, recompressed(grey)), compared(grey, shaded(grey, by=70))
    assert min(same[BROAD_CORRELATION], same[BROAD_AGREEMENT]) > 0.98
    assert other[AGREE] > 0.6 * other[TEXTURED]
    assert max(other[BROAD_CORRELATION], other[BROAD_AGREEMENT]) < 0.75


def test_the_means_of_a_negative_correlate_as_those_of_the_picture() -> None:
    grey = grey_picture("cat")
    as_negative = compared(grey, 255 - grey, change=2)
    as_plain = compared(grey, 255 - grey)
    assert as_negative[BROAD_CORRELATION] > 0.98
    assert as_negative[BROAD_AGREEMENT] > 0.98
    assert as_plain[BROAD_CORRELATION] == pytest.approx(-as_negative[BROAD_CORRELATION])
    assert as_plain[BROAD_AGREEMENT] == 0


def test_what_differs_counts_for_the_means_of_all_windows_alone() -> None:
    grey = grey_picture("astronaut")
    covered = grey.copy()
    covered[30:150, 30:200] = 255 - covered[30:150, 30:200]
    row = compared(grey, covered)
    assert row[BROAD_AGREEMENT] > 0.98
    assert row[BROAD_CORRELATION] < 0.8


def test_a_crop_agrees_where_it_was_cut_out() -> None:
    whole = grey_picture("temple")
    crop = np.ascontiguousarray(whole[40:168, 60:220])
    row = compared(whole, crop, transform=(1.0, 0.0, -60.0, 0.0, 1.0, -40.0))
    assert row[AGREE] > 0.9 * row[TEXTURED] > 0
    assert row[OVERLAP] / (128 * 96) == pytest.approx(crop.size / whole.size, rel=0.15)
    wrong = compared(whole, crop, transform=(1.0, 0.0, -30.0, 0.0, 1.0, -20.0))
    assert wrong[AGREE] < 0.4 * wrong[TEXTURED]


@settings(max_examples=20, deadline=None)
@given(angle=st.floats(-3.1, 3.1), scale=st.floats(0.7, 1.5), mirror=st.sampled_from([1, -1]))
def test_a_moved_picture_agrees_both_ways(angle: float, scale: float, mirror: int) -> None:
    grey = grey_picture("astronaut", width=256, height=256)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine * mirror], [sine, cosine * mirror]])
    matrix = np.column_stack([linear, [127.5, 127.5] - linear @ [127.5, 127.5]])
    moved = np.asarray(
        cv2.warpAffine(grey, matrix, (256, 256), flags=cv2.INTER_AREA, borderValue=128), np.uint8
    )
    inside = cv2.warpAffine(np.ones_like(grey), matrix, (256, 256)).mean()
    back = np.asarray(cv2.invertAffineTransform(matrix))
    there_row = compared(grey, moved, transform=tuple(matrix.ravel()))
    back_row = compared(moved, grey, transform=tuple(back.ravel()))
    for row in (there_row, back_row):
        assert row[AGREE] > 0.85 * row[TEXTURED] > 0
        assert row[CONFLICT] < 0.05 * row[TEXTURED]
    assert back_row[OVERLAP] / 128**2 == pytest.approx(inside, rel=0.15)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_and_mirrored_pixels_are_the_same_pixels(turns: int, mirrored: bool) -> None:
    grey = grey_picture("temple", width=512, height=384)
    places = np.stack(np.meshgrid(np.arange(512.0), np.arange(384.0)))
    there = np.rot90(places[:, :, ::-1] if mirrored else places, turns, axes=(1, 2))
    moved = np.rot90(grey[:, ::-1] if mirrored else grey, turns)
    origin, right, below = there[:, 0, 0], there[:, 0, 1], there[:, 1, 0]
    linear = np.linalg.inv(np.column_stack([right - origin, below - origin]))
    transform = np.column_stack([linear, -linear @ origin])
    row = compared(grey, np.ascontiguousarray(moved), transform=tuple(transform.ravel()))
    assert row[AGREE] == row[TEXTURED] > 0
    assert row[CORRELATION] > 0.985


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_images_show_nothing_to_compare(level: int) -> None:
    blank = np.full((192, 256), level, np.uint8)
    row = compared(blank, blank)
    assert row[COMPARED] > 0
    assert row[[AGREE, CONFLICT, TEXTURED, CORRELATION]].tolist() == [0, 0, 0, 0]
    against_picture = compared(blank, grey_picture("cat"))
    assert against_picture[AGREE] == 0
    assert against_picture[CONFLICT] > 0.9 * against_picture[TEXTURED] > 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (2, 2), (2, 256), (8, 8), (9, 400)])
def test_small_images_are_safe(shape: tuple[int, int]) -> None:
    small = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    for pair in ((small, small), (small, grey_picture("cat")), (grey_picture("cat"), small)):
        row = compared(*pair)
        assert np.isfinite(row).all()
        assert row[AGREE] + row[CONFLICT] <= row[TEXTURED] <= row[COMPARED]


@settings(max_examples=100, deadline=None)
@given(
    transform=st.tuples(*[st.floats(-40, 40) | st.sampled_from([0.0, 1.0, 300.0])] * 6),
    change=st.integers(0, 3),
)
def test_any_transform_is_safe(transform: tuple[float, ...], change: int) -> None:
    row = compared(grey_picture("cat"), grey_picture("coffee"), transform=transform, change=change)
    assert np.isfinite(row).all()
    assert (row[[AGREE, CONFLICT, TEXTURED, COMPARED, OVERLAP]] >= 0).all()
    assert row[AGREE] + row[CONFLICT] <= row[TEXTURED] <= row[COMPARED]
    assert abs(row[CORRELATION]) <= 1


def test_the_parts_tell_where_two_pictures_in_one_frame_agree() -> None:
    framed = []
    for name in ("astronaut", "coffee"):
        frame = grey_picture("brick", height=256)
        frame[:, 128:] = grey_picture(name, width=128, height=256)
        framed.append(frame)
    _, parts = confirmed(*framed)
    agreeing, also_agreeing, conflicting, also_conflicting = parts
    assert np.array_equal(agreeing, also_agreeing)
    assert np.array_equal(conflicting, also_conflicting)
    assert agreeing[:, :4].mean() > 0.9
    assert agreeing[:, 5:].mean() < 0.2
    assert conflicting[:, 5:].mean() > 0.7
    assert not conflicting[:, :3].any()


def test_the_parts_are_of_each_image_its_own() -> None:
    whole = grey_picture("cat")
    corner = np.ascontiguousarray(whole[96:, 128:])
    _, (of_whole, of_corner, *_) = confirmed(whole, corner, transform=(1.0, 0.0, -128.0, 0.0, 1.0, -96.0))
    assert of_corner.mean() > 0.7
    assert of_whole[4:, 4:].mean() > 0.7
    assert not of_whole[:3].any()
    assert not of_whole[:, :3].any()


def test_images_that_do_not_overlap_are_not_compared() -> None:
    grey = grey_picture("cat")
    assert compared(grey, grey, transform=(1.0, 0.0, 500.0, 0.0, 1.0, 0.0)).tolist() == [0] * PIXEL_COLUMNS


def test_no_links_are_safe() -> None:
    pixels = np.empty((0, PIXEL_COLUMNS))
    nothing = np.zeros((0, 2))
    sizes = nothing.astype(np.int32)
    confirm(
        np.empty((0, LINK_COLUMNS)),
        nothing.astype(np.float32),
        levels_of(np.zeros((0, 128 * 128), np.uint8), sizes),
        sizes,
        pixels,
        np.empty((0, PART_COLUMNS), np.uint64),
    )
