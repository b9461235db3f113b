"""Merging: what other studies hold comes into one, without reading an image again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.decisions.store import DecisionStore
from pimmi.errors import StudyError
from pimmi.pipeline.near_copies import NearCopies
from pimmi.pipeline.renewing import shards_to_match
from pimmi.progress import Progress, Stage
from pimmi.study.catalogue import Ids, among, id_array
from pimmi.study.files import FILES_SCHEMA, are_moved, are_removed, in_study, not_in, read_newest, write_files
from pimmi.study.images import read_images
from pimmi.study.layout import StudyFolder
from pimmi.study.links import LINKS_SCHEMA, write_links
from pimmi.study.moving import Places
from pimmi.study.reading import read_parquet, values
from pimmi.study.shards import read_shard, taken, write_shard
from pimmi.study.sorting import sorted_by


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What came from other studies."""

    files: int
    decisions: int
    """What a person decided there."""


def merge_studies(folder: StudyFolder, others: Sequence[StudyFolder], *, progress: Progress) -> Merged:
    """Bring the files of other studies, their images, links and decisions, into a study.

    An image that is there already stays where it is. Nothing of it counts before the files are written; what came is
    removed if that doesn't happen. Then come the decisions. Raises StudyError, before anything is written, if the
    studies have different images under one path. The caller holds the study's lock, and has compared settings and
    codebooks.
    """
    known, coming = read_newest(folder), []
    for other in others:
        coming.append(_coming(known, other, folder))
        known = pa.concat_tables([not_in(known, coming[-1], keys=["path"]), coming[-1]])
    files = pa.concat_tables([FILES_SCHEMA.empty_table(), *coming])
    store = DecisionStore(folder)
    decisions = store.unknown([DecisionStore(other).rows() for other in others])
    came = Merged(files=len(files), decisions=sum(map(len, decisions)))
    if came.files:
        _bring_images(folder, others, coming, progress=progress)
    if came.files or came.decisions:
        write_files(sorted_by(files, "path"), folder)
    if came.decisions:
        store.bring(decisions)
    return came


def _bring_images(
    folder: StudyFolder, others: Sequence[StudyFolder], coming: Sequence[pa.Table], *, progress: Progress
) -> None:
    shards = sum(len(other.shard_numbers()) for other in others)
    with progress.stage("Merging", total=shards, unit="shards") as stage:
        ids = np.sort(id_array(read_images(folder)))
        for other, rows in zip(others, coming, strict=True):
            ids = np.sort(np.concatenate([ids, _bring(folder, other, rows, known=ids, stage=stage)]))


def _coming(known: pa.Table, other: StudyFolder, folder: StudyFolder) -> pa.Table:
    """The rows of another study's files that are to come; what was removed here comes if it is another image now."""
    rows = read_newest(other)
    new = not_in(rows, known, keys=["path"])
    theirs = sorted_by(rows.filter(pc.is_in(rows.column("path"), value_set=known.column("path"))), "path")
    ours = sorted_by(known.filter(pc.is_in(known.column("path"), value_set=theirs.column("path"))), "path")
    differ = np.array(values(ours, "image_id"), object) != np.array(values(theirs, "image_id"), object)
    live, away = ~_mask(are_removed(theirs)), _mask(are_removed(ours))
    conflicts = theirs.filter(pa.array(differ & live & ~away))
    if len(conflicts):
        raise _two_images(values(conflicts, "path"), other, folder)
    again = live & away & (differ | _mask(are_moved(ours)))
    return pa.concat_tables([new, theirs.filter(pa.array(again))])


def _two_images(paths: list[str], other: StudyFolder, folder: StudyFolder) -> StudyError:
    more = f", as are {len(paths) - 1} more paths" if len(paths) > 1 else ""
    return StudyError(
        f"{paths[0]} is one image in {folder.root} and another in {other.root}{more}: paths start at the folder of "
        f"images, so put both folders into one and make a study of that, or pimmi remove the path from one of the two"
    )


def _bring(folder: StudyFolder, other: StudyFolder, rows: pa.Table, *, known: Ids, stage: Stage) -> Ids:
    """Write the images that some rows hold and that aren't `known` (sorted) yet, and their links; returns their ids."""
    held = np.unique(id_array(in_study(rows).select(["image_id"]).drop_null()))
    places, brought = Places(), [held[:0]]
    numbers, remain = {}, {}
    for number in other.shard_numbers():
        shard = read_shard(other.shard(number))
        ids = id_array(shard.images)
        remain[number] = among(ids, held) & ~among(ids, known)
        kept = np.flatnonzero(remain[number])
        if len(kept):
            arrival = {"awaits": folder.next_files_number()}
            numbers[number] = write_shard(taken(shard, kept), folder, arrival=arrival)
            moved = np.full(len(ids), -1)
            moved[kept] = np.arange(len(kept))
            places.move(number, to=numbers[number], rows=moved)
            brought.append(ids[kept])
        stage.advance()
    copies = NearCopies.of_all_links(other)
    carried = numbers.keys() - shards_to_match(copies, remain)
    for first, second in other.linked_pairs():
        if first in carried and second in carried:
            links = read_parquet(other.links_of((first, second)), schema=LINKS_SCHEMA)
            links = places.moved(links.filter(pa.array(~copies.superfluous(links))))
            write_links(links, folder, pair=(numbers[first], numbers[second]))
    return np.concatenate(brought)


def _mask(column: Any) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = np.asarray(column.to_numpy())
    return mask
