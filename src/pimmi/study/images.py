"""The images of a study, each once, with the place of each in its shard."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pimmi.study.layout import StudyFolder
from pimmi.study.reading import count_rows, read_parquet

IMAGES_COLUMNS: dict[str, pa.DataType] = {
    "image_id": pa.string(),
    "width": pa.int32(),
    "height": pa.int32(),
    "format": pa.string(),
    "bytes": pa.int64(),
    "nb_points": pa.int32(),
    "working_width": pa.int32(),
    "working_height": pa.int32(),
    "thumbnail_width": pa.int32(),
    "thumbnail_height": pa.int32(),
}
IMAGES_SCHEMA = pa.schema(IMAGES_COLUMNS)
"""The table of a shard, sorted by `image_id`; all sizes are in pixels, and of the upright image."""


def read_images(folder: StudyFolder) -> pa.Table:
    """The images of all shards, in the order of the shards, with the columns `shard` and `row` added."""
    tables = [_with_places(IMAGES_SCHEMA.empty_table(), shard=0)]
    for number in folder.shard_numbers():
        images = read_parquet(folder.shard(number) / "images.parquet", schema=IMAGES_SCHEMA)
        tables.append(_with_places(images, shard=number))
    return pa.concat_tables(tables).combine_chunks()


def count_images(folder: StudyFolder, number: int) -> int:
    """How many images a shard has."""
    return count_rows(folder.shard(number) / "images.parquet")


def _with_places(images: pa.Table, *, shard: int) -> pa.Table:
    count = len(images)
    images = images.append_column("shard", pa.array(np.full(count, shard, np.int64)))
    return images.append_column("row", pa.array(np.arange(count)))
