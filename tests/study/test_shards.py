"""Shards are joined, taken apart, written and read without a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.errors import StudyError
from pimmi.index.points import OTHER, POINT_FIELDS, RECORD, Points
from pimmi.study import shards as reading
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import StudyFolder
from pimmi.study.shards import (
    Shard,
    fill_shard,
    joined,
    read_offsets,
    read_shard,
    record_pieces,
    taken,
    write_shard,
)


def one_image(number: int, *, points: int) -> Shard:
    """An image whose arrays tell its number, with thumbnails of various sizes."""
    draw = np.random.default_rng(number)
    width, height = draw.integers(1, 9, 2).tolist()
    about = dict.fromkeys(IMAGES_SCHEMA.names, number) | {
        "image_id": f"{number * 7919 % 1000:032}",
        "format": "jpeg",
        "nb_points": points,
        "thumbnail_width": width,
        "thumbnail_height": height,
    }
    records = draw.integers(0, 256, (points, RECORD), np.uint8)
    forms = int(Points(records, np.zeros((0, OTHER), np.uint8)).other_counts.sum())
    return Shard(
        images=pa.Table.from_pylist([about], schema=IMAGES_SCHEMA),
        points=Points(records, draw.integers(0, 256, (forms, OTHER), np.uint8)),
        offsets=np.array([0, points]),
        signatures=draw.integers(0, 2**63, (1, 2), np.uint64),
        thumbnails=draw.integers(0, 256, width * height, np.uint8),
    )


def same(one: Shard, other: Shard) -> bool:
    pairs = [(getattr(one.points, name), getattr(other.points, name)) for name in POINT_FIELDS]
    pairs += [(getattr(one, name), getattr(other, name)) for name in ("offsets", "signatures", "thumbnails")]
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
    bad = replace(good, thumbnails=objects)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        write_shard(bad, folder)
    assert list(folder.shards.iterdir()) == []


@settings(max_examples=50)
@given(counts=st.lists(st.integers(0, 7), min_size=1, max_size=8), piece=st.integers(1, 20))
def test_the_pieces_of_the_records_are_those_of_all_images(counts: list[int], piece: int) -> None:
    shard = joined([one_image(number, points=count) for number, count in enumerate(counts)])
    with TemporaryDirectory() as temporary, patch.object(reading, "PIECE", piece):
        path = Path(temporary)
        fill_shard(shard, path)
        offsets = read_offsets(path)
        place = 0
        for images, records in record_pieces(path, offsets):
            assert images.start == place < images.stop
            assert len(records) < piece + max(counts)
            assert np.array_equal(records, shard.points.records[offsets[images.start] : offsets[images.stop]])
            place = images.stop
        assert place == len(shard)


def test_records_that_are_cut_off_are_told(tmp_path: Path) -> None:
    fill_shard(one_image(0, points=5), tmp_path)
    offsets = read_offsets(tmp_path)
    records = tmp_path / "records.npy"
    records.write_bytes(records.read_bytes()[:-1])
    with pytest.raises(StudyError, match="damaged or missing"):
        list(record_pieces(tmp_path, offsets))
