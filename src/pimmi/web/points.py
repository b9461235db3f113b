"""The points of two linked images that agree with the transform between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimmi.index.codebook import load_codebook
from pimmi.index.points import ANGLE_STEPS, SCALE_STEPS, keypoints
from pimmi.matching.guided import GUIDED_DISTANCE
from pimmi.matching.hypotheses import ANGLE_SLACK, SCALE_SLACK
from pimmi.matching.join import change_masks
from pimmi.study.catalogue import Catalogue
from pimmi.study.shards import Shard, read_shard

Floats = NDArray[np.float64]

RADIANS = 2 * np.pi / ANGLE_STEPS


@dataclass(frozen=True)
class Described:
    """The points of one image; n points.

    `positions` float64 (n, 2), pixels of the working image; `octaves` (n,), log2 of the scale; `angles` (n,), radians;
    `changes` uint8 (n,); `codes` uint64 (n, 4). `enlarged` float64 (2,), pixels of the file for one
    of the working image.
    """

    positions: Floats
    octaves: Floats
    angles: Floats
    changes: NDArray[np.uint8]
    codes: NDArray[np.uint64]
    enlarged: Floats

    @classmethod
    def of(cls, shard: Shard, row: int = 0) -> Described:
        """The points of the image in a row of a shard."""
        (about,) = shard.images.slice(row, 1).to_pylist()
        own = slice(int(shard.offsets[row]), int(shard.offsets[row + 1]))
        found = keypoints(shard.points.records[own])
        return cls(
            found.positions.astype(np.float64),
            found.scales.astype(np.float64) / SCALE_STEPS - 1,
            found.angles.astype(np.float64) * RADIANS,
            found.changes,
            found.codes,
            np.array([about[side] / about[f"working_{side}"] for side in ("width", "height")]),
        )

    @classmethod
    def stored(cls, catalogue: Catalogue, image: int) -> Described:
        """The points of an image of the study, by its rank."""
        shard, row = (int(catalogue.images.column(name)[image].as_py()) for name in ("shard", "row"))
        return cls.of(read_shard(catalogue.folder.shard(shard)), row)

    def in_file(self, positions: Floats) -> Floats:
        """Positions in pixels of the file."""
        return positions * self.enlarged + (self.enlarged - 1) / 2

    def in_working(self, positions: Floats) -> Floats:
        """Positions in pixels of the working image."""
        return (positions - (self.enlarged - 1) / 2) / self.enlarged


def agreeing(
    first: Described, second: Described, *, transform: Floats, change: int, tolerance: float
) -> Floats:
    """Pairs of points (m, 4) that agree, one to one: x and y in the first file, x and y in the second.

    `transform` float64 (6,), a11 a12 tx a21 a22 ty, goes from the first file to the second, in pixels; `change` is 0 to
    3 as in the link files; `tolerance` is in pixels of the working image.
    """
    matrix = transform.reshape(2, 3)
    linear = matrix[:, :2] * first.enlarged / second.enlarged[:, None]
    laid = second.in_working(first.in_file(first.positions) @ matrix[:, :2].T + matrix[:, 2])
    scale = float(np.sqrt(abs(np.linalg.det(linear))))
    away = np.linalg.norm(laid[:, None] - second.positions[None], axis=2)
    i, j = np.nonzero(away <= tolerance * max(1.0, scale))
    mirror = -1.0 if change & 1 else 1.0
    turn = np.arctan2(linear[1, 0] - mirror * linear[0, 1], linear[0, 0] + mirror * linear[1, 1])
    flips = np.uint8(change) ^ first.changes[i] ^ second.changes[j]
    own = first.angles[i] + np.where(flips & 2, np.pi, 0.0)
    angles = second.angles[j] + own if change & 1 else second.angles[j] - own
    turned = np.abs((angles - turn + np.pi) % (2 * np.pi) - np.pi)
    octaves = np.abs(second.octaves[j] - first.octaves[i] - np.log2(max(scale, 1e-9)))
    bits = _bits(first.codes[i], second.codes[j], flips)
    fit = (turned <= ANGLE_SLACK * RADIANS) & (octaves <= SCALE_SLACK) & (bits <= GUIDED_DISTANCE)
    i, j, bits = i[fit], j[fit], bits[fit]
    best = _best(i, bits, len(first.positions)) & _best(j, bits, len(second.positions))
    return np.column_stack(
        [first.in_file(first.positions[i[best]]), second.in_file(second.positions[j[best]])]
    )


def _bits(
    first: NDArray[np.uint64], second: NDArray[np.uint64], flips: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """In how many bits codes differ, after the changes between them (`pimmi.matching.verify`)."""
    masks = change_masks(load_codebook("small"))[flips]
    wide, rest = masks[:, 0], masks[:, 1]
    above, below = first[:, 2], first[:, 3]
    words = (
        first[:, 0] ^ wide ^ second[:, 0],
        first[:, 1] ^ rest ^ second[:, 1],
        ((above & ~wide) | (~below & wide)) ^ second[:, 2],
        ((below & ~wide) | (~above & wide)) ^ second[:, 3],
    )
    bits: NDArray[np.int64] = np.sum([np.bitwise_count(word).astype(np.int64) for word in words], axis=0)
    return bits


def _best(owners: NDArray[np.int64], bits: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """The first of the nearest of each owner."""
    order = np.lexsort((np.arange(len(owners)), bits, owners))
    _, first = np.unique(owners[order], return_index=True)
    best = np.zeros(len(owners), bool)
    best[order[first]] = True
    return best
