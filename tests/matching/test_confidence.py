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
from pimmi.matching.confidence import LEAST_MISALIGNMENT, MEASURES, WEIGHTS, confidence, measures
from pimmi.matching.confirm import MISALIGNMENT, PIXEL_COLUMNS, REPEAT
from pimmi.matching.match import find_candidates, match_blocks
from pimmi.matching.verify import LINK_COLUMNS

Floats = NDArray[np.float64]
Arguments = tuple[Floats, Floats, Floats]

SCORE, INLIERS, RIVAL, CODE_DISTANCE = 3, 4, 12, 13
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
    pixels = np.zeros((number, PIXEL_COLUMNS))
    pixels[:, :2] = rng.integers(0, 150, (number, 2))
    pixels[:, 2] = pixels[:, :2].sum(axis=1)
    pixels[:, 3] = pixels[:, 2] + rng.integers(0, 50, number)
    pixels[:, CORRELATION] = rng.uniform(-1, 1, number)
    pixels[:, MISALIGNMENT] = rng.uniform(0, 1, number)
    return links, pixels, rng.random((number, 2))


def not_too_little(links: Floats, pixels: Floats, areas: Floats) -> Arguments:
    """The same with so many inliers and windows, and of so large a part, that the regression decides."""
    more = links.copy()
    more[:, INLIERS] += 10
    more[:, RIVAL] = 0
    windows = pixels.copy()
    windows[:, :3] += 32
    return more, windows, areas + 0.1


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
@given(seed=seeds, more=st.floats(0.001, 1))
def test_pixels_that_correlate_more_are_surer(seed: int, more: float) -> None:
    links, pixels, areas = drawn(seed, 10)
    links, pixels, areas = not_too_little(links, pixels, areas)
    better = pixels.copy()
    better[:, CORRELATION] += more
    assert (confidence(links, better, areas) > confidence(links, pixels, areas)).all()


@settings(deadline=None)
@given(seed=seeds)
def test_it_is_a_share(seed: int) -> None:
    values = confidence(*drawn(seed, 30))
    assert (values >= 0).all()
    assert (values <= 1).all()


def test_strong_evidence_is_sure_and_none_is_not() -> None:
    links, pixels = np.zeros((2, LINK_COLUMNS)), np.zeros((2, PIXEL_COLUMNS))
    links[:, [6, 10]] = 1
    links[:, INLIERS] = [150, 4]
    links[0, SCORE] = 100
    links[:, CODE_DISTANCE] = [30, 50]
    pixels[:, MISALIGNMENT] = [0.05, 1]
    pixels[0, [0, 2, 3, CORRELATION]] = [150, 150, 150, 0.95]
    sure, unsure = confidence(links, pixels, np.array([[1.0, 1.0], [0.0, 0.0]]))
    assert sure > 0.9
    assert unsure < 0.1


@settings(deadline=None)
@given(seed=seeds, fewer=st.floats(0.1, 20), nearer=st.floats(0.01, 1))
def test_nearer_codes_and_parts_that_lie_better_are_surer(seed: int, fewer: float, nearer: float) -> None:
    links, pixels, areas = not_too_little(*drawn(seed, 10))
    pixels[:, MISALIGNMENT] += LEAST_MISALIGNMENT
    before = confidence(links, pixels, areas)
    near_codes, worse = links.copy(), pixels.copy()
    near_codes[:, CODE_DISTANCE] -= fewer
    worse[:, MISALIGNMENT] += nearer
    assert (confidence(near_codes, pixels, areas) > before).all()
    assert (confidence(links, worse, areas) < before).all()


@settings(deadline=None)
@given(seed=seeds, angle=st.floats(0, 6.28), mirror=st.sampled_from([1, -1]), scale=st.floats(0.01, 100))
def test_only_enlarging_more_than_twice_counts_whatever_the_rotation(
    seed: int, angle: float, mirror: int, scale: float
) -> None:
    links, pixels, areas = drawn(seed, 1)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    links[0, [6, 7, 9, 10]] = (rotation @ np.diag([scale, scale * mirror])).ravel()
    named = dict(zip(MEASURES, measures(links, pixels, areas)[0], strict=True))
    assert named["log2 scale beyond 2"] == pytest.approx(max(abs(np.log2(scale)) - 1, 0), abs=1e-9)


def test_each_measure_has_a_weight() -> None:
    assert len(WEIGHTS) == len(MEASURES) == measures(*drawn(0, 3)).shape[1]


def test_no_links_have_no_confidence() -> None:
    assert confidence(*drawn(0, 0)).shape == (0,)


@pytest.mark.parametrize(("repeat", "pattern"), [(0.0, False), (0.7, False), (0.96, True), (1.1, True)])
def test_what_fits_elsewhere_as_well_is_a_pattern(repeat: float, pattern: bool) -> None:
    links, pixels = np.zeros((1, LINK_COLUMNS)), np.zeros((1, PIXEL_COLUMNS))
    links[:, [6, 10]] = 1
    links[0, [SCORE, INLIERS, RIVAL, CODE_DISTANCE]] = 100, 150, 0.3, 30
    pixels[0, [0, 2, 3, CORRELATION, REPEAT]] = [150, 150, 150, 0.99, repeat]
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
    links, pixels = np.zeros((1, LINK_COLUMNS)), np.zeros((1, PIXEL_COLUMNS))
    links[:, [6, 10]] = 1
    links[0, [SCORE, INLIERS, RIVAL, CODE_DISTANCE]] = 50, inliers, rival, 30
    pixels[0, [0, 2, 3, CORRELATION]] = [windows, windows, windows, 0.99]
    (sure,) = confidence(links, pixels, np.array([[1.0, area]]))
    assert sure > 0.5 if enough else sure == 0


@pytest.mark.parametrize(
    ("rival", "correlation", "somewhere"), [(0.6, 0.84, False), (0.59, 0.84, True), (0.6, 0.85, True)]
)
def test_pixels_must_fit_well_where_points_speak_for_two_places(
    rival: float, correlation: float, somewhere: bool
) -> None:
    links, pixels = np.zeros((1, LINK_COLUMNS)), np.zeros((1, PIXEL_COLUMNS))
    links[:, [6, 10]] = 1
    links[0, [SCORE, INLIERS, RIVAL, CODE_DISTANCE]] = 100, 150, rival, 20
    pixels[0, [0, 2, 3, CORRELATION]] = [150, 150, 150, correlation]
    (sure,) = confidence(links, pixels, np.ones((1, 2)))
    assert sure > 0.5 if somewhere else sure == 0


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
    found = find_candidates(whole, None, settings=SETTINGS.matching, codebook=load_codebook())
    coincide = found.pixels[:, 0] > 0.9 * found.pixels[:, 2]
    assert (found.links[coincide, INLIERS] > 50).sum() >= 3
    links = match_blocks(whole, None, settings=SETTINGS.matching, codebook=load_codebook())
    assert (links.confidence < SETTINGS.matching.confidence_among(2)).all()


@pytest.mark.parametrize("name", ["brick", "grass", "gravel"])
def test_a_real_picture_of_something_that_repeats_is_linked_with_its_copy(name: str) -> None:
    original = picture(name)
    whole = block({"a": described(original), "b": described(recompressed(original))})
    links = match_blocks(whole, None, settings=SETTINGS.matching, codebook=load_codebook())
    assert len(links) == 1
    assert links.confidence[0] > 0.99
