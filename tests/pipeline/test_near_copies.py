"""What links tell of near-exact copies, and which of those links are of no use."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations_with_replacement
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.matching.blocks import LOOKED_AT, KnownCopies
from pimmi.pipeline.near_copies import NearCopies
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import LINKS_SCHEMA, write_links
from pimmi.study.reading import read_parquet, values
from pimmi.study.writing import write_parquet

Place = tuple[int, int]
FLOOD = 2 * LOOKED_AT
SHARDS = 4


def make_shards(root: Path, ids: Iterable[list[str]]) -> StudyFolder:
    """A study of nothing but images, with these ids in each shard."""
    folder = StudyFolder(root)
    for number, of_shard in enumerate(ids):
        folder.shard(number).mkdir(parents=True)
        rows = [{"image_id": image_id} for image_id in of_shard]
        write_parquet(
            pa.Table.from_pylist(rows, schema=IMAGES_SCHEMA), folder.shard(number) / "images.parquet"
        )
    return folder


def write_near(folder: StudyFolder, pair: ShardPair, links: Iterable[tuple[Place, Place]]) -> None:
    rows = [
        {
            "query_shard": query[0],
            "query_row": query[1],
            "result_shard": result[0],
            "result_row": result[1],
            "near": True,
        }
        for query, result in links
    ]
    write_links(pa.Table.from_pylist(rows, schema=LINKS_SCHEMA), folder, pair=pair)


def near_links(folder: StudyFolder) -> list[tuple[Place, Place]]:
    found = []
    for pair in folder.linked_pairs():
        links = read_parquet(folder.links_of(pair), schema=LINKS_SCHEMA)
        ends = [
            list(zip(values(links, f"{end}_shard"), values(links, f"{end}_row"), strict=True))
            for end in ("query", "result")
        ]
        found += list(zip(*ends, strict=True))
    return sorted(found)


def found_in(other: list[str], image_id: str, known: list[int], alike: set[tuple[str, str]]) -> list[int]:
    """The rows of another shard that a task finds for an image of which some copies are known: see `near_pairs`."""
    rows: list[int] = []
    for row, other_id in enumerate(other):
        if other_id >= image_id or len(rows) + sum(each <= row for each in known) >= LOOKED_AT:
            break
        if (other_id, image_id) in alike:
            rows.append(row)
    return rows


def rows_known(known: KnownCopies, row: int) -> list[int]:
    starts = np.cumsum([0, *known.counts.tolist()])
    return [int(each) for each in known.rows[starts[row] : starts[row + 1]]]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), apart=st.floats(0, 0.3))
def test_in_any_order_of_tasks_the_smallest_are_found(seed: int, apart: float) -> None:
    """Of copies nearly all of which are near-exact to each other, in shards that are compared in any order."""
    drawn = np.random.default_rng(seed)
    shard_of = drawn.integers(0, SHARDS, FLOOD)
    names = [f"{place:03}" for place in range(FLOOD)]
    ids = [
        [name for name, own in zip(names, shard_of, strict=True) if own == shard] for shard in range(SHARDS)
    ]
    place_of = {name: (shard, row) for shard, own in enumerate(ids) for row, name in enumerate(own)}
    alike = {
        (names[query], names[result])
        for result in range(FLOOD)
        for query in range(result)
        if drawn.random() >= apart
    }
    with TemporaryDirectory() as root:
        folder = make_shards(Path(root), ids)
        copies = NearCopies.inside_shards(folder)
        tasks = list(combinations_with_replacement(range(SHARDS), 2))
        for task in drawn.permutation(len(tasks)).tolist():
            first, second = tasks[task]
            links = []
            ends = [(first, second)] if first == second else [(first, second), (second, first)]
            for (own, other), known in zip(ends, copies.before((first, second)), strict=True):
                for row, image_id in enumerate(ids[own]):
                    found = found_in(ids[other], image_id, rows_known(known, row), alike)
                    links += [((other, other_row), (own, row)) for other_row in found]
            write_near(folder, (first, second), links)
            if drawn.random() < 0.8:
                copies.learn((first, second))
        expected = [
            (place_of[query], place_of[result])
            for result in names
            for query in [query for query in names if (query, result) in alike][:LOOKED_AT]
        ]
        assert set(expected) <= set(near_links(folder))
        NearCopies.of_all_links(folder).drop_superfluous()
        assert near_links(folder) == sorted(expected)


def test_a_later_shard_is_told_what_an_earlier_one_has(tmp_path: Path) -> None:
    """An image with as many copies as are looked for in one shard needs no larger ones of another."""
    ids = [[f"{shard}{row:03}" for row in range(LOOKED_AT)] for shard in range(2)]
    folder = make_shards(tmp_path, [*ids, ["3"]])
    write_near(folder, (0, 2), [((0, row), (2, 0)) for row in range(LOOKED_AT)])
    copies = NearCopies(folder)
    copies.learn((0, 2))
    (of_first, of_last) = copies.before((1, 2))
    assert not of_first.counts.any()
    assert of_last.counts.tolist() == [LOOKED_AT]
    assert found_in(ids[1], "3", rows_known(of_last, 0), {(image_id, "3") for image_id in ids[1]}) == []


def test_links_that_are_no_near_exact_copies_stay(tmp_path: Path) -> None:
    folder = make_shards(tmp_path, [[f"{row:03}" for row in range(2 * LOOKED_AT)], ["9"]])
    write_near(folder, (0, 1), [((0, row), (1, 0)) for row in range(2 * LOOKED_AT)])
    links = read_parquet(folder.links_of((0, 1)), schema=LINKS_SCHEMA)
    place = LINKS_SCHEMA.get_field_index("near")
    near = pa.array([row % 2 == 0 for row in range(2 * LOOKED_AT)])
    write_links(links.set_column(place, LINKS_SCHEMA.field("near"), near), folder, pair=(0, 1))
    before = folder.links_of((0, 1)).stat().st_mtime_ns
    NearCopies.of_all_links(folder).drop_superfluous()
    assert len(near_links(folder)) == 2 * LOOKED_AT
    assert folder.links_of((0, 1)).stat().st_mtime_ns == before
