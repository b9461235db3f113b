"""Set the limits of a codebook: how near codes must be to match in each of its cells.

    python benchmarks/train_limits.py src/pimmi/index/codebook-small.npz DIR [DIR ...] --probes 10

Each folder holds one kind of pictures (photographs, posters, drawings, pages of text …), as few of them copies of each
other as possible. Of each kind two sets of images are compared, and it is counted how many of their points match by
chance in each cell, by the distance of their codes. The limit of a cell is the largest distance at which it has at most
--chance matches for a pair of images, in the mean over the kinds. The file is replaced. The same folders, numbers and
seed give the same bytes.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pimmi.features.sift import Features
from pimmi.index.codebook import ARRAYS, Codebook, parse_codebook
from pimmi.index.points import OTHER_DEPTH, encode_points
from pimmi.matching.join import change_masks
from pimmi.matching.lists import Lists, make_lists
from pimmi.matching.packed import centroid, ones
from train_codebook import Floats, content_of, descriptors_of

LOWEST = 24
HIGHEST = 64
SIGN_DISTANCE = 40
POINTS_OF_A_ROW = 4096
"""Lists number the points of an image; these are of no image, and are numbered in rows of as many."""


@njit
def _count(  # type: ignore[no-untyped-def]
    q_signs, q_more, q_beyond, q_origins, q_nearest, other_points, other_changes, other_nearest,
    starts, signs, more_signs, beyond, shapes, bits, masks, counts,
):  # fmt: skip
    """Add to `counts` (cells, HIGHEST + 1) the matches of all forms, by cell and distance."""
    depth = shapes.shape[1]
    square = np.full(depth, OTHER_DEPTH, np.int64)
    for form in range(len(q_nearest) + len(other_points)):
        plain = form < len(q_nearest)
        point = form if plain else np.int64(other_points[form - len(q_nearest)])
        change = 0 if plain else np.int64(other_changes[form - len(q_nearest)])
        near = q_nearest[point] if plain else other_nearest[form - len(q_nearest)]
        lengths = shapes[q_origins[point] & np.uint32(15)] if plain else square
        across = depth if plain else OTHER_DEPTH
        wide, rest = q_signs[point] ^ masks[change, 0], q_more[point] ^ masks[change, 1]
        high, low = wide & q_beyond[point], wide | ~q_beyond[point]
        for r in range(across):
            for s in range(lengths[r]):
                cell = (centroid(near, r, bits) << bits) + centroid(near, across + s, bits)
                for at in range(starts[cell], starts[cell + 1]):
                    distance = ones(wide ^ signs[at]) + ones(rest ^ more_signs[at])
                    if distance > SIGN_DISTANCE:
                        continue
                    distance += ones(high ^ (signs[at] & beyond[at])) + ones(low ^ (signs[at] | ~beyond[at]))
                    if distance <= HIGHEST:
                        counts[cell, distance] += 1


def lists_of(descriptors: list[Floats], *, codebook: Codebook, probes: int) -> Lists:
    """Inverted lists over the points of some images."""
    every = np.concatenate(descriptors)
    n = len(every)
    features = Features(
        positions=np.zeros((n, 2), np.float32),
        sigmas=np.ones(n, np.float32),
        angles=np.zeros(n, np.float32),
        descriptors=every,
    )
    points = encode_points(features, codebook=codebook, probes=probes)
    rows = np.append(np.arange(0, n, POINTS_OF_A_ROW), n)
    return make_lists(points, offsets=rows, codebook=codebook, probes=probes)


def chance_matches(descriptors: list[Floats], *, codebook: Codebook, probes: int) -> NDArray[np.float64]:
    """Matches in each cell up to each distance for a pair of images of one kind, float64 (cells, HIGHEST + 1)."""
    sets = descriptors[::2], descriptors[1::2]
    lists = [lists_of(images, codebook=codebook, probes=probes) for images in sets]
    counts = np.zeros((codebook.cells, HIGHEST + 1), np.int32)
    for query, base in (lists, lists[::-1]):
        _count(
            query.signs, query.more_signs, query.beyond, query.origins, query.nearest,
            query.other_points, query.other_changes, query.other_nearest,
            base.starts, base.signs, base.more_signs, base.beyond, base.shapes, base.bits,
            change_masks(codebook), counts,
        )  # fmt: skip
    return counts.cumsum(axis=1) / (len(sets[0]) * len(sets[1]))


def limits_of(matches: NDArray[np.float64], *, chance: float) -> NDArray[np.uint8]:
    """The largest distance, LOWEST at least, at which a cell has at most `chance` matches."""
    within = np.count_nonzero(matches[:, LOWEST:] <= chance, axis=1)
    limits: NDArray[np.uint8] = (LOWEST + np.maximum(within - 1, 0)).astype(np.uint8)
    return limits


def main() -> None:
    parser = argparse.ArgumentParser(description="Set the limits of a codebook.")
    parser.add_argument("codebook", type=Path)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--images", type=int, default=600, help="of each kind")
    parser.add_argument("--probes", type=int, default=10)
    parser.add_argument("--chance", type=float, default=1e-3, help="matches of a cell for a pair of images")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    codebook = parse_codebook(arguments.codebook.read_bytes())
    matches = np.zeros((codebook.cells, HIGHEST + 1))
    for folder in arguments.folders:
        found = chance_matches(
            descriptors_of(folder, arguments.images, seed=arguments.seed),
            codebook=codebook,
            probes=arguments.probes,
        )
        print(f"{found[:, -1].sum():.2f} matches a pair within {HIGHEST} bits", file=sys.stderr)
        matches += found / len(arguments.folders)
    limits = limits_of(matches, chance=arguments.chance)
    arrays = {name: getattr(codebook, name) for name in ARRAYS} | {"limits": limits}
    arguments.codebook.write_bytes(content_of(arrays))
    print(f"{np.count_nonzero(limits < HIGHEST)} cells under {HIGHEST} bits", file=sys.stderr)


if __name__ == "__main__":
    main()
