"""Link files: what matching found between the images of two shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.reading import read_parquet
from pimmi.study.writing import write_parquet_parts, written_whole

TRANSFORM = ("a11", "a12", "tx", "a21", "a22", "ty")

LINKS_COLUMNS: dict[str, pa.DataType] = {
    "query_shard": pa.int32(),
    "query_row": pa.int32(),
    "result_shard": pa.int32(),
    "result_row": pa.int32(),
    "change": pa.uint8(),
    "score": pa.float64(),
    "inliers": pa.int32(),
    **{name: pa.float64() for name in TRANSFORM},
    "query_coverage": pa.float64(),
    "result_coverage": pa.float64(),
    "relation": pa.uint8(),
    "agreement": pa.float64(),
    "conflict": pa.float64(),
    "query_part": pa.uint64(),
    "result_part": pa.uint64(),
    "query_other": pa.uint64(),
    "result_other": pa.uint64(),
    "confidence": pa.float64(),
    "near": pa.bool_(),
}
LINKS_SCHEMA = pa.schema(LINKS_COLUMNS)
"""As in `pimmi.matching.blocks.Links`, with images named by their place in the study.

`near` is true for near-exact copies that were found before matching (`pimmi.matching.near`).
"""


def write_links(links: pa.Table, folder: StudyFolder, *, pair: ShardPair) -> None:
    """Write the file of a pair of shards."""
    write_links_in_parts([links], folder, pair=pair)


def write_links_in_parts(tables: Iterable[pa.Table], folder: StudyFolder, *, pair: ShardPair) -> None:
    """Write the file of a pair of shards, whose links come in tables one after the other."""
    with written_whole(folder.links_of(pair)) as path:
        write_parquet_parts(tables, path, schema=LINKS_SCHEMA)


def read_links(
    folder: StudyFolder, *, minimum_confidence: float, columns: Sequence[str]
) -> Iterator[pa.Table]:
    """For each pair of shards, some columns of its links whose confidence is `minimum_confidence` or more."""
    names = dict.fromkeys([*columns, "confidence"])
    schema = pa.schema([LINKS_SCHEMA.field(name) for name in names])
    for pair in folder.linked_pairs():
        links = read_parquet(folder.links_of(pair), schema=schema)
        sure: Any = pc.greater_equal(links.column("confidence"), pa.scalar(minimum_confidence))
        yield links.filter(sure).select(list(columns))
