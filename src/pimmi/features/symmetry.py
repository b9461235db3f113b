"""What mirroring an image and inverting its grey levels do to a SIFT descriptor.

A descriptor is 4 rows x 4 columns x 8 orientations relative to the keypoint's angle. Both changes only permute it:

- mirroring, `[r, c, o] -> [3 - r, c, -o mod 8]`, with the keypoint's frame reflected;
- inverting, `[r, c, o] -> [3 - r, 3 - c, o]`, with the keypoint's angle turned by pi.

So the four variants of an image need no second extraction. Each descriptor is brought to a canonical form by the
signs of two sums (after flip-invariant SIFT, Zhao & Ngo 2013), one changed by mirroring alone, the other by inverting
alone; the changes made are remembered as two bits, `MIRRORED` and `INVERTED`.
"""

import numpy as np
from numpy.typing import NDArray

MIRRORED = 1
INVERTED = 2

_BINS = np.arange(128).reshape(4, 4, 8)
_ORIENTATIONS = np.arange(8)

MIRROR_PERMUTATION: NDArray[np.intp] = _BINS[::-1, :, -_ORIENTATIONS % 8].reshape(128)
"""intp (128,): `descriptor[MIRROR_PERMUTATION]` describes the mirrored image."""

INVERSION_PERMUTATION: NDArray[np.intp] = _BINS[::-1, ::-1, :].reshape(128)
"""intp (128,): `descriptor[INVERSION_PERMUTATION]` describes the negative."""

_RADIANS = _ORIENTATIONS * (np.pi / 4)
_MIRROR_SUM = np.broadcast_to(np.sin(_RADIANS), (4, 4, 8)).reshape(128).astype(np.float32)
_INVERSION_SUM = (
    np.broadcast_to((np.arange(4) - 1.5)[None, :, None] * np.cos(_RADIANS), (4, 4, 8))
    .reshape(128)
    .astype(np.float32)
)
SUMS: NDArray[np.float32] = np.stack([_MIRROR_SUM, _INVERSION_SUM], axis=1)
"""float32 (128, 2): `descriptors @ SUMS` is negative where the canonical form is mirrored, inverted."""


def canonical_changes(descriptors: NDArray[np.float32], *, weak: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Which changes bring each descriptor to its canonical form, and which of them are in doubt.

    `descriptors` float32 (n, 128), unit length; `weak` float32 (2,), the absolute sums under which each is in doubt.
    Returns uint8 (n, 2): the bits `MIRRORED | INVERTED` to apply, and the same bits where the sum is weak.
    """
    sums = descriptors @ SUMS
    holds = np.stack([sums < 0, np.abs(sums) < weak], axis=1).view(np.uint8)
    return MIRRORED * holds[:, :, 0] | INVERTED * holds[:, :, 1]
