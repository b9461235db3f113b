"""Pages of text in a made-up language."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from hard_corpora.lettering import font, sentence, wrap
from pimmi.demo.raster import Image

FONTS = (
    ("STIXGeneral", "STIXGeneralBol"),
    ("DejaVuSerif", "DejaVuSerif-Bold"),
    ("DejaVuSans", "DejaVuSans-Bold"),
    ("cmr10", "cmb10"),
    ("DejaVuSansMono", "DejaVuSansMono-Bold"),
)
"""Of the text and of its titles."""
SHEET = 700, 990
PAPERS = ((255, 255, 255), (252, 249, 240), (244, 244, 244))


@dataclass(frozen=True, kw_only=True)
class PageStyle:
    """Fonts and layout; lengths in pixels."""

    text_font: str
    title_font: str
    size: int
    line_height: int
    margin: int
    columns: int
    indent: int
    paper: tuple[int, int, int]


def draw_style(rng: np.random.Generator) -> PageStyle:
    """A style at random."""
    text_font, title_font = FONTS[int(rng.integers(len(FONTS)))]
    size = int(rng.integers(13, 20))
    return PageStyle(
        text_font=text_font,
        title_font=title_font,
        size=size,
        line_height=round(size * float(rng.uniform(1.2, 1.55))),
        margin=int(rng.integers(40, 90)),
        columns=int(rng.integers(1, 3)),
        indent=int(rng.integers(0, 30)),
        paper=PAPERS[int(rng.integers(len(PAPERS)))],
    )


def make_page(rng: np.random.Generator, *, style: PageStyle) -> Image:
    """A title and paragraphs down to the foot of the sheet."""
    width, height = SHEET
    sheet = PillowImage.new("RGB", SHEET, style.paper)
    draw = ImageDraw.Draw(sheet)
    title_font, text_font = font(style.title_font, 1.6 * style.size), font(style.text_font, style.size)
    y = style.margin
    title = sentence(rng, words=int(rng.integers(3, 9))).rstrip(".")
    for line in wrap(title, font=title_font, width=width - 2 * style.margin):
        draw.text((style.margin, y), line, fill="black", font=title_font)
        y += 2 * style.size
    top = y + style.size
    gap = 2 * style.size
    column_width = (width - 2 * style.margin - (style.columns - 1) * gap) // style.columns
    for column in range(style.columns):
        x = style.margin + column * (column_width + gap)
        lines = _lines(rng, style=style, width=column_width)
        for y in range(top, height - style.margin - style.line_height, style.line_height):
            indent, line = next(lines)
            draw.text((x + indent, y), line, fill=(20, 20, 20), font=text_font)
    return np.asarray(sheet)


def _lines(rng: np.random.Generator, *, style: PageStyle, width: int) -> Iterator[tuple[int, str]]:
    """Lines of paragraphs without end, each with its indent."""
    text_font = font(style.text_font, style.size)
    while True:
        sentences = int(rng.integers(2, 7))
        paragraph = " ".join(sentence(rng, words=int(rng.integers(5, 22))) for _ in range(sentences))
        for number, line in enumerate(wrap(paragraph, font=text_font, width=width - style.indent)):
            yield (0 if number else style.indent), line
