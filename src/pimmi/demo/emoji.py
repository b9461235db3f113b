"""Eight emoji, drawn large once with their edges smooth, and pasted at any size."""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageDraw

from pimmi.demo.lettering import font

SIDE = 256
OVERSAMPLING = 4
CANVAS = SIDE * OVERSAMPLING
Drawer = Callable[[ImageDraw.ImageDraw], None]

BROWN = (92, 51, 12)
TEAR = (64, 160, 240)
YELLOW = ((255, 226, 92), (240, 158, 22))
RED = ((250, 120, 70), (205, 30, 30))
PINK = ((255, 224, 205), (238, 176, 150))
Gradient = tuple[tuple[int, int, int], tuple[int, int, int]]


def _box(x: float, y: float, half_width: float, half_height: float) -> list[float]:
    """A bounding box in pixels of the canvas from a centre and half sizes in shares of the canvas."""
    return [
        (x - half_width) * CANVAS,
        (y - half_height) * CANVAS,
        (x + half_width) * CANVAS,
        (y + half_height) * CANVAS,
    ]


def _points(*shares: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * CANVAS, y * CANVAS) for x, y in shares]


def _disc(colours: Gradient) -> PillowImage.Image:
    """A face: a disc lit from the upper left, with a darker rim."""
    y, x = np.mgrid[0:CANVAS, 0:CANVAS] / CANVAS
    depth = np.clip(np.hypot(x - 0.38, y - 0.32) / 0.72, 0, 1)[..., None]
    inner, outer = np.array(colours, dtype=np.float64)
    pixels = inner + (outer - inner) * depth**1.5
    radius = np.hypot(x - 0.5, y - 0.5)
    pixels[radius > 0.465] *= 0.82
    alpha = np.where(radius < 0.49, 255, 0)
    return PillowImage.fromarray(np.dstack([pixels, alpha]).round().astype(np.uint8))


def _heart(draw: ImageDraw.ImageDraw, x: float, y: float, size: float, fill: tuple[int, int, int]) -> None:
    angles = np.linspace(0, 2 * np.pi, 200)
    across = 16 * np.sin(angles) ** 3 / 17
    down = -(13 * np.cos(angles) - 5 * np.cos(2 * angles) - 2 * np.cos(3 * angles) - np.cos(4 * angles)) / 17
    draw.polygon(_points(*zip(x + size * across, y + size * down, strict=True)), fill=fill)


def _tear(draw: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    draw.polygon(_points((x, y - 2 * size), (x - 0.9 * size, y), (x + 0.9 * size, y)), fill=TEAR)
    draw.ellipse(_box(x, y, size, size), fill=TEAR)
    draw.ellipse(_box(x - 0.3 * size, y, 0.25 * size, 0.4 * size), fill=(190, 226, 255))


def _laughing(draw: ImageDraw.ImageDraw) -> None:
    for x in (0.32, 0.68):
        draw.arc(_box(x, 0.42, 0.11, 0.10), 190, 350, fill=BROWN, width=CANVAS // 26)
    draw.chord(_box(0.5, 0.56, 0.29, 0.29), 0, 180, fill=BROWN)
    draw.rectangle(_box(0.5, 0.59, 0.26, 0.032), fill=(255, 255, 255))
    draw.ellipse(_box(0.5, 0.78, 0.15, 0.055), fill=(235, 80, 90))
    _tear(draw, 0.11, 0.60, 0.085)
    _tear(draw, 0.89, 0.60, 0.085)


def _in_love(draw: ImageDraw.ImageDraw) -> None:
    for x in (0.29, 0.71):
        _heart(draw, x, 0.36, 0.16, (222, 30, 60))
        draw.ellipse(_box(x - 0.06, 0.30, 0.025, 0.035), fill=(255, 150, 165))
    draw.chord(_box(0.5, 0.60, 0.24, 0.24), 0, 180, fill=BROWN)
    draw.chord(_box(0.5, 0.78, 0.15, 0.09), 180, 360, fill=(235, 80, 90))


def _sobbing(draw: ImageDraw.ImageDraw) -> None:
    for x in (0.30, 0.70):
        draw.rounded_rectangle(_box(x, 0.68, 0.075, 0.27), radius=CANVAS * 0.06, fill=TEAR)
        draw.rectangle(_box(x - 0.03, 0.68, 0.012, 0.22), fill=(190, 226, 255))
        draw.arc(_box(x, 0.36, 0.11, 0.08), 20, 160, fill=BROWN, width=CANVAS // 26)
    draw.line(_points((0.16, 0.27), (0.36, 0.20)), fill=BROWN, width=CANVAS // 30)
    draw.line(_points((0.84, 0.27), (0.64, 0.20)), fill=BROWN, width=CANVAS // 30)
    draw.ellipse(_box(0.5, 0.70, 0.10, 0.14), fill=BROWN)
    draw.ellipse(_box(0.5, 0.79, 0.065, 0.045), fill=(235, 80, 90))


def _angry(draw: ImageDraw.ImageDraw) -> None:
    dark = (80, 8, 8)
    for side in (-1, 1):
        x = 0.5 + side * 0.20
        draw.ellipse(_box(x, 0.48, 0.07, 0.085), fill=(255, 255, 255))
        draw.ellipse(_box(x - side * 0.02, 0.49, 0.035, 0.045), fill=dark)
        draw.line(
            _points((0.5 + side * 0.06, 0.42), (0.5 + side * 0.34, 0.28)), fill=dark, width=CANVAS // 20
        )
    draw.arc(_box(0.5, 0.82, 0.20, 0.15), 195, 345, fill=dark, width=CANVAS // 18)
    for x, y in ((0.80, 0.20), (0.86, 0.26)):
        draw.line(_points((x - 0.09, y), (x, y - 0.09)), fill=(255, 240, 220), width=CANVAS // 45)


def _cool(draw: ImageDraw.ImageDraw) -> None:
    black = (24, 24, 34)
    draw.rectangle(_box(0.5, 0.33, 0.44, 0.035), fill=black)
    for x in (0.29, 0.71):
        draw.rounded_rectangle(_box(x, 0.41, 0.17, 0.11), radius=CANVAS * 0.07, fill=black)
        draw.polygon(
            _points((x - 0.10, 0.33), (x - 0.03, 0.33), (x - 0.10, 0.48), (x - 0.14, 0.46)),
            fill=(110, 120, 150),
        )
    draw.arc(_box(0.52, 0.62, 0.24, 0.17), 15, 150, fill=BROWN, width=CANVAS // 22)


def _clown(draw: ImageDraw.ImageDraw) -> None:
    for x in (0.10, 0.90):
        for step, y in enumerate((0.22, 0.36, 0.50)):
            draw.ellipse(_box(x, y, 0.095, 0.095), fill=((220, 40, 50), (240, 80, 60))[step % 2])
    for x, colour in ((0.33, (60, 130, 220)), (0.67, (60, 170, 90))):
        draw.polygon(_points((x, 0.18), (x - 0.10, 0.38), (x, 0.52), (x + 0.10, 0.38)), fill=colour)
        draw.ellipse(_box(x, 0.38, 0.055, 0.07), fill=(255, 255, 255))
        draw.ellipse(_box(x, 0.39, 0.03, 0.04), fill=(20, 20, 20))
    draw.chord(_box(0.5, 0.66, 0.30, 0.22), 0, 180, fill=(210, 30, 45))
    draw.chord(_box(0.5, 0.67, 0.22, 0.13), 0, 180, fill=(255, 255, 255))
    draw.ellipse(_box(0.5, 0.56, 0.095, 0.095), fill=(230, 30, 40))
    draw.ellipse(_box(0.47, 0.52, 0.03, 0.025), fill=(255, 170, 170))


def _fire(draw: ImageDraw.ImageDraw) -> None:
    flames = (
        (1.0, (232, 60, 20)),
        (0.78, (250, 120, 20)),
        (0.55, (255, 190, 40)),
        (0.30, (255, 242, 170)),
    )
    outline = (
        (0.50, 0.02), (0.60, 0.18), (0.68, 0.34), (0.76, 0.26), (0.86, 0.46), (0.89, 0.66), (0.80, 0.86),
        (0.62, 0.97), (0.40, 0.97), (0.20, 0.87), (0.11, 0.68), (0.15, 0.48), (0.25, 0.36), (0.30, 0.46),
        (0.38, 0.30),
    )  # fmt: skip
    for size, colour in flames:
        draw.polygon(
            _points(*((0.5 + (x - 0.5) * size, 0.96 - (0.96 - y) * size) for x, y in outline)), colour
        )


def _hundred(draw: ImageDraw.ImageDraw) -> None:
    red = (214, 24, 44)
    draw.text(
        (CANVAS * 0.5, CANVAS * 0.40),
        "100",
        fill=red,
        font=font(CANVAS * 0.48),
        anchor="mm",
        stroke_width=CANVAS // 40,
        stroke_fill=(130, 8, 24),
    )
    draw.line(_points((0.10, 0.76), (0.88, 0.64)), fill=red, width=CANVAS // 14)
    draw.line(_points((0.24, 0.92), (0.80, 0.81)), fill=red, width=CANVAS // 16)


EMOJI: tuple[tuple[Gradient | None, Drawer], ...] = (
    (YELLOW, _laughing),
    (YELLOW, _in_love),
    (YELLOW, _sobbing),
    (RED, _angry),
    (YELLOW, _cool),
    (PINK, _clown),
    (None, _fire),
    (None, _hundred),
)


@cache
def _drawn(number: int) -> PillowImage.Image:
    gradient, draw_features = EMOJI[number]
    canvas = _disc(gradient) if gradient else PillowImage.new("RGBA", (CANVAS, CANVAS))
    draw_features(ImageDraw.Draw(canvas))
    return canvas.resize((SIDE, SIDE), PillowImage.Resampling.BOX)


def emoji(number: int, *, side: int) -> npt.NDArray[np.uint8]:
    """The emoji of that number (0 to 7) as RGBA uint8 of shape (side, side, 4)."""
    return np.asarray(_drawn(number).resize((side, side), PillowImage.Resampling.LANCZOS))
