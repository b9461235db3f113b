"""The universal codebook: turns descriptors into codes and cells that don't depend on the corpus.

- *Axes*: the principal axes of RootSIFT, computed separately in the four subspaces on which mirroring and inversion
  act as +1 or -1. So each change only flips the signs of some coordinates, and a code can be mirrored or inverted
  without its descriptor.
- *Code*: the 128 signs, and for the 64 widest axes whether the coordinate is above a threshold and above its negative:
  256 bits that are compared, of which 192 are stored, since signs tell much of the rest. The Hamming distance of two
  codes tells matches from others better than the Euclidean distance of the descriptors does, since it weighs an axis by
  its reliability and not by its variance.
- *Cells*: an inverted multi-index (Babenko & Lempitsky 2012): the 64 widest axes, in two halves of 32. There are two
  codebooks with the same axes and codes: `small` has 256 centroids for each half, 65,536 cells; `large` has 1,024,
  about a million cells.
- *Limits*: corners of strokes and letters all look alike. A hundred of the 65,536 cells hold most of what matches by
  chance, and few of the true matches, so in a crowded cell codes must be nearer to match: as near as it takes for the
  cell to hold fewer than a given number of chance matches for each pair of images.
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

VERSION = 3
WIDE_AXES = 64
NEAREST_BITS = 64
"""Bits for the nearest centroids of a point, of both halves."""
FEW_POINTS_LIMIT = 54
"""Lowest limit for an image of few points, which needs them all, also those that look like many others."""
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
    "limits",
)


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """A trained codebook; `axes` are sorted by falling variance. Each is equal to itself alone.

    `mean` float32 (128,); `axes` float32 (128, 128), a row an axis; `deviations` float32 (128,), standard deviation
    along each axis; `mirror_flips`, `inversion_flips` bool (128,), axes whose sign the change flips; `threshold`,
    in standard deviations; `halves` int64 (2, 32), the axes of each half of the multi-index; `centroids` float32
    (2, c, 32); `weak_sums` float32 (2,), the sums under which a canonical form is in doubt.
    Derived from these: `factors` float32 (4, 128), signs that each change gives to the axes; `projections` float32
    (2, 32, c) and `norms` float32 (2, c), by which a product gives the distances to the centroids.
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
    limits: NDArray[np.uint8]
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

    @property
    def centroid_bits(self) -> int:
        """Bits that the number of a centroid takes."""
        return int(self.centroids.shape[1] - 1).bit_length()

    @property
    def depth(self) -> int:
        """Nearest centroids of each half that are kept of a point."""
        return NEAREST_BITS // (2 * self.centroid_bits)

    @property
    def cells(self) -> int:
        return int(self.centroids.shape[1]) ** 2

    def limits_within(self, distance: int) -> NDArray[np.uint8]:
        """The limits, none above a distance, uint8 (2, cells): for images of many points, and for those of few.

        They are kept for the next who asks: don't change them.
        """
        return _limits_within(self, distance)

    def encode(self, coordinates: NDArray[np.float32]) -> NDArray[np.uint64]:
        """Codes uint64 (n, 3) of coordinates float32 (n, 128): two words of signs, one of the wide axes that are
        beyond the threshold on either side."""
        wide = coordinates[:, :WIDE_AXES]
        beyond = (wide > self.threshold) | (wide <= -self.threshold)
        return np.packbits(np.concatenate([coordinates > 0, beyond], axis=1), axis=1, bitorder="little").view(
            "<u8"
        )

    def nearest(
        self, coordinates: NDArray[np.float32], *, probes: int, depth: int
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """The nearest centroids uint16 (n, 2, depth) of coordinates float32 (n, 128), and which pairs of them are the
        nearest `probes` cells, uint8 (n,) (`pimmi.index.cells`)."""
        from pimmi.index.cells import nearest_cells

        first, second = (
            coordinates[:, half] @ projection
            for half, projection in zip(self.halves, self.projections, strict=True)
        )
        first += self.norms[0]
        second += self.norms[1]
        return nearest_cells(first, second, probes=probes, depth=depth)


@lru_cache(maxsize=4)
def _limits_within(codebook: Codebook, distance: int) -> NDArray[np.uint8]:
    looser = np.maximum(codebook.limits, FEW_POINTS_LIMIT)
    within: NDArray[np.uint8] = np.minimum(np.stack([codebook.limits, looser]), distance)
    return within


@lru_cache
def load_codebook(name: str = "small") -> Codebook:
    """One of the codebooks that ship with the package, `small` or `large`."""
    data = files("pimmi.index").joinpath(f"codebook-{name}.npz")
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
