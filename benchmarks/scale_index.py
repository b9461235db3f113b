"""What matching the points of very many images costs, without the images.

    python benchmarks/scale_index.py STUDY [STUDY ...] --points 1500000 15000000 100000000

Points of other images are made from those of the studies, shard by shard, and a few pairs of shards are joined, each
in a process of its own. The rest is extrapolated: all pairs of shards are alike, since their points are drawn alike.

A made point has the cell, the forms and the place of a real one. Its code is crossed with that of another real point of
the same cell: each axis comes from one of the two, at random, its sign and its levels together. So cells are as full
and codes as spread as real ones are, which decides what there is to compare and how soon a comparison ends. Adding to a
code the noise that is seen between true matches would make a copy instead: at 100 million points nearly all matches
would be of such copies. For the same reason the studies should hold a tenth of the points, or more. The line "real"
joins points of the studies as they are, if there are enough, for comparison.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimmi.errors import PimmiError
from pimmi.index.codebook import load_codebook
from pimmi.index.points import (
    NEAREST,
    OTHER_DEPTH,
    POINT_FIELDS,
    RECORD,
    Points,
    offsets_of,
    stored_codes,
    taken_points,
    words_of,
)
from pimmi.matching.join import CROWDED, change_masks, look_up, sign_limits
from pimmi.matching.lists import Lists, make_lists
from pimmi.matching.matches import by_pair
from pimmi.settings import MatchingSettings
from pimmi.study.description import read_description
from pimmi.study.layout import StudyFolder
from pimmi.study.shards import read_shard

WIDE_WORDS = (0, 2)
"""Words of a stored code with the bits of the 64 widest axes; word 1 has the others."""
CODE = slice(6, RECORD - NEAREST)
"""Bytes of a record with the code."""
WARM_IMAGES = 20
FEWEST_REAL = 20
"""Made points for one real point, from which on they are too much like each other."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """The points of n images, made with some `settings`; `offsets` int64 (n + 1,), the first of each."""

    points: Points
    offsets: Ints
    settings: MatchingSettings

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def cells(self) -> Ints:
        """int64: the nearest cell of each point."""
        codebook = load_codebook(self.settings.codebook)
        words = words_of(self.points.records[:, RECORD - NEAREST :])
        first, second = (
            centroids_of(words, place=place, bits=codebook.centroid_bits) for place in (0, codebook.depth)
        )
        return (first << codebook.centroid_bits) + second

    @cached_property
    def lists(self) -> Lists:
        codebook = load_codebook(self.settings.codebook)
        return make_lists(self.points, offsets=self.offsets, codebook=codebook, probes=self.settings.probes)


def centroids_of(words: NDArray[np.uint64], *, place: int, bits: int) -> Ints:
    """int64: the centroid at a place among the nearest ones, of so many bits each."""
    return ((words >> np.uint64(bits * place)) & np.uint64((1 << bits) - 1)).astype(np.int64)


def read_blocks(studies: Sequence[Path], *, images: int) -> Block:
    """The points of about that many images of the studies.

    Raises:
        PimmiError: if the studies hold none, or were made with different settings of the index.
    """
    parts: list[Block] = []
    for folder in map(StudyFolder, studies):
        settings = read_description(folder).settings.matching
        for number in folder.shard_numbers():
            if sum(map(len, parts)) < images:
                shard = read_shard(folder.shard(number))
                parts.append(Block(shard.points, np.asarray(shard.offsets), settings))
    if not sum(len(part.points) for part in parts):
        raise PimmiError(
            f"There are no points in {', '.join(map(str, studies))}: give studies that were matched."
        )
    if len({(part.settings.codebook, part.settings.probes) for part in parts}) > 1:
        raise PimmiError("The studies were made with different codebooks or probes: give those of one kind.")
    return joined(parts)


def joined(parts: Sequence[Block]) -> Block:
    """One block of all images."""
    fields = {name: np.concatenate([getattr(part.points, name) for part in parts]) for name in POINT_FIELDS}
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    return Block(Points(**fields), offsets_of(counts), parts[0].settings)


def taken(base: Block, images: Ints) -> Block:
    """The points of some images, which may come again."""
    return Block(*taken_points(base.points, base.offsets, images), base.settings)


def drawn_images(base: Block, *, points: int, rng: np.random.Generator) -> Ints:
    """Images drawn until they have about so many points together."""
    counts = np.diff(base.offsets)
    drawn = rng.integers(len(base), size=int(1.2 * points / counts.mean()) + 10)
    return drawn[: int(np.searchsorted(np.cumsum(counts[drawn]), points)) + 1]


def made(base: Block, *, points: int, rng: np.random.Generator) -> Block:
    """A block of about so many made points."""
    found = taken(base, drawn_images(base, points=points, rng=rng))
    cells, chosen = base.cells, found.cells
    listed = np.argsort(cells, kind="stable")
    starts, stops = (np.searchsorted(cells[listed], chosen, side=side) for side in ("left", "right"))
    others = listed[starts + (rng.random(len(chosen)) * (stops - starts)).astype(np.int64)]
    codes = crossed(stored_codes(found.points.records), stored_codes(base.points.records[others]), rng=rng)
    records = found.points.records.copy()
    records[:, CODE] = codes.view(np.uint8).reshape(-1, 24)
    return replace(found, points=replace(found.points, records=records))


def crossed(
    codes: NDArray[np.uint64], others: NDArray[np.uint64], *, rng: np.random.Generator
) -> NDArray[np.uint64]:
    """Codes uint64 (n, 3) with each axis from one of the two, its sign and its level together."""
    wide, rest = rng.integers(0, 1 << 64, size=(2, len(codes)), dtype=np.uint64)
    masks = np.empty_like(codes)
    masks[:, WIDE_WORDS] = wide[:, None]
    masks[:, 1] = rest
    return (codes & masks) | (others & ~masks)


def comparisons(query: Block, base: Block) -> int:
    """How many points of `base` the forms of `query` find in the cells in which they look."""
    counts = np.diff(base.lists.starts).astype(np.int64)
    limits = load_codebook(base.settings.codebook).limits_within(base.settings.code_distance)
    looked_in = np.where(np.append(limits[0], 0) > CROWDED, counts, 0)
    lists = query.lists
    depth = lists.shapes.shape[1]
    lengths = lists.shapes[lists.origins & 15]
    square = np.full((len(lists.other_nearest), OTHER_DEPTH), OTHER_DEPTH)
    found = 0
    for words, across, wanted in (
        (lists.nearest, depth, lengths),
        (lists.other_nearest, OTHER_DEPTH, square),
    ):
        for first, second in product(range(across), range(across)):
            looking = words[wanted[:, first] > second]
            cells = centroids_of(looking, place=first, bits=lists.bits) << lists.bits
            cells += centroids_of(looking, place=across + second, bits=lists.bits)
            found += int((counts if first == second == 0 else looked_in)[cells].sum())
    return found


def join(first: Block, second: Block | None) -> int:
    """The number of matches between two blocks, or inside one: what matching does before it verifies.

    Those of pairs of images that have too few don't count.
    """
    settings = first.settings
    codebook = load_codebook(settings.codebook)
    masks = change_masks(codebook)
    signs = sign_limits(sign_distance=settings.sign_distance, code_distance=settings.code_distance)
    blocks = [first] if second is None else [first, second]
    starts = np.cumsum([0, *map(len, blocks)])
    places = [
        np.arange(start, start + len(one), dtype=np.int32) for one, start in zip(blocks, starts, strict=False)
    ]
    lists = [one.lists for one in blocks]
    found = []
    for query, base in [(0, 0)] if second is None else [(0, 1), (1, 0)]:
        found += look_up(
            lists[query],
            lists[base],
            query_places=places[query],
            base_places=places[base],
            masks=masks,
            limits=codebook.limits_within(settings.code_distance),
            sign_limits=signs,
            most=np.iinfo(np.int64).max,
        )
    return len(by_pair(found, at_least=settings.minimum_inliers))


@dataclass(frozen=True, kw_only=True)
class Joined:
    """One pair of shards; `points` of both together, `images` as well; seconds of processor; peak of the process."""

    images: int
    points: int
    comparisons: int
    matches: int
    seconds: float
    peak_memory_mb: float


def join_files(paths: Sequence[Path]) -> Joined:
    """Join one or two blocks that `save` wrote."""
    blocks = [load(path) for path in paths]
    first, second = blocks[0], blocks[1] if len(blocks) > 1 else None
    few = np.arange(min(WARM_IMAGES, *map(len, blocks), len(first)))
    join(taken(first, few), None if second is None else taken(second, few))
    started = time.process_time()
    matches = join(first, second)
    seconds = time.process_time() - started
    compared = comparisons(first, second or first) + (comparisons(second, first) if second else 0)
    return Joined(
        images=sum(map(len, blocks)),
        points=sum(len(one.points) for one in blocks),
        comparisons=compared,
        matches=matches,
        seconds=seconds,
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    )


def save(found: Block, path: Path) -> Path:
    fields = {name: getattr(found.points, name) for name in POINT_FIELDS}
    np.savez(path, offsets=found.offsets, settings=json.dumps(asdict(found.settings)), **fields)
    return path


def load(path: Path) -> Block:
    with np.load(path) as arrays:
        fields = {name: arrays[name] for name in POINT_FIELDS}
        settings = MatchingSettings(**json.loads(str(arrays["settings"])))
        return Block(Points(**fields), arrays["offsets"], settings)


def apart(paths: Sequence[Path]) -> Joined:
    """`join_files` in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--join", *map(str, paths)]
    return Joined(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Joins of shards with themselves, and of two different ones; `kind` is made or real."""

    kind: str
    selves: list[Joined]
    crosses: list[Joined]


def measure(shards: Sequence[Block], *, kind: str, scratch: Path) -> Measurement:
    """Join each shard with itself, and each with the next."""
    paths = [save(shard, scratch / f"{kind}-{number}.npz") for number, shard in enumerate(shards)]
    return Measurement(
        kind=kind,
        selves=[apart([path]) for path in paths],
        crosses=[apart(pair) for pair in pairwise(paths)],
    )


def balance(found: Block) -> tuple[float, float]:
    """Share of the points in the fullest cell, and how many equally full cells would be as good."""
    shares = np.unique(found.cells, return_counts=True)[1] / len(found.points)
    return float(shares.max()), float(1 / np.square(shares).sum())


def extrapolated(found: Measurement, *, points: int, points_an_image: float) -> dict[str, float]:
    """What joining all shards of so many points would take, all pairs being like those measured."""
    of_shard = float(np.mean([one.points for one in found.selves]))
    shards = max(1.0, points / of_shard)
    pairs = shards * (shards - 1) / 2

    def total(field: str) -> float:
        own, other = (
            float(np.mean([getattr(one, field) for one in joins])) if joins else 0.0
            for joins in (found.selves, found.crosses)
        )
        return shards * own + pairs * other

    images = points / points_an_image
    return {
        "points": points,
        "images": images,
        "shards": shards,
        "pairs of shards": shards + pairs,
        "comparisons": total("comparisons"),
        "matches": total("matches"),
        "CPU, s": total("seconds"),
        "CPU, ms an image": 1000 * total("seconds") / images,
    }


def lines(
    found: Sequence[Measurement], *, base: Block, sizes: Sequence[int], points_an_image: float
) -> Iterator[str]:
    """What was measured, and what follows from it."""
    largest, effective = balance(base)
    yield f"{len(base.points)} points of {len(base)} images, {len(base.points.others)} further forms"
    cells = load_codebook(base.settings.codebook).cells
    yield f"cells: {cells}, as good as {effective:.0f} equally full ones; the fullest has {largest:.2e} of all points"
    yield ""
    yield (
        f"{'one pair of shards':24s}{'points':>12s}{'comparisons':>14s}{'of all':>10s}{'matches':>12s}"
        f"{'CPU, s':>10s}{'ns each':>10s}{'MB':>8s}"
    )
    for measurement in found:
        for name, joins in (("with itself", measurement.selves), ("with another", measurement.crosses)):
            for one in joins:
                every = (one.points if name == "with itself" else one.points / 2**0.5) ** 2
                yield (
                    f"{f'{measurement.kind}, {name}':24s}{one.points:12d}{one.comparisons:14d}"
                    f"{one.comparisons / every:10.2e}{one.matches:12d}{one.seconds:10.2f}"
                    f"{1e9 * one.seconds / max(1, one.comparisons):10.2f}{one.peak_memory_mb:8.0f}"
                )
    yield ""
    if max(sizes) > FEWEST_REAL * len(base.points):
        yield "The studies hold too few points: more matches than in reality are of points made of the same ones."
    yield "extrapolated from the made pairs of shards to all:"
    for points in sizes:
        told = extrapolated(found[0], points=points, points_an_image=points_an_image)
        yield ", ".join(f"{name} {value:.4g}" for name, value in told.items()) + (
            f", fullest cell {largest * points:.4g}"
        )


def main() -> None:
    if sys.argv[1:2] == ["--join"]:
        print(json.dumps(asdict(join_files([Path(name) for name in sys.argv[2:]]))))
        return
    parser = argparse.ArgumentParser(description="What matching the points of very many images costs.")
    parser.add_argument("studies", type=Path, nargs="+", help="studies to take real points from")
    parser.add_argument("--points", type=int, nargs="+", default=[1_500_000, 15_000_000, 100_000_000])
    parser.add_argument("--points-an-image", type=float, default=300)
    parser.add_argument(
        "--base-images", type=int, default=20_000, help="images to take real points from, at most"
    )
    parser.add_argument("--shard-points", type=int, default=600_000)
    parser.add_argument(
        "--shards", type=int, default=3, help="made and joined, each with itself and the next"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    try:
        base = read_blocks(arguments.studies, images=arguments.base_images)
    except PimmiError as error:
        sys.exit(str(error))
    shards = [
        made(base, points=arguments.shard_points, rng=np.random.default_rng([arguments.seed, number]))
        for number in range(arguments.shards)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        found = [measure(shards, kind="made", scratch=Path(scratch))]
        order = np.random.default_rng(arguments.seed).permutation(len(base))
        wanted = int(arguments.shard_points / np.diff(base.offsets).mean())
        if 2 * wanted <= len(base):
            real = [taken(base, order[start : start + wanted]) for start in (0, wanted)]
            found.append(measure(real, kind="real", scratch=Path(scratch)))
    print(
        *lines(found, base=base, sizes=arguments.points, points_an_image=arguments.points_an_image),
        sep="\n",
    )
    if arguments.json:
        figures = {
            "measured": [asdict(measurement) for measurement in found],
            "extrapolated": [
                extrapolated(found[0], points=points, points_an_image=arguments.points_an_image)
                for points in arguments.points
            ],
            "balance": dict(zip(("largest share", "effective cells"), balance(base), strict=True)),
        }
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
