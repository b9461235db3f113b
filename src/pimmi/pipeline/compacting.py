"""Compacting: shards without the images that no file holds any more, and fewer of them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from pimmi.pipeline.near_copies import NearCopies
from pimmi.pipeline.renewing import renew
from pimmi.progress import Progress
from pimmi.settings import Settings
from pimmi.study.catalogue import Catalogue
from pimmi.study.groups import check_matched
from pimmi.study.images import count_images, read_images
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import LINKS_SCHEMA, write_links_in_parts
from pimmi.study.moving import Places
from pimmi.study.reading import read_parquet
from pimmi.study.shards import Shard, joined, read_shard, taken, write_shard
from pimmi.study.status import disk_use
from pimmi.study.writing import remove

Rows = NDArray[np.int64]
NO_ROWS: Rows = np.empty(0, np.int64)


@dataclass(frozen=True, kw_only=True)
class Compacted:
    """What compacting a study did."""

    dropped: int
    """Images that no file held any more."""
    shards_before: int
    shards: int
    bytes_freed: int
    """Disk space that the study takes less than before."""


def compact_study(folder: StudyFolder, *, settings: Settings, progress: Progress) -> Compacted:
    """Rewrite shards so that what no file holds is dropped, and that small ones are joined; no table changes.

    One new shard is written at a time, with its links; once it has its name it replaces others, which are then deleted.
    What a run that was killed had read, and no shard holds, is dropped as well. Raises StudyError if some images aren't
    compared yet. The caller holds the study's lock.
    """
    renew(folder)
    check_matched(folder)
    before, shards_before = sum(disk_use(folder).values()), len(folder.shard_numbers())
    catalogue = Catalogue.read(folder)
    rows = catalogue.rows_by_shard
    held = {number: rows.get(number, NO_ROWS) for number in folder.shard_numbers()}
    dropped = len(read_images(folder)) - sum(map(len, held.values()))
    if dropped:
        NearCopies.of_all_links(folder).drop_superfluous()
    groups = [
        group
        for group in _groups(held, most=settings.images.shard_images)
        if len(group) > 1 or _has_dead(folder, group[0], held[group[0]])
    ]
    images = sum(len(held[number]) for group in groups for number in group)
    with progress.stage("Compacting", total=images, unit="images") as stage:
        for group in groups:
            _replace(folder, {number: held[number] for number in group})
            stage.advance(sum(len(held[number]) for number in group))
    _drop_pictures(folder, {name.decode() for name in catalogue.ids.tolist()})
    for part in folder.pending_parts():
        remove(part)
    return Compacted(
        dropped=dropped,
        shards_before=shards_before,
        shards=len(folder.shard_numbers()),
        bytes_freed=max(0, before - sum(disk_use(folder).values())),
    )


def _drop_pictures(folder: StudyFolder, held: set[str]) -> None:
    """Remove the small pictures that the pages made of images that no file holds any more."""
    for path in sorted((folder.root / "thumbs").glob("*/*.webp")):
        if path.stem not in held:
            path.unlink(missing_ok=True)


def _has_dead(folder: StudyFolder, number: int, held: Rows) -> bool:
    return count_images(folder, number) > len(held)


def _groups(held: dict[int, Rows], *, most: int) -> list[list[int]]:
    """The shards to join with each other, `most` images together: small ones with small ones, so that few are written.

    What was joined in this way is left alone when it comes again.
    """
    groups: list[list[int]] = []
    size = 0
    for number in sorted(held, key=lambda number: (len(held[number]), number)):
        if not groups or size + len(held[number]) > most:
            groups.append([])
            size = 0
        groups[-1].append(number)
        size += len(held[number])
    return [sorted(group) for group in groups]


def _replace(folder: StudyFolder, group: dict[int, Rows]) -> None:
    """Put one shard in the place of a group, or none if no file holds an image of it."""
    if any(map(len, group.values())):
        number = folder.next_shard_number()
        shard, places = _joined(folder, group, number)
        _move_links(folder, list(group), places, number)
        write_shard(shard, folder, arrival={"replaces": list(group)})
    else:
        for empty in group:
            folder.drop_shard(empty)
    folder.remove_unfinished()
    if folder.clusters.exists():
        os.utime(folder.clusters)


def _joined(folder: StudyFolder, group: dict[int, Rows], number: int) -> tuple[Shard, Places]:
    parts = [taken(read_shard(folder.shard(other)), rows) for other, rows in group.items()]
    shard = joined(parts)
    ids = np.array(shard.ids)
    places = Places()
    for (other, rows), part in zip(group.items(), parts, strict=True):
        moved = np.full(count_images(folder, other), -1)
        moved[rows] = np.searchsorted(ids, np.array(part.ids, dtype=ids.dtype))
        places.move(other, to=number, rows=moved)
    return shard, places


def _move_links(folder: StudyFolder, group: Sequence[int], places: Places, number: int) -> None:
    """Write the links of the new shard with each other one, and inside it."""
    sources: defaultdict[ShardPair, list[ShardPair]] = defaultdict(list)
    for pair in combinations_with_replacement(folder.shard_numbers(), 2):
        ends = sorted(number if shard in group else shard for shard in pair)
        if number in ends:
            sources[ends[0], ends[1]].append(pair)
    for target, pairs in sources.items():
        tables = (
            places.moved(read_parquet(folder.links_of(pair), schema=LINKS_SCHEMA)).select(LINKS_SCHEMA.names)
            for pair in pairs
        )
        write_links_in_parts(tables, folder, pair=target)
