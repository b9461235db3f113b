"""A small corpus with known copies, made of pictures that are on the machine already."""

from functools import partial
from pathlib import Path

from pimmi.demo.pictures import ORIGINALS, OTHERS, load_picture
from pimmi.demo.raster import Image, encode_jpeg
from pimmi.demo.writing import Source, write_corpus

TILES = {"galaxies": 4, "grass": 3, "gravel": 3, "retina": 3}
"""How many crops a side are cut out of a picture of `OTHERS`; the rest are used whole."""


def make_demo_corpus(directory: Path, *, seed: int = 0) -> Path:
    """Write 560 images into `directory/images`, and what is known of them into `directory/truth.csv`.

    They are 16 originals, one copy of each in every family of change, and 48 distractors: other pictures,
    whole or in crops that don't overlap. The same seed gives the same bytes. Returns the path of truth.csv.

    Raises:
        PimmiError: if the packages that hold the pictures are missing, or `directory/images` is not empty.
    """
    originals = [_source(name, load_picture(name)) for name in ORIGINALS]
    distractors = [
        _source(f"{name}-{number}", tile)
        for name in OTHERS
        for number, tile in enumerate(tiles(load_picture(name), a_side=TILES.get(name, 1)))
    ]
    return write_corpus(directory, originals=originals, distractors=distractors, seed=seed)


def tiles(image: Image, *, a_side: int) -> list[Image]:
    """Cut into a_side x a_side crops of one size that don't overlap."""
    height, width = (side // a_side for side in image.shape[:2])
    return [
        image[row * height : (row + 1) * height, column * width : (column + 1) * width]
        for row in range(a_side)
        for column in range(a_side)
    ]


def _source(name: str, image: Image) -> Source:
    return Source(id=name, suffix=".jpg", read=partial(encode_jpeg, image, quality=95))
