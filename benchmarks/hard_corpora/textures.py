"""Patterned surfaces, each drawn from parameters of its own."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from pimmi.demo.raster import Image, resize

Field = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Painter = Callable[[Field, Field, np.random.Generator], Field]

OVERSAMPLING = 2
LEAST_CONTRAST = 60
"""Between the lightest and the darkest colour of a texture, in levels of grey."""


def _palette(rng: np.random.Generator, *, colours: int) -> Field:
    """Colours of shape (colours, 3), from 0 to 255."""
    while True:
        palette = rng.uniform(0, 255, (colours, 3))
        if np.ptp(palette.mean(axis=1)) >= LEAST_CONTRAST:
            return palette


def _coloured(palette: Field, numbers: Numbers) -> Field:
    """The colour of each number: shape (height, width, 3) from (height, width)."""
    coloured: Field = palette[numbers]
    return coloured


def _bands(along: Field, rng: np.random.Generator, *, colours: int, period: float) -> Numbers:
    """For each place, which of the bands of unequal widths it is in."""
    edges = np.sort(rng.uniform(0, period, colours - 1))
    return np.searchsorted(edges, along % period)


def stripes(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Bands of 2 to 7 colours and unequal widths, repeated."""
    del y
    colours = int(rng.integers(2, 8))
    bands = _bands(x, rng, colours=colours, period=rng.uniform(25, 160))
    return _coloured(_palette(rng, colours=colours), bands)


def tartan(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """The same bands across and down, mixed."""
    colours, period = int(rng.integers(2, 7)), float(rng.uniform(40, 160))
    palette, edges = _palette(rng, colours=colours), np.sort(rng.uniform(0, period, colours - 1))
    across, down = (_coloured(palette, np.searchsorted(edges, along % period)) for along in (x, y))
    return (across + down) / 2


def checks(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """A chequerboard of two colours, its fields square or not."""
    wide, high = rng.uniform(10, 70, 2)
    return _coloured(_palette(rng, colours=2), ((x // wide + y // high) % 2).astype(np.int64))


def dots(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Discs of one or two sizes and colours in rows, each second row shifted."""
    pitch, shift = float(rng.uniform(16, 80)), float(rng.choice((0.0, 0.5, rng.uniform(0.2, 0.4))))
    height = pitch * float(rng.uniform(0.7, 1.2))
    row = np.floor(y / height)
    column = x / pitch + shift * (row % 2)
    radii = rng.uniform(0.12, 0.42, 2)[((np.floor(column) + row) % 2).astype(np.int64)]
    distance = np.hypot((column % 1 - 0.5) * pitch, (y / height % 1 - 0.5) * height)
    palette = _palette(rng, colours=3)
    inside = 1 + ((np.floor(column) + row) % 2).astype(np.int64)
    return _coloured(palette, np.where(distance < radii * min(pitch, height), inside, 0))


def tiles(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """One random motif, mirrored left to right and top to bottom, on each tile."""
    side, colours, grid = float(rng.uniform(40, 140)), int(rng.integers(2, 5)), int(rng.integers(4, 9))
    motif = cv2.resize(rng.uniform(0, 1, (grid, grid)), (64, 64), interpolation=cv2.INTER_CUBIC)
    ranks = np.digitize(motif, np.quantile(motif, np.arange(1, colours) / colours))
    places = [(64 * np.abs(along / side % 1 * 2 - 1)).astype(np.int64).clip(0, 63) for along in (x, y)]
    return _coloured(_palette(rng, colours=colours), ranks[places[1], places[0]])


def bricks(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Courses of bricks, each second one shifted, the bricks of many shades, between lines of mortar."""
    wide, high = float(rng.uniform(40, 130)), float(rng.uniform(16, 55))
    mortar, shift = float(rng.uniform(2, 7)), float(rng.choice((0.5, 0.33, 0.25)))
    course = np.floor(y / high).astype(np.int64)
    along = x / wide + shift * (course % 2)
    shades = rng.normal(0, rng.uniform(4, 30), (64, 64))[course % 64, np.floor(along).astype(np.int64) % 64]
    palette = _palette(rng, colours=2)
    joint = (along % 1 * wide < mortar) | (y % high < mortar)
    return np.asarray(np.where(joint[..., None], palette[0], palette[1] + shades[..., None]))


def weave(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Threads over and under each other, each of a shade of its own."""
    pitch, turn = float(rng.uniform(8, 30)), int(rng.integers(1, 4))
    column, row = (np.floor(along / pitch).astype(np.int64) for along in (x, y))
    over = (column + row * turn) % (turn + 1) == 0
    palette, shade = _palette(rng, colours=2), float(rng.uniform(5, 25))
    warp = palette[0] + rng.normal(0, shade, 512)[column % 512, None]
    weft = palette[1] + rng.normal(0, shade, 512)[row % 512, None]
    light = 1 - 0.5 * np.abs(np.where(over, x, y) / pitch % 1 * 2 - 1) ** 2
    return np.asarray(np.where(over[..., None], warp, weft) * light[..., None])


def grating(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """One to three waves across each other, between two colours."""
    waves = int(rng.integers(1, 4))
    angles, periods = rng.uniform(0, np.pi, waves), rng.uniform(10, 90, waves)
    total = sum(
        np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
        for angle, period in zip(angles, periods, strict=True)
    )
    level = (total / waves + 1) / 2
    dark, light = _palette(rng, colours=2)
    return np.asarray(dark + (light - dark) * level[..., None])


def cloth(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Noise that is smoothed more along one direction than across it."""
    del y
    across, along = rng.uniform(0.8, 3), rng.uniform(3, 40)
    noise = cv2.GaussianBlur(rng.standard_normal(x.shape), (0, 0), sigmaX=along, sigmaY=across)
    level = np.clip(noise / noise.std() / 4 + 0.5, 0, 1)
    dark, light = _palette(rng, colours=2)
    return np.asarray(dark + (light - dark) * level[..., None])


TEXTURES: tuple[Painter, ...] = (stripes, tartan, checks, dots, tiles, bricks, weave, grating, cloth)


def make_texture(rng: np.random.Generator, *, kind: int) -> Image:
    """A texture of that kind of `TEXTURES`, of 320 to 640 pixels a side, turned by any angle, with some grain."""
    width, height = (int(side) for side in rng.integers(320, 641, 2))
    y, x = np.mgrid[0 : height * OVERSAMPLING, 0 : width * OVERSAMPLING] / OVERSAMPLING
    angle = float(rng.choice((0.0, rng.uniform(0, np.pi))))
    shift = rng.uniform(0, 1000, 2)
    across = x * np.cos(angle) + y * np.sin(angle) + shift[0]
    down = y * np.cos(angle) - x * np.sin(angle) + shift[1]
    painted = TEXTURES[kind](across, down, rng).clip(0, 255).astype(np.uint8)
    small = resize(painted, width=width, height=height)
    grain = rng.standard_normal((height, width, 1)) * rng.uniform(0, 8)
    return np.asarray((small + grain).clip(0, 255).round().astype(np.uint8))
