"""The universal codebook: turns descriptors into codes and cells that don't depend on the corpus.

- *Axes*: the principal axes of RootSIFT, computed separately in the four subspaces on which mirroring and inversion
  act as +1 or -1. So each change only flips the signs of some coordinates, and a code can be mirrored or inverted
  without its descriptor.
- *Code*: 256 bits a descriptor. The 128 signs, and for the 64 widest axes whether the coordinate is above a threshold
  and above its negative. The Hamming distance of two codes tells matches from others better than the Euclidean
  distance of the descriptors does, since it weighs an axis by its reliability and not by its variance.
- *Cells*: an inverted multi-index (Babenko & Lempitsky 2012): the 64 widest axes, in two halves of 32, 256 centroids
  each, 65,536 cells.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from pimmi.index.cells import nearest_cells

VERSION = 1
WIDE_AXES = 64
CODE_WORDS = 4
CENTROIDS = 256
CELLS = CENTROIDS * CENTROIDS


@dataclass(frozen=True, slots=True)
class Codebook:
    """A trained codebook; `axes` are sorted by falling variance.

    `mean` float32 (128,); `axes` float32 (128, 128), a row an axis; `deviations` float32 (128,), standard deviation
    along each axis; `mirror_flips`, `inversion_flips` bool (128,), axes whose sign the change flips; `threshold`,
    in standard deviations; `halves` int64 (2, 32), the axes of each half of the multi-index; `centroids` float32
    (2, 256, 32); `weak_sums` float32 (2,), the sums under which a canonical form is in doubt.
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    deviations: NDArray[np.float32]
    mirror_flips: NDArray[np.bool_]
    inversion_flips: NDArray[np.bool_]
    threshold: float
    halves: NDArray[np.int64]
    centroids: NDArray[np.float32]
    weak_sums: NDArray[np.float32]
    hash: str

    def coordinates(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Coordinates float32 (n, 128) along the axes, in standard deviations, of RootSIFT float32 (n, 128)."""
        result: NDArray[np.float32] = ((descriptors - self.mean) @ self.axes.T) / self.deviations
        return result

    def flips(self, changes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Factors float32 (n, 128), +1 or -1, that apply the changes uint8 (n,) to coordinates."""
        mirrored = np.where((changes & 1)[:, None] != 0, self.mirror_flips, False)
        inverted = np.where((changes & 2)[:, None] != 0, self.inversion_flips, False)
        return np.where(mirrored ^ inverted, np.float32(-1), np.float32(1))

    def encode(self, coordinates: NDArray[np.float32]) -> NDArray[np.uint64]:
        """Codes uint64 (n, 4) of coordinates float32 (n, 128): two words of signs, one above, one below."""
        wide = coordinates[:, :WIDE_AXES]
        bits = np.concatenate([coordinates > 0, wide > self.threshold, wide > -self.threshold], axis=1)
        return np.packbits(bits, axis=1, bitorder="little").view(np.uint64)

    def cells(self, coordinates: NDArray[np.float32], *, probes: int) -> NDArray[np.uint16]:
        """The nearest cells uint16 (n, probes), nearest first, of coordinates float32 (n, 128)."""
        scaled = coordinates * self.deviations
        distances = []
        for half, centroids in zip(self.halves, self.centroids, strict=True):
            distances.append((centroids**2).sum(axis=1) - 2 * (scaled[:, half] @ centroids.T))
        return nearest_cells(distances[0], distances[1], probes)


@lru_cache(maxsize=1)
def load_codebook() -> Codebook:
    """The codebook that ships with the package."""
    data = files("pimmi.index").joinpath(f"codebook-{VERSION}.npz")
    with data.open("rb") as file:
        content = file.read()
    return parse_codebook(content)


def parse_codebook(content: bytes) -> Codebook:
    """The codebook in the bytes of an .npz file, as `benchmarks/train_codebook.py` writes it."""
    import io

    with np.load(io.BytesIO(content)) as arrays:
        return Codebook(
            mean=arrays["mean"],
            axes=arrays["axes"],
            deviations=arrays["deviations"],
            mirror_flips=arrays["mirror_flips"],
            inversion_flips=arrays["inversion_flips"],
            threshold=float(arrays["threshold"]),
            halves=arrays["halves"],
            centroids=arrays["centroids"],
            weak_sums=arrays["weak_sums"],
            hash=hashlib.blake2b(content, digest_size=16).hexdigest(),
        )
