"""Images looked up one by one are those of the shards that they lie in."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import encode_jpeg
from pimmi.images.identify import image_id
from pimmi.pipeline.comparing import image_block
from pimmi.pipeline.reading import describe
from pimmi.pipeline.shelf import Shelf, block_of
from pimmi.settings import Settings
from pimmi.study.shards import Shard, fill_shard, joined, taken

SETTINGS = Settings()


@pytest.fixture(scope="module")
def shards() -> list[Shard]:
    pictures = [
        encode_jpeg(load_picture(name), quality=90) for name in ("cat", "coffee", "page", "astronaut")
    ]
    found = [describe(data, image_id(data), settings=SETTINGS) for data in pictures]
    return [joined(found[:3]), found[3]]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return bool(one == other)


@pytest.mark.parametrize("forms_known", [True, False])
def test_a_block_of_some_images_is_that_of_a_shard_of_them(
    shards: list[Shard], tmp_path: Path, forms_known: bool
) -> None:
    shelves = []
    for number, shard in enumerate(shards):
        path = tmp_path / str(number)
        path.mkdir()
        fill_shard(shard, path)
        forms = Shelf.read(path).forms if forms_known else None
        shelves.append(Shelf.read(path, forms=forms))
    chosen = [(0, 0), (0, 2), (1, 0)]
    chosen.sort(key=lambda place: shards[place[0]].ids[place[1]])
    found = block_of([(shelves[shelf], row) for shelf, row in chosen], settings=SETTINGS.matching)
    wanted = joined([taken(shards[0], np.array([0, 2])), shards[1]])
    assert same(found, image_block(wanted, settings=SETTINGS.matching))
    assert len(found) == 3
