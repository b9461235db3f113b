"""Pictures out of folders, of which none is a copy of another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from hard_corpora.writing import generator
from pimmi.demo.raster import Image, decode, resize, scale
from pimmi.errors import PimmiError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
SHORTEST = 150
"""Pictures with a shorter side, in pixels, are left out."""
LONGEST = 640
"""Pictures with a longer side, in pixels, are reduced."""
HASH_DISTANCE = 10
"""Of two pictures whose difference hashes differ in at most as many of their 64 bits, one is left out."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture, and an id that its file's content decides."""

    id: str
    image: Image


def draw_pictures(
    folders: Sequence[Path], *, count: int, seed: int, left_out: Sequence[str] = ()
) -> Iterator[Picture]:
    """As many pictures of the folders, in an order that the seed and the paths alone decide.

    The folders take turns, and so do the subfolders inside each, so that kinds of pictures mix and each kind
    gives few. A picture is left out if its path matches a pattern of `left_out`, it is small, or it looks
    like an earlier one.

    Raises:
        PimmiError: if there is no such folder, or the folders hold too few pictures.
    """
    missing = count
    for picture in islice(_distinct(_paths(folders, seed=seed, left_out=left_out)), count):
        missing -= 1
        yield picture
    if missing:
        raise PimmiError(
            f"{count} pictures are needed, but the folders hold only {count - missing} that differ and are at "
            f"least {SHORTEST} pixels wide and high: give more folders or ask for less."
        )


def _paths(folders: Sequence[Path], *, seed: int, left_out: Sequence[str]) -> Iterator[Path]:
    """The files of the folders, which take turns."""
    for folder in folders:
        if not folder.is_dir():
            raise PimmiError(f"There is no folder {folder}.")
    return _in_turns([_in_turns(_by_subfolder(folder, seed=seed, left_out=left_out)) for folder in folders])


def _by_subfolder(folder: Path, *, seed: int, left_out: Sequence[str]) -> list[Iterator[Path]]:
    """The files of each subfolder, shuffled, the subfolders shuffled as well."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        wanted = path.suffix.lower() in SUFFIXES and path.is_file()
        if wanted and not any(fnmatch(inside.as_posix(), pattern) for pattern in left_out):
            found.setdefault(inside.parent.as_posix(), []).append(path)
    names = list(found)
    shuffled = [names[place] for place in generator(seed, folder.name).permutation(len(names))]
    return [
        iter([found[name][place] for place in generator(seed, name).permutation(len(found[name]))])
        for name in shuffled
    ]


def _in_turns(iterators: Sequence[Iterator[Path]]) -> Iterator[Path]:
    """One of each, again and again, until all are at their end."""
    running = list(iterators)
    while running:
        going_on = []
        for iterator in running:
            path = next(iterator, None)
            if path is not None:
                yield path
                going_on.append(iterator)
        running = going_on


def _distinct(paths: Iterator[Path]) -> Iterator[Picture]:
    """The pictures that can be read, are large enough and differ from those before."""
    hashes: list[int] = []
    for path in paths:
        data = path.read_bytes()
        try:
            image = decode(data)
        except OSError:
            continue
        if min(image.shape[:2]) < SHORTEST:
            continue
        if max(image.shape[:2]) > LONGEST:
            image = scale(image, LONGEST / max(image.shape[:2]))
        found = difference_hash(image)
        if all((found ^ other).bit_count() > HASH_DISTANCE for other in hashes):
            hashes.append(found)
            yield Picture(id=blake2b(data, digest_size=6).hexdigest(), image=image)


def difference_hash(image: Image) -> int:
    """64 bits: of an 8 x 8 grid, whether each place is brighter than its neighbour to the right."""
    small = cv2.cvtColor(resize(image, width=9, height=8), cv2.COLOR_RGB2GRAY)
    return int.from_bytes(np.packbits(small[:, :-1] > small[:, 1:]).tobytes())
