"""Writing a corpus with known copies: `images/` and `truth.csv`."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from pimmi.demo.families import FAMILIES, Family
from pimmi.demo.raster import Image, decode
from pimmi.errors import PimmiError
from pimmi.evaluation import TRUTH_COLUMNS


@dataclass(frozen=True, kw_only=True)
class Source:
    """A picture to put into a corpus: its id, how its file's name ends, and how to get the file's bytes."""

    id: str
    suffix: str
    read: Callable[[], bytes]


def file_source(path: Path) -> Source:
    """A file as it is; its id is its name without the ending."""
    return Source(id=path.stem, suffix=path.suffix.lower(), read=path.read_bytes)


def _decoded(source: Source) -> Image:
    return decode(source.read())


def _digest(*parts: object) -> bytes:
    return blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()


def _generator(*parts: object) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(_digest(*parts)))


def write_corpus(
    directory: Path,
    *,
    originals: Sequence[Source],
    distractors: Sequence[Source],
    copies: int = 1,
    seed: int = 0,
    families: Sequence[Family] = FAMILIES,
) -> Path:
    """Write originals, copies of each for each family, and distractors; return the path of the truth table.

    Every file name is a hash, so that it doesn't tell what the file is. The random draw of a copy depends on
    the seed, the original's id, the family's name and the repetition only (and, for a composite, on which
    originals there are). The columns of the truth are path (the file's name), origins (ids with ';' between),
    attack (the family) and kind (original, copy or distractor).

    Raises:
        PimmiError: if the directory can't be made or holds a corpus already, two sources have one id, or
            composites lack a second original.
    """
    images = directory / "images"
    if images.exists() and any(images.iterdir()):
        raise PimmiError(f"{images} is not empty: choose another directory, or empty it first.")
    ids = [source.id for source in (*originals, *distractors)]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise PimmiError(f"Two pictures have the same name, {twice}: rename one of them.")
    if len(originals) == 1 and any(family.is_composite for family in families):
        raise PimmiError("One original is not enough to make composites: give two or more.")
    try:
        images.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PimmiError(f"The folder {images} can't be made: {error.strerror}.") from error
    pictures = {source.id: cache(partial(_decoded, source)) for source in originals}
    rows: list[tuple[str, str, str, str]] = []

    def write(
        data: bytes, suffix: str, *, origins: str, attack: str, kind: str, key: tuple[object, ...]
    ) -> None:
        name = f"{_digest(seed, kind, *key).hex()[:12]}{suffix}"
        (images / name).write_bytes(data)
        rows.append((name, origins, attack, kind))

    for source in originals:
        write(source.read(), source.suffix, origins=source.id, attack="", kind="original", key=(source.id,))
        for family in families:
            for repetition in range(copies):
                data, origins = _copy(
                    source, family, repetition, originals=originals, pictures=pictures, seed=seed
                )
                key = (source.id, family.name, repetition)
                write(data, ".jpg", origins=";".join(origins), attack=family.name, kind="copy", key=key)
    for source in distractors:
        write(source.read(), source.suffix, origins="", attack="", kind="distractor", key=(source.id,))
    truth = directory / "truth.csv"
    with truth.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(TRUTH_COLUMNS)
        table.writerows(sorted(rows))
    return truth


def _copy(
    source: Source,
    family: Family,
    repetition: int,
    *,
    originals: Sequence[Source],
    pictures: Mapping[str, Callable[[], Image]],
    seed: int,
) -> tuple[bytes, tuple[str, ...]]:
    """The file of one copy, and the ids of the originals it shows."""
    rng = _generator(seed, source.id, family.name, repetition)
    image = pictures[source.id]()
    if not family.is_composite:
        return family.copy(image, rng), (source.id,)
    others = sorted(original.id for original in originals if original.id != source.id)
    other = others[int(rng.integers(len(others)))]
    return family.copy(image, rng, other=pictures[other]()), (source.id, other)
