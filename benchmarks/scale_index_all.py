"""All pairs of shards of very many made points, joined: what scale_index.py extrapolates from a few.

    python benchmarks/scale_index_all.py STUDY [STUDY ...] --points 100000000 --workers 2

Takes some 40 bytes of disk for a point, and about half an hour on two cores for 100 million points.
"""

import argparse
import math
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np

from pimmi.errors import PimmiError
from pimmi.progress import Progress, duration
from scale_index import Block, join, load, made, read_blocks, save


@dataclass(frozen=True, kw_only=True)
class JoinedAll:
    """All pairs of some shards; seconds of processor, and on the clock; peak of one process."""

    points: int
    images: int
    pairs: int
    matches: int
    seconds: float
    wall_s: float
    peak_memory_mb: float


@lru_cache(maxsize=2)
def kept(path: Path) -> Block:
    """A block that stays in the memory of its process, with its lists, until two others were used."""
    return load(path)


def join_pair(paths: tuple[Path, Path]) -> tuple[int, float, float]:
    """Matches, seconds of processor, and the peak of this process so far, MB."""
    started = time.process_time()
    first, second = paths
    matches = join(kept(first), None if first == second else kept(second))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return matches, time.process_time() - started, peak


def join_all(paths: Sequence[Path], *, points: int, images: int, workers: int) -> JoinedAll:
    """Join each shard with itself and with each other; they hold so many points and images together."""
    pairs = list(combinations_with_replacement(paths, 2))
    found = []
    started = time.monotonic()
    stage = Progress().stage("Joining", total=len(pairs), unit="pairs of shards")
    with ProcessPoolExecutor(workers) as pool, stage as counted:
        for one in pool.map(join_pair, pairs):
            found.append(one)
            counted.advance()
    matches, seconds, peaks = zip(*found, strict=True)
    return JoinedAll(
        points=points,
        images=images,
        pairs=len(pairs),
        matches=sum(matches),
        seconds=sum(seconds),
        wall_s=time.monotonic() - started,
        peak_memory_mb=max(peaks),
    )


def made_shards(
    base: Block, directory: Path, *, points: int, of_shard: int, seed: int
) -> tuple[list[Path], int, int]:
    """Files of made shards, and how many points and images these have."""
    paths, sizes = [], []
    for number in range(math.ceil(points / of_shard)):
        shard = made(base, points=of_shard, rng=np.random.default_rng([seed, number]))
        paths.append(save(shard, directory / f"{number}.npz"))
        sizes.append((len(shard.points), len(shard)))
    total = np.array(sizes).sum(axis=0)
    return paths, int(total[0]), int(total[1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Join all pairs of shards of very many made points.")
    parser.add_argument("studies", type=Path, nargs="+", help="studies to take real points from")
    parser.add_argument("--points", type=int, default=100_000_000)
    parser.add_argument(
        "--base-images", type=int, default=40_000, help="images to take real points from, at most"
    )
    parser.add_argument("--shard-points", type=int, default=2_400_000, help="as many as 8,000 images have")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            base = read_blocks(arguments.studies, images=arguments.base_images)
            paths, points, images = made_shards(
                base,
                Path(scratch),
                points=arguments.points,
                of_shard=arguments.shard_points,
                seed=arguments.seed,
            )
        except PimmiError as error:
            sys.exit(str(error))
        del base
        found = join_all(paths, points=points, images=images, workers=arguments.workers)
    print(
        f"{found.points:,} points of {found.images:,} images in {len(paths)} shards, {found.pairs:,} pairs of shards"
    )
    print(f"{found.matches:,} matches of pairs of images that have enough")
    print(f"{duration(found.seconds)} of processor, {1000 * found.seconds / found.images:.2f} ms an image")
    print(f"{duration(found.wall_s)} on the clock, with {arguments.workers} processes")
    print(f"{found.peak_memory_mb:,.0f} MB in one process, at most")


if __name__ == "__main__":
    main()
