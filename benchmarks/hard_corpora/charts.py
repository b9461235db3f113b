"""Charts that have everything in common but their data."""

import io

import numpy as np
from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pimmi.demo.raster import Image

WIDTH, HEIGHT, DPI = 640, 480, 100
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SERIES = {"North": "tab:blue", "Centre": "tab:orange", "South": "tab:green"}


class ChartPainter:
    """One figure with a title, axes, a grid and a legend, in which the data change."""

    def __init__(self) -> None:
        with style.context("default"):
            self._figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
            self._axes = self._figure.subplots()
        self._axes.set(
            title="Visitors of the museums in 2019",
            xlabel="Month",
            ylabel="Visitors (thousands)",
            xlim=(-0.7, 11.7),
            ylim=(0, 100),
        )
        self._axes.set_xticks(range(12), MONTHS)
        self._axes.grid(alpha=0.4)
        handles = [Patch(color=colour, label=name) for name, colour in SERIES.items()]
        self._axes.legend(handles=handles, loc="upper right")

    def paint(self, rng: np.random.Generator) -> Image:
        """A chart with bars, lines or points."""
        draw = (self._bars, self._lines, self._points)[int(rng.integers(3))]
        drawn = [
            artist
            for place, colour in enumerate(SERIES.values())
            for artist in draw(rng, place=place, colour=colour)
        ]
        buffer = io.BytesIO()
        self._figure.savefig(buffer, format="rgba", dpi=DPI)
        for artist in drawn:
            artist.remove()
        pixels = np.frombuffer(buffer.getvalue(), dtype=np.uint8).reshape(HEIGHT, WIDTH, 4)
        return np.ascontiguousarray(pixels[..., :3])

    def _bars(self, rng: np.random.Generator, *, place: int, colour: str) -> list[Artist | Container]:
        heights = rng.uniform(4, 92, len(MONTHS))
        x = np.arange(len(MONTHS)) + 0.27 * (place - 1)
        return [self._axes.bar(x, heights, width=0.25, color=colour)]

    def _lines(self, rng: np.random.Generator, *, place: int, colour: str) -> list[Artist | Container]:
        del place
        steps = rng.normal(0, 9, 60).cumsum() + rng.uniform(20, 80)
        reflected = np.abs((steps - 5) % 180 - 90) + 5
        return list(self._axes.plot(np.linspace(0, 11, 60), reflected, color=colour, linewidth=1.8))

    def _points(self, rng: np.random.Generator, *, place: int, colour: str) -> list[Artist | Container]:
        del place
        x, y = rng.uniform(0, 11, 40), rng.uniform(5, 95) + rng.normal(0, rng.uniform(5, 25), 40)
        return [self._axes.scatter(x, y.clip(3, 97), color=colour, s=22)]
