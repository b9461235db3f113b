"""The pictures of some folders of which none looks like another, for corpora of tens of thousands of images."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from re import split

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from pimmi.demo.raster import Image, resize
from pimmi.errors import PimmiError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
SHORTEST = 100
"""Pictures with a shorter side, in pixels, are left out."""
HASH_SIDE = 16
HASH_WORDS = HASH_SIDE**2 // 64
HASH_DISTANCE = 26
"""Of two pictures whose difference hashes differ in at most as many of their 256 bits, one is left out."""
DECODED_SIDE = 64
BLOCK = 128

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A file of a pool: the name of the pool's folder, the file's path below it, and its size in pixels."""

    pool: str
    inside: str
    path: Path
    width: int
    height: int

    @property
    def name(self) -> str:
        """The pool and the path below it, with `/` between."""
        return f"{self.pool}/{self.inside}"

    @property
    def is_jpeg(self) -> bool:
        """Whether the file's name says so."""
        return self.path.suffix.lower() in {".jpg", ".jpeg"}


def find_pictures(
    folders: Sequence[Path],
    *,
    known: Path,
    apart_from: Sequence[Path] = (),
    left_out: Sequence[str] = (),
    variants: Sequence[str] = (),
) -> list[Picture]:
    """The pictures of the folders, at any depth, sorted by name, of which none looks like another.

    Left out are pictures that can't be read or are small; whose `Picture.name` matches a pattern of
    `left_out`; that look like an earlier one or like a file of the folders `apart_from`; and of those that
    match the same pattern of `variants`, all but the first whose file name begins with the same word.
    `known` is a CSV that keeps what was read of each file for the next time.

    Raises:
        PimmiError: if there is no such folder.
    """
    for folder in (*folders, *apart_from):
        if not folder.is_dir():
            raise PimmiError(f"There is no folder {folder}.")
    reader = _Reader(known)
    others = [
        found for folder in apart_from for path in _files(folder) if (found := reader.read(path)) is not None
    ]
    pictures, hashes = [], [found.hash for found in others]
    for picture, found in _read(folders, reader=reader, left_out=left_out, variants=variants):
        pictures.append(picture)
        hashes.append(found.hash)
    reader.save()
    alike = looks_like_earlier(np.array(hashes, np.uint64).reshape(-1, HASH_WORDS))[len(others) :]
    return [picture for picture, repeated in zip(pictures, alike, strict=True) if not repeated]


def difference_hash(image: Image) -> Hashes:
    """uint64 (4,): of a grid of 16 x 16, whether each place is brighter than its neighbour to the right."""
    small = cv2.cvtColor(resize(image, width=HASH_SIDE + 1, height=HASH_SIDE), cv2.COLOR_RGB2GRAY)
    return np.packbits(small[:, :-1] > small[:, 1:]).view(np.uint64)


def looks_like_earlier(hashes: Hashes) -> NDArray[np.bool_]:
    """bool (n,), of hashes uint64 (n, 4): whether an earlier one differs in few bits."""
    alike = np.zeros(len(hashes), bool)
    for start in range(0, len(hashes), BLOCK):
        stop = min(start + BLOCK, len(hashes))
        distances = np.zeros((stop - start, stop), np.uint16)
        for word in range(HASH_WORDS):
            distances += np.bitwise_count(hashes[start:stop, None, word] ^ hashes[None, :stop, word])
        earlier = np.arange(stop) < np.arange(start, stop)[:, None]
        alike[start:stop] = ((distances <= HASH_DISTANCE) & earlier).any(axis=1)
    return alike


@dataclass(frozen=True, slots=True)
class _Found:
    width: int
    height: int
    hash: Hashes


class _Reader:
    """Reads the size and the hash of files, and remembers them by path, size and time of change."""

    def __init__(self, known: Path) -> None:
        self._path = known
        self._rows: dict[tuple[str, str, str], tuple[str, str, str]] = {}
        if known.exists():
            with known.open(newline="", encoding="utf-8") as file:
                for name, size, changed, *about in csv.reader(file):
                    self._rows[name, size, changed] = (about[0], about[1], about[2])

    def read(self, path: Path) -> _Found | None:
        """None for a file that can't be read."""
        about = path.stat()
        key = (str(path.absolute()), str(about.st_size), str(about.st_mtime_ns))
        if key not in self._rows:
            found = _look_at(path)
            self._rows[key] = (
                ("0", "0", "")
                if found is None
                else (str(found.width), str(found.height), found.hash.tobytes().hex())
            )
        width, height, bits = self._rows[key]
        return (
            _Found(int(width), int(height), np.frombuffer(bytes.fromhex(bits), np.uint64)) if bits else None
        )

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerows((*key, *about) for key, about in sorted(self._rows.items()) if key[1].isdigit())


def _look_at(path: Path) -> _Found | None:
    try:
        with PillowImage.open(path) as picture:
            width, height = picture.size
            picture.draft("RGB", (DECODED_SIDE, DECODED_SIDE))
            if picture.has_transparency_data:
                canvas = PillowImage.new("RGBA", picture.size, "white")
                canvas.alpha_composite(picture.convert("RGBA"))
                image = np.asarray(canvas.convert("RGB"))
            else:
                image = np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError):
        return None
    return _Found(width, height, difference_hash(image))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _read(
    folders: Sequence[Path], *, reader: _Reader, left_out: Sequence[str], variants: Sequence[str]
) -> Iterator[tuple[Picture, _Found]]:
    """The pictures by name, with what was read of each."""
    by_name = {
        f"{folder.absolute().name}/{path.relative_to(folder).as_posix()}": (folder, path)
        for folder in folders
        for path in _files(folder)
    }
    first_words: set[tuple[str, str]] = set()
    for name, (folder, path) in sorted(by_name.items()):
        if any(fnmatch(name, pattern) for pattern in left_out):
            continue
        word = split(r"[-_. ]", path.stem.lower())[0]
        of = [(pattern, word) for pattern in variants if fnmatch(name, pattern)]
        if not first_words.isdisjoint(of):
            continue
        found = reader.read(path)
        if found is None or min(found.width, found.height) < SHORTEST:
            continue
        first_words.update(of)
        picture = Picture(
            pool=folder.absolute().name,
            inside=path.relative_to(folder).as_posix(),
            path=path,
            width=found.width,
            height=found.height,
        )
        yield picture, found
