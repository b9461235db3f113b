"""Corpora of any size: the same originals and copies in each, among as many other pictures as it takes."""

import csv
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from pimmi.demo.families import FAMILIES
from pimmi.demo.raster import Image, decode, encode_jpeg
from pimmi.demo.writing import Source, file_source, write_corpus
from pimmi.errors import PimmiError
from pimmi.evaluation import TRUTH_COLUMNS
from scale_pool import Picture

SOURCES_COLUMNS = ("path", "pool", "file", "part")
PART_SIDE = 150
"""Pictures are cut into quarters if no side of a quarter is shorter, in pixels."""
PART_QUALITY = 90
BLANK = 6.0
"""Quarters whose grey levels deviate less are left out: there is nothing on them."""


@dataclass(frozen=True, kw_only=True)
class Distractor:
    """A picture of a pool, whole or one of its quarters (1 to 4), and where its file was written."""

    picture: Picture
    part: int
    file: str


def drawn_originals(folder: Path, *, count: int, seed: int) -> list[Source]:
    """As many pictures of a folder, which the seed and the names alone decide.

    Raises:
        PimmiError: if the folder holds too few.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if len(paths) < count:
        raise PimmiError(f"{count} originals are needed, but {folder} holds {len(paths)}.")
    return [
        file_source(paths[place]) for place in np.random.default_rng(seed).permutation(len(paths))[:count]
    ]


def make_scale_corpus(
    directory: Path, *, size: int, originals: Sequence[Source], pictures: Sequence[Picture], seed: int
) -> Counter[tuple[str, bool]]:
    """Write `size` images: the originals, a copy of each for each family of change, and distractors.

    Distractors are whole pictures where there are enough; where not, some are cut into quarters that don't
    overlap. Whole pictures are hard links to the files of the pool where the disk allows it, else copies.
    `directory/truth.csv` says what each image is, `directory/sources.csv` where a distractor is from.
    Returns the number of distractors from each pool, and whether they are quarters.

    Raises:
        PimmiError: if the pictures are too few, or the folder holds a corpus already.
    """
    missing = size - len(originals) * (1 + len(FAMILIES))
    if missing < 0:
        raise PimmiError(
            f"{size} images are too few for {len(originals)} originals and their copies: ask for fewer originals."
        )
    truth = write_corpus(directory, originals=originals, distractors=[], seed=seed)
    distractors = list(write_distractors(directory / "images", pictures, count=missing, seed=seed))
    add_to_truth(truth, distractors)
    return Counter((found.picture.pool, found.part > 0) for found in distractors)


def write_distractors(
    images: Path, pictures: Sequence[Picture], *, count: int, seed: int
) -> Iterator[Distractor]:
    """Put as many of the pictures into a folder, in an order that the seed and their names alone decide.

    Raises:
        PimmiError: if they are too few even in quarters.
    """
    ordered = [pictures[place] for place in np.random.default_rng(seed).permutation(len(pictures))]
    yielded = 0
    cut: set[str] = set()
    for picture in ordered if count > len(ordered) else ():
        if yielded + len(ordered) - len(cut) >= count:
            break
        if picture.is_jpeg and min(picture.width, picture.height) >= 2 * PART_SIDE:
            cut.add(picture.name)
            for part, quarter in quarters(decode(picture.path.read_bytes())):
                file = f"{_hashed(seed, picture.name, part)}.jpg"
                (images / file).write_bytes(encode_jpeg(quarter, quality=PART_QUALITY))
                yielded += 1
                yield Distractor(picture=picture, part=part, file=file)
    for picture in [picture for picture in ordered if picture.name not in cut][: count - yielded]:
        file = f"{_hashed(seed, picture.name, 0)}{picture.path.suffix.lower()}"
        link_or_copy(picture.path, images / file)
        yielded += 1
        yield Distractor(picture=picture, part=0, file=file)
    if yielded < count:
        raise PimmiError(
            f"{count} pictures are needed, but the pools hold {yielded}, quarters counted: give more."
        )


def quarters(image: Image) -> Iterator[tuple[int, Image]]:
    """The four quarters of an image, numbered from 1, blank ones left out."""
    height, width = (side // 2 for side in image.shape[:2])
    for number in range(4):
        top, left = (number // 2) * height, (number % 2) * width
        quarter = image[top : top + height, left : left + width]
        if quarter.std() >= BLANK:
            yield number + 1, quarter


def link_or_copy(path: Path, target: Path) -> None:
    """A hard link; a copy where the disk allows none."""
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)


def add_to_truth(truth: Path, distractors: Sequence[Distractor]) -> None:
    """Add rows to the truth table, and write sources.csv beside it."""
    with truth.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    rows += [[found.file, "", "", "distractor"] for found in distractors]
    write_table(truth, TRUTH_COLUMNS, sorted(rows))
    write_table(
        truth.with_name("sources.csv"),
        SOURCES_COLUMNS,
        sorted(
            [found.file, found.picture.pool, found.picture.inside, str(found.part)] for found in distractors
        ),
    )


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(rows)


def read_pools(corpus: Path) -> Mapping[str, str]:
    """The pool of each distractor, by its file's name; empty for a corpus without sources.csv."""
    path = corpus / "sources.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["path"]: row["pool"] for row in csv.DictReader(file)}


def told(counts: Counter[tuple[str, bool]]) -> Iterator[str]:
    """How many distractors each pool gave, a line each."""
    for pool in sorted({pool for pool, _ in counts}):
        yield f"  {pool:48s}{counts[pool, False]:7d} whole{counts[pool, True]:7d} quarters"


def _hashed(*key: object) -> str:
    return blake2b("/".join(map(str, key)).encode(), digest_size=8).hexdigest()
