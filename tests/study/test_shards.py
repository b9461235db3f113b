"""Shards are joined, taken apart, written and read without a change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pimmi.index.points import FORM_FIELDS, POINT_FIELDS, Points
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import StudyFolder
from pimmi.study.shards import Shard, joined, read_shard, taken, write_shard

PROBES = 3


def one_image(number: int, *, points: int) -> Shard:
    """An image whose arrays tell its number, each point with one form, and every third with one more."""
    draw = np.random.default_rng(number)
    doubtful = np.arange(0, points, 3)
    forms = points + len(doubtful)
    about = dict.fromkeys(IMAGES_SCHEMA.names, number) | {
        "image_id": f"{number * 7919 % 1000:032}",
        "format": "jpeg",
        "nb_points": points,
    }
    return Shard(
        images=pa.Table.from_pylist([about], schema=IMAGES_SCHEMA),
        points=Points(
            positions=draw.integers(0, 9999, (points, 2), np.uint16),
            scales=draw.integers(0, 255, points, np.uint8),
            angles=draw.integers(0, 255, points, np.uint8),
            changes=draw.integers(0, 4, points, np.uint8),
            codes=draw.integers(0, 2**63, (points, 4), np.uint64),
            cells=draw.integers(0, 65536, points, np.uint16),
            form_points=np.concatenate([np.arange(points), doubtful]).astype(np.int32),
            form_changes=draw.integers(0, 4, forms, np.uint8),
            form_cells=draw.integers(0, 65536, (forms, PROBES), np.uint16),
        ),
        offsets=np.array([0, points]),
        thumbnails=draw.integers(0, 255, (1, 64), np.uint8),
    )


def same(one: Shard, other: Shard) -> bool:
    fields = (*POINT_FIELDS, *FORM_FIELDS)
    pairs = [(getattr(one.points, name), getattr(other.points, name)) for name in fields]
    pairs += [(one.offsets, other.offsets), (one.thumbnails, other.thumbnails)]
    return bool(one.images.equals(other.images)) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs
    )


@given(st.lists(st.integers(0, 7), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_joining_sorts_and_taking_gives_each_image_back(counts: list[int], random: object) -> None:
    images = [one_image(number, points=count) for number, count in enumerate(counts)]
    shuffle = getattr(random, "shuffle")  # noqa: B009
    order = list(range(len(images)))
    shuffle(order)
    half = len(order) // 2
    parts = [[images[place] for place in half_order] for half_order in (order[:half], order[half:])]
    whole = joined([joined(part) for part in parts if part] + [images[0]])
    assert whole.ids == sorted(shard.ids[0] for shard in images)
    for image in images:
        assert same(taken(whole, np.array([whole.ids.index(image.ids[0])])), image)


def test_a_shard_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    shards = [
        joined([one_image(number, points=count) for number, count in enumerate((5, 0, 4))]),
        one_image(9, points=0),
    ]
    assert [write_shard(shard, folder) for shard in shards] == [0, 1]
    for number, shard in enumerate(shards):
        assert same(read_shard(folder.shard(number)), shard)
    assert folder.shard_numbers() == [0, 1]


def test_a_shard_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    good = one_image(1, points=4)
    objects: object = np.array([object()])
    bad = Shard(images=good.images, points=good.points, offsets=good.offsets, thumbnails=objects)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        write_shard(bad, folder)
    assert list(folder.shards.iterdir()) == []
