"""Points made for the benchmark of very many images."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import scale
from pimmi.features.sift import extract
from pimmi.index.codebook import load_codebook
from pimmi.index.points import POINT_FIELDS, encode_points, stored_codes
from pimmi.matching.join import CROWDED
from pimmi.settings import Settings

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
NAMES = ("rocket", "coffee", "coins", "temple")


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("scale_index")


def base_of(index: ModuleType) -> Any:
    """The points of a few pictures."""
    blocks = []
    for name in NAMES:
        image = load_picture(name)
        grey = np.ascontiguousarray(scale(image, 256 / max(image.shape[:2])).mean(axis=2).astype(np.uint8))
        points = encode_points(
            extract(grey, settings=Settings().features),
            codebook=load_codebook(),
            probes=Settings().matching.probes,
        )
        blocks.append(index.Block(points, np.array([0, len(points)]), Settings().matching))
    return index.joined(blocks)


def test_images_are_taken_with_their_points_and_forms(index: ModuleType) -> None:
    base = base_of(index)
    again = index.taken(base, np.array([2, 0, 2]))
    first, last = (index.taken(again, np.array([place])) for place in (0, 2))
    alone = index.taken(base, np.array([2]))
    for name in POINT_FIELDS:
        assert np.array_equal(getattr(first.points, name), getattr(alone.points, name))
        assert np.array_equal(getattr(last.points, name), getattr(alone.points, name))
    assert len(again.points) == sum(np.diff(base.offsets)[[2, 0, 2]])


def test_made_points_have_the_cells_of_real_ones_and_codes_between_two(index: ModuleType) -> None:
    base = base_of(index)
    one, other = (index.made(base, points=2000, rng=np.random.default_rng(0)) for _ in range(2))
    assert np.array_equal(one.points.records, other.points.records)
    assert 2000 <= len(one.points) < 2000 + np.diff(base.offsets).max()
    codes = stored_codes(base.points.records)
    by_cell = {int(cell): codes[base.cells == cell] for cell in set(base.cells.tolist())}
    made = stored_codes(one.points.records)
    assert not np.isin(made.tolist(), codes.tolist()).all()
    for code, cell in zip(made[:200], one.cells[:200].tolist(), strict=True):
        either, both = np.bitwise_or.reduce(by_cell[cell]), np.bitwise_and.reduce(by_cell[cell])
        assert not (code & ~either).any()
        assert not (both & ~code).any()


def test_sign_and_levels_of_an_axis_come_from_the_same_point(index: ModuleType) -> None:
    zeros, ones = np.zeros((50, 3), np.uint64), np.full((50, 3), 2**64 - 1, np.uint64)
    codes = index.crossed(zeros, ones, rng=np.random.default_rng(0))
    assert np.array_equal(codes[:, 0], codes[:, 2])
    shares = np.bitwise_count(codes[:, :2]).sum(axis=1) / 128
    assert abs(shares.mean() - 0.5) < 0.05


def test_joining_finds_copies_and_counts_comparisons(index: ModuleType, tmp_path: Path) -> None:
    base = base_of(index)
    halves = [index.taken(base, np.array(rows)) for rows in ([0, 1], [1, 2, 3])]
    paths = [index.save(half, tmp_path / f"{number}.npz") for number, half in enumerate(halves)]
    joined = index.join_files(paths)
    shared = np.diff(base.offsets)[1]
    assert joined.images == 5
    assert shared <= joined.matches < joined.comparisons
    expected = 0
    for query, others in (halves, halves[::-1]):
        lists = query.lists
        for nearest, origin in zip(lists.nearest.tolist(), lists.origins.tolist(), strict=True):
            expected += looked_at(nearest, lists.shapes[origin & 15].tolist(), others.cells)
        for nearest in lists.other_nearest.tolist():
            expected += looked_at(nearest, [2, 2], others.cells)
    assert joined.comparisons == expected


def test_all_pairs_of_shards_are_joined(index: ModuleType, tmp_path: Path) -> None:
    everything = importlib.import_module("scale_index_all")
    paths, points, images = everything.made_shards(
        base_of(index), tmp_path, points=3000, of_shard=1000, seed=0
    )
    found = everything.join_all(paths, points=points, images=images, workers=2)
    shards = [index.load(path) for path in paths]
    assert (found.points, found.images) == (sum(len(one.points) for one in shards), sum(map(len, shards)))
    assert found.pairs == 6
    alone = [index.join(one, None) for one in shards]
    across = [index.join(shards[a], shards[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert found.matches == sum(alone) + sum(across) > 0


def looked_at(nearest: int, lengths: list[int], cells: NDArray[np.int64]) -> int:
    """How many points are in the cells of a form: of its nearest centroids, 8 bits each, so many with each.

    But for its nearest cell, those that are crowded are left out.
    """
    content = nearest.to_bytes(8, "little")
    depth = len(lengths)
    wanted = [
        (content[first] << 8) + content[depth + second]
        for first, length in enumerate(lengths)
        for second in range(length)
    ]
    limits = load_codebook().limits
    looked = [cell for cell in wanted if cell == wanted[0] or limits[cell] > CROWDED]
    return int(np.isin(cells, looked).sum())


def test_all_pairs_of_shards_are_extrapolated_from_a_few(index: ModuleType) -> None:
    def joined(*, points: int, seconds: float) -> object:
        return index.Joined(
            images=10, points=points, comparisons=0, matches=0, seconds=seconds, peak_memory_mb=1
        )

    found = index.Measurement(
        kind="made", selves=[joined(points=1000, seconds=1)], crosses=[joined(points=2000, seconds=2)]
    )
    told = index.extrapolated(found, points=4000, points_an_image=100)
    assert (told["shards"], told["pairs of shards"]) == (4, 10)
    assert told["CPU, s"] == 4 * 1 + 6 * 2
    assert told["CPU, ms an image"] == 1000 * 16 / 40
