"""Pixels that agree and pixels that conflict, on thumbnails of real pictures."""

import cv2
import numpy as np
import pytest
from described import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.demo.raster import encode_jpeg
from pimmi.images.decode import decode
from pimmi.images.thumbnail import grey_thumbnail
from pimmi.matching.blocks import PART_SIDE
from pimmi.matching.confirm import CERTAIN, PART_COLUMNS, PIXEL_COLUMNS, RIVAL, confirm
from pimmi.matching.verify import LINK_COLUMNS

AGREE, CONFLICT, TEXTURED, COMPARED, CORRELATION, OVERLAP, REPEAT = range(PIXEL_COLUMNS)
RIVAL_COLUMN = 12
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]


def grey_picture(name: str, *, width: int = 256, height: int = 192) -> Grey:
    grey = cv2.cvtColor(picture(name), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def compared(
    first: Grey,
    second: Grey,
    *,
    transform: tuple[float, ...] = IDENTITY,
    change: int = 0,
    rival: float = 0.0,
) -> Floats:
    """The row of `pixels` for two working images; the transform leads from the first to the second."""
    return confirmed(first, second, transform=transform, change=change, rival=rival)[0]


def confirmed(
    first: Grey,
    second: Grey,
    *,
    transform: tuple[float, ...] = IDENTITY,
    change: int = 0,
    rival: float = 0.0,
) -> tuple[Floats, list[NDArray[np.bool_]]]:
    """The rows of `pixels` and of `parts` for two working images; a part as bool (PART_SIDE, PART_SIDE)."""
    links = np.zeros((1, LINK_COLUMNS))
    links[0, 1:3] = 1, change
    links[0, 6:12] = transform
    links[0, RIVAL_COLUMN] = rival
    working = np.array([image.shape[::-1] for image in (first, second)], np.float32)
    thumbnails, sizes = zip(*(grey_thumbnail(image, size=128) for image in (first, second)), strict=True)
    pixels = np.full((1, PIXEL_COLUMNS), np.nan)
    parts = np.full((1, PART_COLUMNS), 7, np.uint64)
    thumbnail_sizes = np.array([size[::-1] for size in sizes], np.int32)
    stacked = np.zeros((2, max(map(len, thumbnails))), np.uint8)
    for row, thumbnail in zip(stacked, thumbnails, strict=True):
        row[: len(thumbnail)] = thumbnail
    confirm(links, working, stacked, thumbnail_sizes, pixels, parts)
    bits = np.unpackbits(parts.view(np.uint8), bitorder="little").astype(bool)
    return pixels[0], list(bits.reshape(PART_COLUMNS, PART_SIDE, PART_SIDE))


def recompressed(grey: Grey) -> Grey:
    data = encode_jpeg(np.repeat(grey[:, :, None], 3, axis=2), quality=30)
    return decode(data, working_size=256, max_pixels=10**6).grey


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


def striped(phase: float) -> Grey:
    y, x = np.mgrid[:192, :256]
    return np.asarray(128 + 80 * np.sin((x + 2 * y) / 8 + phase), np.uint8)


def noisy(grey: Grey) -> Grey:
    return np.asarray((grey + np.random.default_rng(0).normal(0, 80, grey.shape)).clip(0, 255), np.uint8)


@pytest.mark.parametrize("rival", [RIVAL, 1.0])
def test_where_points_doubt_the_place_pixels_are_asked_for_others(rival: float) -> None:
    cat = grey_picture("cat")
    assert compared(striped(0.0), striped(0.2), rival=rival)[REPEAT] > 0.95
    assert 0 < compared(cat, recompressed(cat), rival=rival)[REPEAT] < 0.75
    assert 0 < compared(cat, 255 - cat, change=2, rival=rival)[REPEAT] < 0.75


def test_where_pixels_fit_badly_they_are_asked_as_well() -> None:
    cat = grey_picture("cat")
    of_cat, of_stripes = compared(cat, noisy(cat)), compared(striped(0.0), noisy(striped(0.8)))
    assert of_cat[CORRELATION] < CERTAIN
    assert of_stripes[CORRELATION] < CERTAIN
    assert 0 < of_cat[REPEAT] < 0.75
    assert of_stripes[REPEAT] > 0.95


def test_where_points_and_pixels_are_sure_or_pixels_differ_they_are_not() -> None:
    cat = grey_picture("cat")
    assert compared(cat, recompressed(cat), rival=RIVAL / 2)[REPEAT] == 0
    assert compared(striped(0.0), striped(np.pi), rival=1.0)[REPEAT] == 0


def test_images_that_do_not_overlap_are_not_compared() -> None:
    grey = grey_picture("cat")
    assert compared(grey, grey, transform=(1.0, 0.0, 500.0, 0.0, 1.0, 0.0)).tolist() == [0] * PIXEL_COLUMNS


def test_no_links_are_safe() -> None:
    pixels = np.empty((0, PIXEL_COLUMNS))
    nothing = np.zeros((0, 2))
    confirm(
        np.empty((0, LINK_COLUMNS)),
        nothing.astype(np.float32),
        np.zeros((0, 128 * 128), np.uint8),
        nothing.astype(np.int32),
        pixels,
        np.empty((0, PART_COLUMNS), np.uint64),
    )
