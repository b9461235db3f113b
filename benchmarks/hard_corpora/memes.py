"""Templates with many captions each, and unrelated pictures with one and the same caption."""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from hard_corpora.lettering import FONTS, SANS_BOLD, font, sentence, wrap
from hard_corpora.pictures import Picture
from hard_corpora.writing import CorpusWriter
from pimmi.demo.dressing import CAPTIONS
from pimmi.demo.raster import Image, random_colour, resize

Captioner = Callable[[Image, str, ImageFont.FreeTypeFont, np.random.Generator], Image]

LINE_HEIGHT = 1.25
"""From one line of text to the next, as a multiple of the font's size."""
LETTERED_WIDTH = 500
LETTERED_SIZE = 40


def bar_above(image: Image, text: str, lettering: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Image:
    """Black text on a white bar above the picture, aligned to the left or centred."""
    return _with_bars(image, above=text, below="", lettering=lettering, centred=bool(rng.integers(2)))


def bar_below(image: Image, text: str, lettering: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Image:
    """The same below the picture."""
    return _with_bars(image, above="", below=text, lettering=lettering, centred=bool(rng.integers(2)))


def two_bars(image: Image, text: str, lettering: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Image:
    """The first half of the text above the picture, the second below."""
    del rng
    above, below = _halves(text)
    return _with_bars(image, above=above, below=below, lettering=lettering, centred=True)


def impact(image: Image, text: str, lettering: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Image:
    """White capitals with a black outline on the picture: at its top, and the second half at its bottom."""
    del rng
    above, below = _halves(text.upper())
    return _outlined(_outlined(image, above, lettering, place=0.0), below, lettering, place=1.0)


def impact_top(image: Image, text: str, lettering: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Image:
    """The same with all of the text at the top."""
    del rng
    return _outlined(image, text.upper(), lettering, place=0.0)


def words_on_picture(
    image: Image, text: str, lettering: ImageFont.FreeTypeFont, rng: np.random.Generator
) -> Image:
    """Outlined text of any colour, at any height of the picture."""
    fill = random_colour(rng)
    outline = (0, 0, 0) if sum(fill) > 380 else (255, 255, 255)
    return _outlined(image, text, lettering, place=float(rng.uniform()), fill=fill, outline=outline)


STYLES: tuple[Captioner, ...] = (bar_above, bar_below, two_bars, impact, impact_top, words_on_picture)


def _halves(text: str) -> tuple[str, str]:
    words = text.split()
    return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])


def _margin(image: Image) -> int:
    return int(0.04 * image.shape[1])


def _with_bars(
    image: Image, *, above: str, below: str, lettering: ImageFont.FreeTypeFont, centred: bool
) -> Image:
    bars = [
        _bar(text, lettering, width=image.shape[1], margin=_margin(image), centred=centred)
        for text in (above, below)
        if text
    ]
    return np.concatenate([bars[0], image, *bars[1:]] if above else [image, *bars])


def _bar(text: str, lettering: ImageFont.FreeTypeFont, *, width: int, margin: int, centred: bool) -> Image:
    lines = wrap(text, font=lettering, width=width - 2 * margin)
    step = LINE_HEIGHT * lettering.size
    bar = PillowImage.new("RGB", (width, round(len(lines) * step) + 2 * margin), "white")
    draw = ImageDraw.Draw(bar)
    for number, line in enumerate(lines):
        x = (width - lettering.getlength(line)) / 2 if centred else margin
        draw.text((x, margin + number * step), line, fill="black", font=lettering)
    return np.asarray(bar)


def _outlined(
    image: Image,
    text: str,
    lettering: ImageFont.FreeTypeFont,
    *,
    place: float,
    fill: tuple[int, int, int] = (255, 255, 255),
    outline: tuple[int, int, int] = (0, 0, 0),
) -> Image:
    """Centred text; `place` goes from 0 at the top to 1 at the bottom."""
    height, width = image.shape[:2]
    margin = _margin(image)
    lines = wrap(text, font=lettering, width=width - 2 * margin)
    step = LINE_HEIGHT * lettering.size
    top = margin + place * max(0.0, height - 2 * margin - len(lines) * step)
    picture = PillowImage.fromarray(image)
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text(
            ((width - lettering.getlength(line)) / 2, top + number * step),
            line,
            fill=fill,
            font=lettering,
            stroke_width=max(1.0, lettering.size / 14),
            stroke_fill=outline,
        )
    return np.asarray(picture)


def write_memes(
    corpus: CorpusWriter, pictures: Iterator[Picture], *, templates: int, captions: int, lettered: int
) -> None:
    """`captions` images of each template, the first being the original, and `lettered` that share their text."""
    for _ in range(templates):
        template = next(pictures)
        for number in range(captions):
            rng = corpus.generator(template.id, "caption", number)
            style = STYLES[int(rng.integers(len(STYLES)))]
            lettering = font(
                FONTS[int(rng.integers(len(FONTS)))],
                max(12.0, round(template.image.shape[1] * float(rng.uniform(0.04, 0.085)))),
            )
            text = sentence(rng, words=int(rng.integers(5, 15)))
            captioned = style(template.image, text, lettering, rng)
            if number == 0:
                corpus.add_original(captioned, name=template.id)
            else:
                corpus.add_copy(captioned, origins=(template.id,), attack=style.__name__, number=number)
    for _ in range(lettered):
        picture = next(pictures)
        height, width = picture.image.shape[:2]
        resized = resize(picture.image, width=LETTERED_WIDTH, height=round(height * LETTERED_WIDTH / width))
        rng = corpus.generator(picture.id, "lettering")
        lettering = font(SANS_BOLD, LETTERED_SIZE)
        corpus.add_distractor(impact_top(resized, CAPTIONS[0], lettering, rng), name=picture.id)
