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
import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from pimmi.errors import PimmiError

VERSION = 1
WIDE_AXES = 64
CENTROIDS = 256
CELLS = CENTROIDS * CENTROIDS
ARRAYS = (
    "mean",
    "axes",
    "deviations",
    "mirror_flips",
    "inversion_flips",
    "threshold",
    "halves",
    "centroids",
    "weak_sums",
)


@dataclass(frozen=True, slots=True)
class Codebook:
    """A trained codebook; `axes` are sorted by falling variance.

    `mean` float32 (128,); `axes` float32 (128, 128), a row an axis; `deviations` float32 (128,), standard deviation
    along each axis; `mirror_flips`, `inversion_flips` bool (128,), axes whose sign the change flips; `threshold`,
    in standard deviations; `halves` int64 (2, 32), the axes of each half of the multi-index; `centroids` float32
    (2, 256, 32); `weak_sums` float32 (2,), the sums under which a canonical form is in doubt.
    Derived from these: `factors` float32 (4, 128), signs that each change gives to the axes; `projections` float32
    (2, 32, 256) and `norms` float32 (2, 256), by which a product gives the distances to the centroids.
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
    factors: NDArray[np.float32]
    projections: NDArray[np.float32]
    norms: NDArray[np.float32]
    hash: str

    def coordinates(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Coordinates float32 (n, 128) along the axes, in standard deviations, of RootSIFT float32 (n, 128)."""
        along = (descriptors - self.mean) @ self.axes.T / self.deviations
        return along.astype(np.float32, copy=False)

    def flips(self, changes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Factors float32 (n, 128), +1 or -1, that apply the changes uint8 (n,), 0 to 3, to coordinates."""
        result: NDArray[np.float32] = self.factors[changes]
        return result

    def encode(self, coordinates: NDArray[np.float32]) -> NDArray[np.uint64]:
        """Codes uint64 (n, 4) of coordinates float32 (n, 128): two words of signs, one above, one below."""
        wide = coordinates[:, :WIDE_AXES]
        bits = np.concatenate([coordinates > 0, wide > self.threshold, wide > -self.threshold], axis=1)
        return np.packbits(bits, axis=1, bitorder="little").view(np.uint64)

    def cells(self, coordinates: NDArray[np.float32], *, probes: int) -> NDArray[np.uint16]:
        """The nearest cells uint16 (n, probes), nearest first, of coordinates float32 (n, 128)."""
        from pimmi.index.cells import nearest_cells

        first, second = (
            coordinates[:, half] @ projection
            for half, projection in zip(self.halves, self.projections, strict=True)
        )
        first += self.norms[0]
        second += self.norms[1]
        return nearest_cells(first, second, probes)


@lru_cache(maxsize=1)
def load_codebook() -> Codebook:
    """The codebook that ships with the package."""
    data = files("pimmi.index").joinpath(f"codebook-{VERSION}.npz")
    with data.open("rb") as file:
        content = file.read()
    return parse_codebook(content)


def parse_codebook(content: bytes) -> Codebook:
    """The codebook in the bytes of an .npz file, as `benchmarks/train_codebook.py` writes it.

    Raises PimmiError if they are no such file, or a damaged one.
    """
    try:
        with np.load(io.BytesIO(content)) as file:
            arrays = {name: file[name] for name in ARRAYS}
    except (TypeError, KeyError, OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise PimmiError("The codebook is damaged: install pimmi again.") from error
    mirror, inversion = (np.where(arrays[f"{change}_flips"], -1, 1) for change in ("mirror", "inversion"))
    scales = arrays["deviations"][arrays["halves"]]
    return Codebook(
        **{**arrays, "threshold": float(arrays["threshold"])},
        factors=np.stack([np.ones(128, int), mirror, inversion, mirror * inversion]).astype(np.float32),
        projections=np.ascontiguousarray(
            np.swapaxes(-2 * arrays["centroids"] * scales[:, None, :], 1, 2), dtype=np.float32
        ),
        norms=(arrays["centroids"] ** 2).sum(axis=2),
        hash=hashlib.blake2b(content, digest_size=16).hexdigest(),
    )
