"""Unrelated pictures that share the screen of an app, or an emoji; some have true copies."""

from collections.abc import Iterator

import numpy as np
from PIL import Image as PillowImage

from hard_corpora.pictures import LONGEST, Picture
from hard_corpora.writing import CorpusWriter
from pimmi.demo.emoji import emoji
from pimmi.demo.families import FAMILIES, Alteration
from pimmi.demo.frames import phone
from pimmi.demo.raster import Image, decode, scale

MILD_CHANGES = tuple(family for family in FAMILIES if family.name in {"jpeg_q30", "scale_50", "crop_70"})
EMOJI = 0
"""Which emoji all carry."""
EMOJI_WIDTHS = 0.15, 0.40
"""Least and greatest width of the emoji, as a share of the picture's."""
PICTURE_WIDTHS = 0.55, 1.0
"""Least and greatest share of the screen's width that is for the picture."""
BEHIND = 240, 242, 245


def show_on_phone(image: Image, rng: np.random.Generator) -> Image:
    """The picture in an app, on a part of the screen's width drawn at random."""
    height, width = image.shape[:2]
    sides = round(width * (1 / rng.uniform(*PICTURE_WIDTHS) - 1) / 2)
    canvas = np.full((height, width + 2 * sides, 3), BEHIND, dtype=np.uint8)
    canvas[:, sides : sides + width] = image
    return phone(canvas)


def add_emoji(image: Image, rng: np.random.Generator) -> Image:
    """The emoji over the picture, at a place and size and turned by an angle drawn at random."""
    picture = PillowImage.fromarray(scale(image, LONGEST / max(image.shape[:2])))
    side = min(round(picture.width * rng.uniform(*EMOJI_WIDTHS)), round(0.7 * picture.height))
    turned = PillowImage.fromarray(emoji(EMOJI, side=side)).rotate(
        float(rng.uniform(0, 360)), resample=PillowImage.Resampling.BICUBIC
    )
    corner = (int(rng.integers(picture.width - side + 1)), int(rng.integers(picture.height - side + 1)))
    picture.paste(turned, corner, mask=turned)
    return np.asarray(picture)


def write_frames(
    corpus: CorpusWriter, pictures: Iterator[Picture], *, framed: int, with_emoji: int, families: int
) -> None:
    """`framed` pictures in an app and `with_emoji` others with the emoji.

    `families` of the former have two copies, and half as many of the latter.
    """
    for number in range(framed):
        _write_dressed(
            corpus, next(pictures), dress=show_on_phone, name="frame", with_copies=number < families
        )
    for number in range(with_emoji):
        _write_dressed(
            corpus, next(pictures), dress=add_emoji, name="emoji", with_copies=number < families // 2
        )


def _write_dressed(
    corpus: CorpusWriter, picture: Picture, *, dress: Alteration, name: str, with_copies: bool
) -> None:
    """The picture with its dress, and perhaps a copy of that and a changed picture with the dress put on anew."""
    rng = corpus.generator(picture.id, name)
    dressed = dress(picture.image, rng)
    if not with_copies:
        corpus.add_distractor(dressed, name=picture.id)
        return
    corpus.add_original(dressed, name=picture.id)
    of_all, of_picture = (MILD_CHANGES[place] for place in rng.permutation(len(MILD_CHANGES))[:2])
    corpus.add_copy(of_all.copy(dressed, rng), origins=(picture.id,), attack=f"{name}, {of_all.name}")
    changed = dress(decode(of_picture.copy(picture.image, rng)), rng)
    corpus.add_copy(changed, origins=(picture.id,), attack=f"{of_picture.name}, {name}")
