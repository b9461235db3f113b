"""Renewing shards some of whose images are to be matched again, because images that stood for them are gone.

An image with STANDING near-exact copies of smaller id or more isn't matched with the rest (`pimmi.study.standing`), and
of its near-exact copies only the smallest are looked for. When those go, the rest is missing.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.matching.blocks import STANDING
from pimmi.pipeline.near_copies import NearCopies, shard_ids
from pimmi.study.catalogue import among, id_array
from pimmi.study.files import FILES_SCHEMA, read_files, write_files
from pimmi.study.images import count_images
from pimmi.study.layout import StudyFolder
from pimmi.study.links import LINKS_SCHEMA, write_links
from pimmi.study.moving import Places
from pimmi.study.reading import read_parquet
from pimmi.study.shards import read_shard, taken, write_shard

Mask = NDArray[np.bool_]


def renew(folder: StudyFolder) -> None:
    """Do what `renew_shards` does, at once, with the files of the study. The caller holds the study's lock."""
    if renew_shards(folder, read_files(folder)):
        write_files(FILES_SCHEMA.empty_table(), folder)
        folder.remove_unfinished()


def renew_shards(folder: StudyFolder, files: pa.Table) -> bool:
    """Write anew the shards of which an image has lost those that stood for it, so that they are matched again.

    Images that none of `files` holds are left out, there and in all other shards, so that they stand for nothing any
    more. What is written counts once the next part of the files table is there. Returns whether anything is.
    """
    images = len(pc.unique(files.column("image_id").drop_null()))
    if images == sum(count_images(folder, number) for number in folder.shard_numbers()):
        return False
    held = _held(folder, files)
    copies = NearCopies.of_all_links(folder)
    unmatched = shards_to_match(copies, held)
    if unmatched:
        copies.drop_superfluous()
        _write(folder, held, unmatched)
    return bool(unmatched)


def shards_to_match(copies: NearCopies, held: dict[int, Mask]) -> set[int]:
    """The shards with an image that is to be matched again if, of each shard, only the images `held` remain.

    Those are images that keep fewer than STANDING of their LOOKED_AT smallest copies, and had as many.
    """
    return {
        number
        for number, before, after in copies.remaining(held)
        if (held[number] & (before >= STANDING) & (after < STANDING)).any()
    }


def _held(folder: StudyFolder, files: pa.Table) -> dict[int, Mask]:
    """For each shard, which of its images a file holds."""
    ids = np.unique(id_array(files.select(["image_id"]).drop_null()))
    return {number: among(shard_ids(folder, number), ids) for number in folder.shard_numbers()}


def _write(folder: StudyFolder, held: dict[int, Mask], unmatched: set[int]) -> None:
    """Write the shards that are unmatched or hold more than is held, and the links of the others among them."""
    empty = [number for number, mask in held.items() if not mask.any()]
    awaits = folder.next_files_number()
    places, numbers = Places(), {}
    for number, mask in held.items():
        if mask.any() and (number in unmatched or not mask.all()):
            rows = np.flatnonzero(mask)
            arrival = {"awaits": awaits, "replaces": [number, *empty]}
            numbers[number] = write_shard(
                taken(read_shard(folder.shard(number)), rows), folder, arrival=arrival
            )
            moved = np.full(len(mask), -1)
            moved[rows] = np.arange(len(rows))
            places.move(number, to=numbers[number], rows=moved)
    for pair in folder.linked_pairs():
        if numbers.keys() & set(pair) and not unmatched.union(empty).intersection(pair):
            first, second = sorted(numbers.get(number, number) for number in pair)
            links = places.moved(read_parquet(folder.links_of(pair), schema=LINKS_SCHEMA))
            write_links(links, folder, pair=(first, second))
