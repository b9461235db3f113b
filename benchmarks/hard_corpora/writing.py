"""Writing a corpus: `images/` with names that tell nothing, and `truth.csv`."""

import csv
from hashlib import blake2b
from pathlib import Path

import numpy as np

from pimmi.demo.raster import Image, encode_jpeg
from pimmi.errors import PimmiError
from pimmi.evaluation import TRUTH_COLUMNS


def _digest(*parts: object) -> bytes:
    return blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()


def generator(*parts: object) -> np.random.Generator:
    """A random generator that the parts alone decide."""
    return np.random.default_rng(int.from_bytes(_digest(*parts)))


class CorpusWriter:
    """Writes images one at a time, and the truth at the end.

    Every file name is a hash of the seed and of the image's key, and `generator` depends on the same.
    """

    def __init__(self, directory: Path, *, seed: int) -> None:
        """Make the folder.

        Raises:
            PimmiError: if it can't be made, or holds a corpus already.
        """
        self._directory = directory
        self._images = directory / "images"
        self._seed = seed
        self._rows: list[tuple[str, str, str, str]] = []
        if self._images.exists() and any(self._images.iterdir()):
            raise PimmiError(f"{self._images} is not empty: choose another directory, or empty it first.")
        try:
            self._images.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PimmiError(f"The folder {self._images} can't be made: {error.strerror}.") from error

    def generator(self, *key: object) -> np.random.Generator:
        """What decides on chance in the image of that key."""
        return generator(self._seed, *key)

    def add_original(self, image: Image, *, name: str) -> None:
        """An image that copies are made of."""
        self._write(self._encoded(image, name), origins=(name,), attack="", kind="original", key=(name,))

    def add_copy(
        self, image: Image | bytes, *, origins: tuple[str, ...], attack: str, number: int = 0
    ) -> None:
        """An image, or the bytes of its JPEG file, that shows one or more originals."""
        key = (*origins, attack, number)
        data = image if isinstance(image, bytes) else self._encoded(image, *key)
        self._write(data, origins=origins, attack=attack, kind="copy", key=key)

    def add_distractor(self, image: Image, *, name: str) -> None:
        """An image that is related to no other."""
        self._write(self._encoded(image, name), origins=(), attack="", kind="distractor", key=(name,))

    def finish(self) -> Path:
        """Write the truth and return its path."""
        truth = self._directory / "truth.csv"
        with truth.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(TRUTH_COLUMNS)
            table.writerows(sorted(self._rows))
        return truth

    def _encoded(self, image: Image, *key: object) -> bytes:
        quality = int(self.generator(*key, "quality").integers(80, 96))
        return encode_jpeg(image, quality=quality)

    def _write(
        self, data: bytes, *, origins: tuple[str, ...], attack: str, kind: str, key: tuple[object, ...]
    ) -> None:
        name = f"{_digest(self._seed, kind, *key).hex()[:12]}.jpg"
        (self._images / name).write_bytes(data)
        self._rows.append((name, ";".join(origins), attack, kind))
