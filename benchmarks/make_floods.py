"""Make a corpus with two floods: thousands of near-exact copies of one picture, hundreds of another.

    python benchmarks/make_floods.py --pool DIR [DIR ...] --out OUT

writes OUT/images and OUT/truth.csv: 5,000 copies of one picture and 500 of another, among 15,000 others that differ.
OUT/without holds the same corpus without the copies, for comparison. Copies are reduced or enlarged (50 to 150 %),
some are blurred a little, and all are saved again: as JPEG of quality 30 to 95, some as PNG or WebP.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage

from hard_corpora.writing import generator
from pimmi.demo.raster import Image, decode, scale
from pimmi.errors import PimmiError
from pimmi.evaluation import TRUTH_COLUMNS
from scale import add_pool_options
from scale_corpus import add_to_truth, link_or_copy, write_distractors, write_table
from scale_pool import Picture, find_pictures

FORMATS = {"jpg": 0.8, "webp": 0.1, "png": 0.1}
BLURRED = 0.3
BLUR_SIGMA = (0.3, 0.8)
SIZES = (0.5, 1.5)
QUALITIES = (30, 95)
FLOODED_SIDES = (300, 600)
"""The shorter and the longer side of a picture that is flooded are between these, in pixels."""


def near_copy(image: Image, rng: np.random.Generator) -> tuple[bytes, str]:
    """A file that shows the same, and how its name ends."""
    copy = scale(image, float(np.exp(rng.uniform(*np.log(SIZES)))))
    if rng.random() < BLURRED:
        copy = np.asarray(cv2.GaussianBlur(copy, (0, 0), float(rng.uniform(*BLUR_SIGMA))), np.uint8)
    quality = int(rng.integers(QUALITIES[0], QUALITIES[1] + 1))
    suffix = str(rng.choice(list(FORMATS), p=list(FORMATS.values())))
    name, options = {
        "jpg": ("JPEG", {"quality": quality}),
        "webp": ("WEBP", {"quality": quality}),
        "png": ("PNG", {"compress_level": 1}),
    }[suffix]
    buffer = io.BytesIO()
    PillowImage.fromarray(copy).save(buffer, name, **options)
    return buffer.getvalue(), suffix


def make_floods(
    directory: Path, *, pictures: Sequence[Picture], copies: Sequence[int], others: int, seed: int
) -> None:
    """Write both corpora: a flood of each of the numbers of copies, and as many other pictures.

    Raises:
        PimmiError: if the pictures are too few, or the folder holds a corpus already.
    """
    flooded = chosen(pictures, count=len(copies), seed=seed)
    for corpus in (directory, directory / "without"):
        images = corpus / "images"
        if images.exists() and any(images.iterdir()):
            raise PimmiError(f"{images} is not empty: choose another folder, or empty it first.")
        images.mkdir(parents=True, exist_ok=True)
    for corpus, numbers in ((directory, copies), (directory / "without", [0] * len(copies))):
        rows: list[tuple[str, str, str, str]] = []
        for flood, (picture, number) in enumerate(zip(flooded, numbers, strict=True)):
            rows += write_flood(corpus / "images", picture, name=f"flood-{flood}", copies=number, seed=seed)
        write_table(corpus / "truth.csv", TRUTH_COLUMNS, rows)
        names = {picture.name for picture in flooded}
        rest = [picture for picture in pictures if picture.name not in names]
        distractors = list(write_distractors(corpus / "images", rest, count=others, seed=seed))
        add_to_truth(corpus / "truth.csv", distractors)


def chosen(pictures: Sequence[Picture], *, count: int, seed: int) -> list[Picture]:
    """Photographs or posters of middling size, which the seed and the names alone decide."""
    low, high = FLOODED_SIDES
    fit = [
        picture
        for picture in pictures
        if picture.is_jpeg
        and min(picture.width, picture.height) >= low
        and max(picture.width, picture.height) <= high
    ]
    if len(fit) < count:
        raise PimmiError(
            f"{count} JPEG files with sides of {low} to {high} pixels are needed, but the pools hold {len(fit)}."
        )
    return [fit[place] for place in generator(seed, "floods").permutation(len(fit))[:count]]


def write_flood(
    images: Path, picture: Picture, *, name: str, copies: int, seed: int
) -> list[tuple[str, str, str, str]]:
    """Write a picture and its copies, no two with the same bytes; returns the rows of the truth table."""
    original = f"{generator(seed, name).bytes(8).hex()}{picture.path.suffix.lower()}"
    link_or_copy(picture.path, images / original)
    rows = [(original, name, "", "original")]
    image = decode(picture.path.read_bytes())
    written: set[bytes] = set()
    for number in range(copies):
        rng = generator(seed, name, number)
        data, suffix = near_copy(image, rng)
        while data in written:
            data, suffix = near_copy(image, rng)
        written.add(data)
        file = f"{rng.bytes(8).hex()}.{suffix}"
        (images / file).write_bytes(data)
        rows.append((file, name, f"{name}_{suffix}", "copy"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a corpus with two floods of near-exact copies.")
    add_pool_options(parser)
    parser.add_argument("--copies", type=int, nargs="+", default=[5000, 500], help="of each flooded picture")
    parser.add_argument("--others", type=int, default=15_000, help="pictures that differ")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        pictures = find_pictures(
            arguments.pool,
            known=arguments.out / "pool.csv",
            left_out=arguments.leave_out,
            variants=arguments.variants,
        )
        make_floods(
            arguments.out,
            pictures=pictures,
            copies=arguments.copies,
            others=arguments.others,
            seed=arguments.seed,
        )
    except PimmiError as error:
        sys.exit(str(error))
    print(f"{arguments.out / 'truth.csv'}: {sum(arguments.copies)} copies, {arguments.others} others")


if __name__ == "__main__":
    main()
