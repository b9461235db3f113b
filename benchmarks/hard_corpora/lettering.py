"""Text in a made-up language, and the fonts that come inside matplotlib."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from PIL import ImageFont

from hard_corpora.writing import generator

SANS_BOLD = "DejaVuSans-Bold"
FONTS = (
    SANS_BOLD,
    "DejaVuSans",
    "DejaVuSerif-Bold",
    "DejaVuSerif",
    "DejaVuSansMono-Bold",
    "DejaVuSans-BoldOblique",
    "STIXGeneral",
    "STIXGeneralBol",
    "cmss10",
    "cmb10",
)
CONSONANTS = (
    "b",
    "br",
    "c",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "w",
)
VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
ENDINGS = ("", "", "l", "n", "r", "s", "t")
VOCABULARY = 4000


@cache
def font(name: str, size: float) -> ImageFont.FreeTypeFont:
    """One of `FONTS`; size in pixels."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(str(path), size)


@cache
def _vocabulary() -> tuple[list[str], npt.NDArray[np.float64]]:
    """Words, the frequent ones short, and the share of a text that each makes (Zipf's law)."""
    rng = generator("vocabulary")
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        syllables = 1 + int(rng.integers(0, 1 + min(3, len(words) // 60)))
        words["".join(str(rng.choice(part)) for part in (CONSONANTS, VOWELS, ENDINGS) * syllables)] = None
    weights = 1 / (np.arange(VOCABULARY) + 10)
    return list(words), weights / weights.sum()


def sentence(rng: np.random.Generator, *, words: int) -> str:
    """As many words, with a capital first and a full stop at the end."""
    vocabulary, shares = _vocabulary()
    text = " ".join(vocabulary[place] for place in rng.choice(VOCABULARY, size=words, p=shares))
    return f"{text[0].upper()}{text[1:]}."


def wrap(text: str, *, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Break into lines no wider than `width` pixels; a single longer word keeps a line of its own."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
