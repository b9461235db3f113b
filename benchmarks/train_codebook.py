"""Train the universal codebooks that ship with pimmi.

    python benchmarks/train_codebook.py DIR [DIR ...] --images 6000 -o src/pimmi/index/codebook-small.npz
    python benchmarks/train_codebook.py DIR [DIR ...] --images 9000 --centroids 1024 \
        --like src/pimmi/index/codebook-small.npz -o src/pimmi/index/codebook-large.npz

Takes the same number of images from each folder (fewer where it holds fewer), reads them as pimmi does, and
writes the codebook that `pimmi.index.codebook` describes; with --like, one with the axes of another, so that their
codes are the same. train_limits.py then sets its limits. The same folders, numbers and seed give the same bytes.
"""

import argparse
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pimmi.errors import UnreadableImage
from pimmi.features.sift import extract
from pimmi.features.symmetry import INVERSION_PERMUTATION, MIRROR_PERMUTATION, SUMS, canonical_changes
from pimmi.images.decode import decode
from pimmi.images.walk import walk
from pimmi.index.codebook import ARRAYS, WIDE_AXES, parse_codebook
from pimmi.settings import Settings

THRESHOLD = 0.9
WEAK_SHARE = 0.15
KMEANS_DESCRIPTORS = 200_000
DESCRIPTORS_A_CENTROID = 400
KMEANS_ROUNDS = 20

Floats = NDArray[np.float32]


def descriptors_of(folder: Path, images: int, *, seed: int) -> list[Floats]:
    """RootSIFT float32 (n, 128) of each of some images of a folder."""
    rng = np.random.default_rng(seed)
    settings = Settings.preset("balanced")
    paths = [folder / file.path for file in walk(folder).files]
    found = []
    for i in sorted(rng.permutation(len(paths))[:images]):
        try:
            image = decode(
                paths[i].read_bytes(),
                working_size=settings.images.working_size,
                max_pixels=settings.images.max_pixels,
            )
        except UnreadableImage as error:
            print(f"{paths[i]}: {error}", file=sys.stderr)
            continue
        found.append(extract(image.grey, settings=settings.features).descriptors)
    print(f"{folder}: {len(found)} images", file=sys.stderr)
    return found


def read_descriptors(folders: list[Path], images: int, seed: int) -> Floats:
    """RootSIFT float32 (n, 128) of about `images` images, as many from each folder."""
    of_each = images // len(folders)
    return np.concatenate([one for folder in folders for one in descriptors_of(folder, of_each, seed=seed)])


def symmetric_axes(descriptors: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
    """Mean, axes, deviations and the two signs (128, 2) of each axis under mirroring and inversion."""
    mean = np.zeros(128)
    second = np.zeros((128, 128))
    both = MIRROR_PERMUTATION[INVERSION_PERMUTATION]
    for permutation in (np.arange(128), MIRROR_PERMUTATION, INVERSION_PERMUTATION, both):
        variant = descriptors[:, permutation]
        mean += variant.mean(axis=0, dtype=np.float64) / 4
        second += (variant.T @ variant) / (4 * len(variant))
    covariance = second - np.outer(mean, mean)
    identity = np.eye(128)
    mirror, inversion = identity[MIRROR_PERMUTATION], identity[INVERSION_PERMUTATION]
    axes, variances, signs = [], [], []
    for m in (1, -1):
        for n in (1, -1):
            projector = (identity + m * mirror) @ (identity + n * inversion) / 4
            u, s, _ = np.linalg.svd(projector)
            subspace = u[:, s > 0.5]
            variance, vectors = np.linalg.eigh(subspace.T @ covariance @ subspace)
            axes.append((subspace @ vectors).T)
            variances.append(variance)
            signs += [(m, n)] * len(variance)
    order = np.argsort(-np.concatenate(variances), kind="stable")
    return (
        mean.astype(np.float32),
        np.concatenate(axes)[order].astype(np.float32),
        np.sqrt(np.concatenate(variances)[order]).astype(np.float32),
        np.array(signs)[order],
    )


def balanced_halves(deviations: Floats) -> NDArray[np.int64]:
    """The wide axes in two halves of equal number and about equal variance, int64 (2, 32)."""
    halves: list[list[int]] = [[], []]
    total = [0.0, 0.0]
    for axis in range(WIDE_AXES):
        full = [len(half) == WIDE_AXES // 2 for half in halves]
        side = int(full[0] or (not full[1] and total[1] < total[0]))
        halves[side].append(axis)
        total[side] += float(deviations[axis]) ** 2
    return np.array(halves, np.int64)


def kmeans(points: Floats, number: int, rng: np.random.Generator) -> Floats:
    """Lloyd's algorithm: centroids float32 (number, d)."""
    centroids = points[rng.choice(len(points), number, replace=False)].copy()
    for _ in range(KMEANS_ROUNDS):
        nearest = np.concatenate([
            ((centroids**2).sum(axis=1) - 2 * some @ centroids.T).argmin(axis=1)
            for some in np.array_split(points, max(1, len(points) // 20_000))
        ])  # fmt: skip
        count = np.bincount(nearest, minlength=number)
        order = np.argsort(nearest, kind="stable")
        for c, members in enumerate(np.split(points[order], np.cumsum(count)[:-1])):
            centroids[c] = members.mean(axis=0) if len(members) else points[rng.integers(len(points))]
    return centroids


def new_axes(descriptors: Floats, sample: Floats) -> dict[str, Any]:
    """All arrays of a codebook but the centroids."""
    mean, axes, deviations, signs = symmetric_axes(descriptors)
    return {
        "mean": mean,
        "axes": axes,
        "deviations": deviations,
        "mirror_flips": signs[:, 0] < 0,
        "inversion_flips": signs[:, 1] < 0,
        "threshold": np.float32(THRESHOLD),
        "halves": balanced_halves(deviations),
        "weak_sums": np.quantile(np.abs(sample @ SUMS), WEAK_SHARE, axis=0).astype(np.float32),
    }


def content_of(arrays: dict[str, Any]) -> bytes:
    """The bytes of the .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: arrays[name] for name in ARRAYS})
    return buffer.getvalue()


def train(descriptors: Floats, *, centroids: int, like: bytes | None, seed: int) -> bytes:
    """The bytes of the codebook's .npz file."""
    rng = np.random.default_rng(seed)
    number = max(KMEANS_DESCRIPTORS, DESCRIPTORS_A_CENTROID * centroids)
    sample = descriptors[np.sort(rng.permutation(len(descriptors))[:number])]
    if like is None:
        arrays = new_axes(descriptors, sample)
    else:
        book = parse_codebook(like)
        arrays = {name: getattr(book, name) for name in ARRAYS if name != "centroids"}
    changes = canonical_changes(sample, weak=np.zeros(2, np.float32))[:, 0]
    coordinates = (sample - arrays["mean"]) @ arrays["axes"].T
    for change, flips in ((1, arrays["mirror_flips"]), (2, arrays["inversion_flips"])):
        coordinates *= np.where((changes & change)[:, None] != 0, np.where(flips, -1, 1), 1)
    arrays["centroids"] = np.stack(
        [kmeans(coordinates[:, half].astype(np.float32), centroids, rng) for half in arrays["halves"]]
    )
    arrays["limits"] = np.full(centroids * centroids, 255, np.uint8)
    return content_of(arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a universal codebook.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--centroids", type=int, default=256, help="of each half")
    parser.add_argument("--like", type=Path, metavar="CODEBOOK", help="take the axes from it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    descriptors = read_descriptors(arguments.folders, arguments.images, arguments.seed)
    like = arguments.like.read_bytes() if arguments.like else None
    content = train(descriptors, centroids=arguments.centroids, like=like, seed=arguments.seed)
    arguments.output.write_bytes(content)
    print(f"{len(descriptors)} descriptors, {len(content)} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
