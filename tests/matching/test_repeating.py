"""Whether what two images share would fit elsewhere as well: grids of pictures, stripes and bricks."""

import cv2
import numpy as np
import pytest
from described import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.demo.raster import decode, encode_jpeg
from pimmi.matching.promise import REPEATING
from pimmi.matching.repeating import EVERY, FAINT, JUDGED, LEAST, NEAREST, SHARED, WINDOW, repeat

Floats = NDArray[np.float64]


def grid(name: str, *, width: int = 64, quality: int = 95) -> Floats:
    """A real picture, compressed, as grey levels of shape (48, width)."""
    saved = decode(encode_jpeg(picture(name), quality=quality))
    grey = cv2.cvtColor(saved, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (width, 48), interpolation=cv2.INTER_AREA).astype(np.float64)


def stripes(*, period: float, angle: float, phase: float = 0.0) -> Floats:
    y, x = np.mgrid[:48, :64]
    along = x * np.cos(angle) + y * np.sin(angle)
    return np.asarray(128 + 80 * np.sin(2 * np.pi * along / period + phase))


def tiles(motif: Floats) -> Floats:
    """The motif again and again, shape (48, 64)."""
    return np.tile(motif, (48 // len(motif) + 1, 64 // len(motif[0]) + 1))[:48, :64]


def repeated(a: Floats, b: Floats, *, sign: float = 1.0) -> float:
    return float(repeat(a, b, len(a), len(a[0]), sign))


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee", "temple", "flower", "page"])
def test_a_picture_fits_its_copy_at_one_place(name: str) -> None:
    assert repeated(grid(name), grid(name, quality=20)) < 0.75


@pytest.mark.parametrize("name", ["brick", "grass", "gravel"])
def test_a_photograph_of_a_pattern_fits_its_copy_at_one_place(name: str) -> None:
    assert repeated(grid(name), grid(name, quality=20)) < 0.9


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, 2.2])
@pytest.mark.parametrize("period", [5.0, 9.0, 16.0])
def test_stripes_fit_elsewhere_as_well(angle: float, period: float) -> None:
    one, other = stripes(period=period, angle=angle), stripes(period=period, angle=angle, phase=0.3)
    assert repeated(one, other) > REPEATING


@pytest.mark.parametrize("side", [(7, 11), (16, 20), (23, 30)])
def test_tiles_fit_elsewhere_as_well(side: tuple[int, int]) -> None:
    motif = cv2.GaussianBlur(np.random.default_rng(1).uniform(0, 255, side), (0, 0), 1.5)
    motif = 128 + 50 * (motif - motif.mean()) / motif.std()
    noise = np.random.default_rng(2).normal(0, 6, (2, 48, 64))
    assert repeated(tiles(motif) + noise[0], tiles(motif) + noise[1]) > REPEATING


def test_one_flaw_in_a_pattern_tells_no_place_and_a_picture_over_it_does() -> None:
    lines, photograph = stripes(period=8, angle=0.4), grid("astronaut")
    flawed, covered = lines.copy(), lines.copy()
    flawed[20:24, 30:34] = 0
    covered[:, 10:54] = photograph[:, 10:54]
    assert repeated(flawed, flawed) > 0.9
    assert repeated(covered, covered) < 0.75


def test_a_negative_is_compared_with_its_sign_turned() -> None:
    photograph, lines = grid("cat"), stripes(period=10, angle=1.0)
    assert repeated(photograph, 255 - photograph, sign=-1.0) == pytest.approx(
        repeated(photograph, photograph), abs=1e-3
    )
    assert repeated(lines, 255 - lines, sign=-1.0) > REPEATING


def test_what_lies_outside_of_the_second_image_is_not_compared() -> None:
    lines = stripes(period=9, angle=0.3)
    other = lines.copy()
    other[:, 40:] = -1
    noise = lines.copy()
    noise[:, 40:] = np.random.default_rng(0).uniform(0, 255, (48, 24))
    assert repeated(noise, other) > REPEATING


@pytest.mark.parametrize(("rows", "columns"), [(0, 64), (6, 64), (48, 5), (7, 7), (8, 8)])
def test_a_grid_with_no_other_place_is_safe(rows: int, columns: int) -> None:
    lines = stripes(period=9, angle=0.3)
    assert repeat(lines, lines, rows, columns, 1.0) == 0


def test_blank_grids_are_safe() -> None:
    blank = np.full((48, 64), 200.0)
    assert repeated(blank, blank) == 0
    assert repeated(blank, np.full((48, 64), -1.0)) == 0


def expected(a: Floats, b: Floats) -> float:
    """The same, written as its definition."""
    windows = [np.lib.stride_tricks.sliding_window_view(side, (WINDOW, WINDOW)) for side in (a, b)]
    mask = np.all(windows[1][:, :, [0, 0, -1, -1], [0, -1, 0, -1]] >= 0, axis=2)
    first, second = (
        np.where(mask, (side[:, :, 3, 3] - side.mean((2, 3))) / np.hypot(side.std((2, 3)), FAINT), 0)
        for side in windows
    )
    high, wide = mask.shape

    def correlation(down: int, across: int, *, every: int) -> tuple[float, float]:
        rows = np.arange(0, high - down, every)[:, None]
        columns = np.arange(max(0, -across), wide - max(0, across))
        one, other = (rows, columns), (rows + down, columns + across)
        common = np.sqrt((first[one] ** 2 * mask[other]).sum() * (second[other] ** 2 * mask[one]).sum())
        return np.sum(first[one] * second[other]) / max(common, 1e-6), common

    whole = correlation(0, 0, every=EVERY)[1]
    others = [
        (correlation(down, across, every=EVERY), down, across)
        for down in range(high)
        for across in range(1 - wide, wide)
        if np.hypot(down, across) >= NEAREST
        and (high - down) * (wide - abs(across)) >= SHARED * high * wide / 2
    ]
    fits = [(fit, down, across) for (fit, common), down, across in others if common >= SHARED * whole]
    judged = sorted((found for found in fits if found[0] > 0), reverse=True)[:JUDGED]
    there = max((correlation(down, across, every=1)[0] for _, down, across in judged), default=0.0)
    return float(max(there, 0.0) / max(correlation(0, 0, every=1)[0], LEAST))


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(10, 26),
    columns=st.integers(10, 26),
    cut=st.integers(0, 8),
)
def test_it_is_what_its_definition_says(seed: int, rows: int, columns: int, cut: int) -> None:
    drawn = np.random.default_rng(seed)
    a = cv2.GaussianBlur(drawn.uniform(0, 255, (rows, columns)), (0, 0), 1.0).astype(np.float64)
    b = np.clip(a + drawn.normal(0, 10, a.shape), 0, 255)
    b[:, columns - cut :] = -1
    assert repeated(a, b) == pytest.approx(expected(a, b), rel=1e-3, abs=1e-3)
