"""What a worker does with two shards: compare their images, and write the links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.index.codebook import load_codebook
from pimmi.matching.blocks import STANDING, ImageBlock, KnownCopies, Links
from pimmi.matching.lists import make_lists
from pimmi.settings import MatchingSettings
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import LINKS_COLUMNS, LINKS_SCHEMA, TRANSFORM, write_links_in_parts
from pimmi.study.shards import Shard, read_shard
from pimmi.workers.memory import keep_freed_memory

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CompareTask:
    """A pair of shards; `size` is how many pairs of images it has.

    `known` is what is known of the near-exact copies of the images of each of the two, or of the one, if anything is.
    """

    folder: StudyFolder
    pair: ShardPair
    settings: MatchingSettings
    size: int
    known: tuple[KnownCopies, ...] = ()


def compare_shards(task: CompareTask) -> int:
    """Write the links between the images of two shards, or inside one; returns how many are of near-exact copies."""
    keep_freed_memory()
    first, second = task.pair
    block = _block(task.folder.shard(first), task.settings)
    if first == second:
        near, matched = _links_inside(block, task)
    else:
        near, matched = _links_between(block, _block(task.folder.shard(second), task.settings), task)
    tables = (_table(links, task, len(block), near=False) for links in matched)
    of_near = _table(near, task, len(block), near=True)
    write_links_in_parts(chain([of_near], tables), task.folder, pair=task.pair)
    return len(near)


def _links_inside(block: ImageBlock, task: CompareTask) -> tuple[Links, Iterator[Links]]:
    """Those of near-exact copies, and the others, in parts."""
    from pimmi.matching.match import match_blocks, match_near

    codebook = load_codebook(task.settings.codebook)
    near = match_near(block, None, settings=task.settings, codebook=codebook, known=task.known)
    (rows,) = _standing([near.result], [len(block)], task)
    standing = block.taken(rows, codebook=codebook, probes=task.settings.probes)
    return near, _of_rows(rows, match_blocks(standing, None, settings=task.settings, codebook=codebook))


def _links_between(first: ImageBlock, second: ImageBlock, task: CompareTask) -> tuple[Links, Iterator[Links]]:
    """As `_links_inside`."""
    from pimmi.matching.match import match_blocks, match_near

    codebook = load_codebook(task.settings.codebook)
    near = match_near(first, second, settings=task.settings, codebook=codebook, known=task.known)
    found = [near.result[near.result < len(first)], near.result[near.result >= len(first)] - len(first)]
    rows = _standing(found, [len(first), len(second)], task)
    blocks = [
        block.taken(kept, codebook=codebook, probes=task.settings.probes)
        for block, kept in zip((first, second), rows, strict=True)
    ]
    of_both = np.concatenate([rows[0], rows[1] + len(first)])
    return near, _of_rows(of_both, match_blocks(*blocks, settings=task.settings, codebook=codebook))


def _of_rows(rows: Rows, parts: Iterator[Links]) -> Iterator[Links]:
    """The links between images of which only some rows were matched."""
    for links in parts:
        yield replace(links, query=rows[links.query], result=rows[links.result])


def _standing(found: Sequence[Rows], lengths: Sequence[int], task: CompareTask) -> list[Rows]:
    """The rows of each block that have fewer than STANDING near-exact copies of smaller id; `found` has each of those
    once for every copy that wasn't known."""
    counts = [np.bincount(rows, minlength=length) for rows, length in zip(found, lengths, strict=True)]
    for number, known in enumerate(task.known):
        counts[number] += known.counts
    return [np.flatnonzero(count < STANDING) for count in counts]


def image_block(shard: Shard, *, settings: MatchingSettings) -> ImageBlock:
    """What matching reads of a shard."""
    codebook = load_codebook(settings.codebook)
    return ImageBlock(
        ids=shard.ids,
        points=shard.points,
        lists=make_lists(shard.points, offsets=shard.offsets, codebook=codebook, probes=settings.probes),
        offsets=shard.offsets,
        original_sizes=_sizes(shard, ""),
        working_sizes=_sizes(shard, "working_"),
        signatures=shard.signatures,
        thumbnails=shard.thumbnails,
        thumbnail_sizes=_sizes(shard, "thumbnail_"),
    )


def _block(path: Path, settings: MatchingSettings) -> ImageBlock:
    """A worker may live longer than the study: another shard may have come to the same place."""
    found = (path / "images.parquet").stat()
    return _block_as_of(path, settings, found.st_ino, found.st_mtime_ns)


@lru_cache(maxsize=2)
def _block_as_of(path: Path, settings: MatchingSettings, _inode: int, _changed_ns: int) -> ImageBlock:
    return image_block(read_shard(path), settings=settings)


def _sizes(shard: Shard, prefix: str) -> NDArray[np.int32]:
    sides = [shard.images.column(f"{prefix}{side}").to_numpy() for side in ("width", "height")]
    return np.ascontiguousarray(np.column_stack(sides), np.int32)


def _table(links: Links, task: CompareTask, length: int, *, near: bool) -> pa.Table:
    """The links as rows of a link file; `length` is how many images the first shard has."""
    first, second = task.pair
    columns: dict[str, Any] = {"near": np.full(len(links), near)}
    for end, row in (("query", links.query), ("result", links.result)):
        columns[f"{end}_shard"] = np.where(row < length, first, second)
        columns[f"{end}_row"] = np.where(row < length, row, row - length)
    columns |= {name: links.transform[:, place] for place, name in enumerate(TRANSFORM)}
    for name in LINKS_COLUMNS.keys() - columns.keys():
        columns[name] = getattr(links, name)
    arrays = [pa.array(columns[name], kind) for name, kind in LINKS_COLUMNS.items()]
    return pa.table(arrays, schema=LINKS_SCHEMA)
