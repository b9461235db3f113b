"""Pairs of pictures, copies of each, and images that show both."""

from collections.abc import Iterator

import numpy as np

from hard_corpora.frames import MILD_CHANGES
from hard_corpora.pictures import Picture
from hard_corpora.writing import CorpusWriter
from pimmi.demo.composites import make_collage, put_in_picture
from pimmi.demo.raster import Image

INNER_WIDTHS = 0.35, 0.50
"""Least and greatest width of the inner picture, as a share of the outer one's."""


def picture_in_picture(inner: Image, outer: Image, rng: np.random.Generator) -> Image:
    """The one on the other, at a width and place drawn at random; smaller where it would be too high."""
    factor = float(rng.uniform(*INNER_WIDTHS)) * outer.shape[1] / inner.shape[1]
    share_of_long_side = factor * max(inner.shape[:2]) / max(outer.shape[:2])
    return put_in_picture(inner, outer, rng, share=share_of_long_side)


def write_composites(corpus: CorpusWriter, pictures: Iterator[Picture], *, pairs: int) -> None:
    """Two originals for each pair, two copies of each, a collage and a picture in a picture."""
    for _ in range(pairs):
        first, second = next(pictures), next(pictures)
        rng = corpus.generator(first.id, second.id)
        for picture in (first, second):
            corpus.add_original(picture.image, name=picture.id)
            for place in rng.permutation(len(MILD_CHANGES))[:2]:
                change = MILD_CHANGES[place]
                data = change.copy(picture.image, rng)
                corpus.add_copy(data, origins=(picture.id,), attack=change.name)
        both = (first.id, second.id)
        corpus.add_copy(make_collage(first.image, second.image, rng), origins=both, attack="collage")
        inner, outer = (first, second) if rng.integers(2) else (second, first)
        corpus.add_copy(
            picture_in_picture(inner.image, outer.image, rng), origins=both, attack="picture_in_picture"
        )
