"""Which shards are to be matched again when images are gone, told from files of links."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from pimmi.matching.blocks import LOOKED_AT, STANDING
from pimmi.pipeline.near_copies import NearCopies
from pimmi.pipeline.renewing import shards_to_match
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import LINKS_SCHEMA, write_links
from pimmi.study.writing import write_parquet

Mask = NDArray[np.bool_]
COPY = (2, 5)
"""The image whose near-exact copies are in all shards."""


def images(shard: int) -> pa.Table:
    """Those of a shard, by rising ids, which are smaller than those of the next shard."""
    rows = [{"image_id": f"{shard}{row:03}"} for row in range(2 * STANDING)]
    return pa.Table.from_pylist(rows, schema=IMAGES_SCHEMA)


def near_links(shard: int, count: int, *, near: bool = True) -> pa.Table:
    """Links of COPY with the first images of a shard."""
    rows = [
        {
            "query_shard": shard,
            "query_row": row,
            "result_shard": COPY[0],
            "result_row": COPY[1],
            "near": near,
        }
        for row in range(count)
    ]
    return pa.Table.from_pylist(rows, schema=LINKS_SCHEMA)


def written(root: Path, counts: tuple[int, int], *, near: bool = True) -> StudyFolder:
    """Three shards, and the links of COPY with so many images of the first and of the second one."""
    folder = StudyFolder(root)
    for number in range(3):
        folder.shard(number).mkdir(parents=True)
        write_parquet(images(number), folder.shard(number) / "images.parquet")
    for shard, count in enumerate(counts):
        write_links(near_links(shard, count, near=near), folder, pair=(shard, COPY[0]))
    return folder


def without(*gone: ShardPair) -> dict[int, Mask]:
    """All images of the shards but the first of some: of each shard the number that is given."""
    held = {number: np.ones(2 * STANDING, bool) for number in range(3)}
    for shard, count in gone:
        held[shard][:count] = False
    return held


HALF = STANDING // 2


@pytest.mark.parametrize(
    ("counts", "gone", "expected"),
    [
        ((STANDING, 0), [(0, 1)], {2}),
        ((HALF, HALF), [(0, 1)], {2}),
        ((STANDING + 3, 0), [(0, 3)], set()),
        ((HALF, HALF + 3), [(0, 2), (1, 1)], set()),
        ((STANDING - 1, 0), [(0, STANDING - 1)], set()),
        ((STANDING + 3, STANDING), [(0, LOOKED_AT - STANDING)], set()),
        ((STANDING + 3, STANDING), [(0, LOOKED_AT - STANDING + 1)], {2}),
        ((STANDING, 0), [(1, STANDING), (2, COPY[1])], set()),
        ((STANDING, 0), [(0, STANDING), (2, COPY[1] + 1)], set()),
        ((STANDING, 0), [], set()),
    ],
)
def test_an_image_is_matched_again_when_too_few_are_left_that_stood_for_it(
    tmp_path: Path, counts: tuple[int, int], gone: list[ShardPair], expected: set[int]
) -> None:
    """Only the smallest count, since of those that are larger some were left out."""
    assert shards_to_match(NearCopies.of_all_links(written(tmp_path, counts)), without(*gone)) == expected


def test_other_links_do_not_make_an_image_stand(tmp_path: Path) -> None:
    folder = written(tmp_path, (STANDING, 0), near=False)
    assert shards_to_match(NearCopies.of_all_links(folder), without((0, STANDING))) == set()
