"""What a worker does with two shards: compare their images, and write the links."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.index.codebook import load_codebook
from pimmi.matching.blocks import ImageBlock, Links
from pimmi.settings import MatchingSettings
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import LINKS_COLUMNS, LINKS_SCHEMA, TRANSFORM, write_links
from pimmi.study.shards import Shard, read_shard


@dataclass(frozen=True, slots=True)
class CompareTask:
    """A pair of shards; `size` is how many pairs of images it has."""

    folder: StudyFolder
    pair: ShardPair
    settings: MatchingSettings
    size: int


def compare_shards(task: CompareTask) -> int:
    """Write the links between the images of two shards, or inside one; returns how many."""
    from pimmi.matching.match import match_blocks

    first, second = task.pair
    links = match_blocks(
        _block(task.folder.shard(first)),
        None if first == second else _block(task.folder.shard(second)),
        settings=task.settings,
        codebook=load_codebook(),
    )
    write_links(_table(links, task), task.folder, pair=task.pair)
    return len(links)


def image_block(shard: Shard) -> ImageBlock:
    """What matching reads of a shard."""
    return ImageBlock(
        ids=shard.ids,
        points=shard.points,
        offsets=shard.offsets,
        original_sizes=_sizes(shard, ""),
        working_sizes=_sizes(shard, "working_"),
        thumbnails=shard.thumbnails,
        thumbnail_sizes=_sizes(shard, "thumbnail_"),
    )


def _block(path: Path) -> ImageBlock:
    """A worker may live longer than the study: another shard may have come to the same place."""
    found = (path / "images.parquet").stat()
    return _block_as_of(path, found.st_ino, found.st_mtime_ns)


@lru_cache(maxsize=2)
def _block_as_of(path: Path, _inode: int, _changed_ns: int) -> ImageBlock:
    return image_block(read_shard(path))


def _sizes(shard: Shard, prefix: str) -> NDArray[np.int32]:
    sides = [shard.images.column(f"{prefix}{side}").to_numpy() for side in ("width", "height")]
    return np.ascontiguousarray(np.column_stack(sides), np.int32)


def _table(links: Links, task: CompareTask) -> pa.Table:
    first, second = task.pair
    length = len(_block(task.folder.shard(first)))
    columns: dict[str, Any] = {}
    for end, row in (("query", links.query), ("result", links.result)):
        columns[f"{end}_shard"] = np.where(row < length, first, second)
        columns[f"{end}_row"] = np.where(row < length, row, row - length)
    columns |= {name: links.transform[:, place] for place, name in enumerate(TRANSFORM)}
    for name in LINKS_COLUMNS.keys() - columns.keys():
        columns[name] = getattr(links, name)
    arrays = [pa.array(columns[name], kind) for name, kind in LINKS_COLUMNS.items()]
    return pa.table(arrays, schema=LINKS_SCHEMA)
