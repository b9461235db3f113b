"""How sure a link is: more evidence is never less sure, and no link depends on another."""

import cv2
import numpy as np
import pytest
from described import SETTINGS, block, described, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.demo.raster import Image, decode, encode_jpeg
from pimmi.index.codebook import load_codebook
from pimmi.matching.confidence import DIRECTIONS, MEASURES, confidence, load_trees, measures
from pimmi.matching.confirm import BROAD_AGREEMENT, BROAD_CORRELATION, MISALIGNMENT, PIXEL_COLUMNS, REPEAT
from pimmi.matching.match import find_candidates, match_blocks
from pimmi.matching.verify import (
    CODE_DISTANCE,
    INLIER_SHARE,
    LINK_COLUMNS,
    PLACE_SCATTER,
    RIVAL,
    SCALE_SCATTER,
    TURN_SCATTER,
)

Floats = NDArray[np.float64]
Arguments = tuple[Floats, Floats, Floats]

SCORE, INLIERS = 3, 4
SCATTERS = (TURN_SCATTER, SCALE_SCATTER, PLACE_SCATTER)
CORRELATION = 4
seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, number: int) -> Arguments:
    """Links between two images of any kind."""
    rng = np.random.default_rng(seed)
    links = np.zeros((number, LINK_COLUMNS))
    links[:, SCORE] = rng.uniform(-5, 60, number)
    links[:, INLIERS] = rng.integers(2, 400, number)
    links[:, [6, 7, 9, 10]] = rng.normal(0, 1, (number, 4))
    links[:, RIVAL] = rng.random(number)
    links[:, CODE_DISTANCE] = rng.uniform(20, 60, number)
    links[:, INLIER_SHARE] = rng.random(number)
    links[:, SCATTERS] = rng.random((number, 3)) * (8.0, 0.3, 2.0)
    pixels = np.zeros((number, PIXEL_COLUMNS))
    pixels[:, :2] = rng.integers(0, 150, (number, 2))
    pixels[:, 2] = pixels[:, :2].sum(axis=1)
    pixels[:, 3] = pixels[:, 2] + rng.integers(0, 50, number)
    pixels[:, CORRELATION] = rng.uniform(-1, 1, number)
    pixels[:, MISALIGNMENT] = rng.uniform(0, 1, number)
    pixels[:, [BROAD_CORRELATION, BROAD_AGREEMENT]] = rng.uniform(-1, 1, (number, 2))
    return links, pixels, rng.random((number, 2))


def a_copy() -> tuple[Floats, Floats]:
    """A link of whole images that certainly shows a copy, and its pixels."""
    links, pixels = np.zeros((1, LINK_COLUMNS)), np.zeros((1, PIXEL_COLUMNS))
    links[0, [6, 10]] = 1
    links[0, [SCORE, INLIERS, CODE_DISTANCE, INLIER_SHARE]] = 100, 150, 30, 0.5
    links[0, SCATTERS] = 3, 0.1, 0.3
    pixels[0, [0, 2, 3, CORRELATION, MISALIGNMENT]] = 150, 150, 150, 0.99, 0.05
    pixels[0, [BROAD_CORRELATION, BROAD_AGREEMENT]] = 0.99
    return links, pixels


@settings(deadline=None)
@given(seed=seeds, number=st.integers(1, 40), data=st.data())
def test_a_link_does_not_depend_on_the_others(seed: int, number: int, data: st.DataObject) -> None:
    arguments = drawn(seed, number)
    rows = data.draw(st.lists(st.integers(0, number - 1), min_size=1, max_size=50))
    links, pixels, areas = arguments
    assert np.array_equal(confidence(links[rows], pixels[rows], areas[rows]), confidence(*arguments)[rows])


@settings(deadline=None)
@given(seed=seeds, more=st.floats(0, 100))
def test_a_better_score_is_never_less_sure(seed: int, more: float) -> None:
    links, pixels, areas = drawn(seed, 10)
    better = links.copy()
    better[:, SCORE] += more
    assert (confidence(better, pixels, areas) >= confidence(links, pixels, areas)).all()


@settings(deadline=None)
@given(seed=seeds)
def test_it_is_a_share(seed: int) -> None:
    values = confidence(*drawn(seed, 30))
    assert (values >= 0).all()
    assert (values <= 1).all()


def test_strong_evidence_is_sure_and_none_is_not() -> None:
    (sure,) = confidence(*a_copy(), np.ones((1, 2)))
    (unsure,) = confidence(np.zeros((1, LINK_COLUMNS)), np.zeros((1, PIXEL_COLUMNS)), np.zeros((1, 2)))
    assert sure > 0.99
    assert unsure == 0


@settings(deadline=None)
@given(seed=seeds, more=st.floats(0.001, 20), column=st.sampled_from([CODE_DISTANCE, *SCATTERS]))
def test_points_that_fit_worse_are_never_surer(seed: int, more: float, column: int) -> None:
    links, pixels, areas = drawn(seed, 10)
    worse = links.copy()
    worse[:, column] += more
    assert (confidence(worse, pixels, areas) <= confidence(links, pixels, areas)).all()


@settings(deadline=None)
@given(seed=seeds, more=st.floats(0.001, 1), column=st.sampled_from([CORRELATION, BROAD_AGREEMENT]))
def test_pixels_that_correlate_more_are_never_less_sure(seed: int, more: float, column: int) -> None:
    links, pixels, areas = drawn(seed, 10)
    better = pixels.copy()
    better[:, column] += more
    assert (confidence(links, better, areas) >= confidence(links, pixels, areas)).all()


@settings(deadline=None)
@given(seed=seeds, more=st.floats(0.001, 1))
def test_parts_that_lie_worse_are_never_surer(seed: int, more: float) -> None:
    links, pixels, areas = drawn(seed, 10)
    worse = pixels.copy()
    worse[:, MISALIGNMENT] += more
    assert (confidence(links, worse, areas) <= confidence(links, pixels, areas)).all()


def test_each_of_these_can_make_a_copy_doubtful() -> None:
    """What never makes surer does make less sure somewhere, else it would count for nothing."""
    links, pixels = a_copy()
    areas = np.ones((1, 2))
    pixels[0, [CORRELATION, MISALIGNMENT, BROAD_CORRELATION]] = 0.75, 0.12, 0.8
    (before,) = confidence(links, pixels, areas)
    for column, value in ((BROAD_AGREEMENT, 0.4), (MISALIGNMENT, 0.3), (CORRELATION, 0.5)):
        worse = pixels.copy()
        worse[0, column] = value
        assert confidence(links, worse, areas)[0] < before
    for column, value in ((CODE_DISTANCE, 50.0), (TURN_SCATTER, 8.0), (PLACE_SCATTER, 2.0)):
        poorer = links.copy()
        poorer[0, column] = value
        assert confidence(poorer, pixels, areas)[0] < before


@settings(deadline=None)
@given(seed=seeds, angle=st.floats(0, 6.28), mirror=st.sampled_from([1, -1]), scale=st.floats(0.01, 100))
def test_enlarging_and_shrinking_count_alike_whatever_the_rotation(
    seed: int, angle: float, mirror: int, scale: float
) -> None:
    links, pixels, areas = drawn(seed, 1)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    links[0, [6, 7, 9, 10]] = (rotation @ np.diag([scale, scale * mirror])).ravel()
    named = dict(zip(MEASURES, measures(links, pixels, areas)[0], strict=True))
    assert named["enlargement"] == pytest.approx(max(scale, 1 / scale))


def test_the_trees_ask_for_measures_that_there_are() -> None:
    assert len(DIRECTIONS) == len(MEASURES) == measures(*drawn(0, 3)).shape[1]
    assert set(load_trees().features.tolist()) == {-1, *range(len(MEASURES))}


def test_no_links_have_no_confidence() -> None:
    assert confidence(*drawn(0, 0)).shape == (0,)


@pytest.mark.parametrize(("repeat", "pattern"), [(0.0, False), (0.7, False), (0.96, True), (1.1, True)])
def test_what_fits_elsewhere_as_well_is_a_pattern(repeat: float, pattern: bool) -> None:
    links, pixels = a_copy()
    links[0, RIVAL] = 0.3
    pixels[0, REPEAT] = repeat
    (sure,) = confidence(links, pixels, np.array([[0.9, 0.9]]))
    assert sure == 0 if pattern else sure > 0.5
    (whole,) = confidence(links, pixels, np.array([[0.5, 1.0]]))
    assert whole > 0.5
    pixels[0, CORRELATION] = 0.9
    (whole_but_otherwise,) = confidence(links, pixels, np.ones((1, 2)))
    assert whole_but_otherwise == 0 if pattern else whole_but_otherwise > 0.5


@pytest.mark.parametrize(
    ("windows", "inliers", "area", "rival", "enough"),
    [
        (150, 50, 0.5, 0.0, True),
        (5, 50, 0.5, 0.0, False),
        (150, 50, 0.01, 0.0, False),
        (31, 5, 0.5, 0.0, False),
        (31, 6, 0.5, 0.0, True),
        (150, 9, 0.05, 0.0, False),
        (150, 10, 0.05, 0.0, True),
        (150, 10, 0.05, 0.4, False),
        (150, 9, 0.07, 0.4, True),
    ],
)
def test_too_little_proves_nothing(
    windows: int, inliers: int, area: float, rival: float, enough: bool
) -> None:
    links, pixels = a_copy()
    links[0, [INLIERS, RIVAL]] = inliers, rival
    pixels[0, [0, 2, 3]] = windows
    (sure,) = confidence(links, pixels, np.array([[1.0, area]]))
    assert sure > 0 if enough else sure == 0


@pytest.mark.parametrize(
    ("rival", "correlation", "somewhere"), [(0.6, 0.84, False), (0.59, 0.84, True), (0.6, 0.85, True)]
)
def test_pixels_must_fit_well_where_points_speak_for_two_places(
    rival: float, correlation: float, somewhere: bool
) -> None:
    links, pixels = a_copy()
    links[0, RIVAL] = rival
    pixels[0, CORRELATION] = correlation
    (sure,) = confidence(links, pixels, np.ones((1, 2)))
    assert sure > 0 if somewhere else sure == 0


def tartan(
    across: list[tuple[int, int]], down: list[tuple[int, int]], *, zoom: float = 1, size: int = 400
) -> Image:
    """A cloth of stripes both ways, each a width in pixels and a grey level, that repeat without end."""
    levels = []
    for stripes in (across, down):
        widths, greys = zip(*stripes, strict=True)
        levels.append(np.resize(np.repeat(greys, widths), size).astype(np.float64))
    cloth = (levels[0] + levels[1][:, None]) / 2
    enlarged = cv2.resize(cloth, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)[:size, :size]
    return np.repeat(np.clip(enlarged, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def recompressed(image: Image) -> Image:
    return decode(encode_jpeg(image, quality=30))


def test_two_patterns_that_repeat_are_not_linked_though_they_coincide() -> None:
    """Two cloths whose threads lie alike, at several zooms."""
    across = [(5, 209), (6, 241), (7, 63), (8, 79), (3, 221), (3, 107)]
    down = [(4, 21), (7, 7), (4, 220), (5, 192), (6, 213), (6, 137)]
    across_other = [(7, 221), (3, 148), (4, 10), (4, 24), (4, 84), (7, 110)]
    down_other = [(6, 8), (5, 28), (4, 115), (3, 99), (7, 226), (7, 131)]
    cloths = {
        "one": tartan(across, down),
        "one enlarged": tartan(across, down, zoom=1.6),
        "other": tartan(across_other, down_other),
        "other enlarged": tartan(across_other, down_other, zoom=1.6),
    }
    whole = block({name: described(cloth) for name, cloth in cloths.items()})
    (found,) = find_candidates(whole, None, settings=SETTINGS.matching, codebook=load_codebook())
    coincide = found.pixels[:, 0] > 0.9 * found.pixels[:, 2]
    assert (found.links[coincide, INLIERS] > 50).sum() >= 3
    (links,) = match_blocks(whole, None, settings=SETTINGS.matching, codebook=load_codebook())
    assert (links.confidence < SETTINGS.matching.confidence_among(2)).all()


@pytest.mark.parametrize("name", ["brick", "grass", "gravel"])
def test_a_real_picture_of_something_that_repeats_is_linked_with_its_copy(name: str) -> None:
    original = picture(name)
    whole = block({"a": described(original), "b": described(recompressed(original))})
    (links,) = match_blocks(whole, None, settings=SETTINGS.matching, codebook=load_codebook())
    assert len(links) == 1
    assert links.confidence[0] > 0.99
