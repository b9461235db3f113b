"""Renewing shards some of whose images are to be matched again, because images that stood for them are gone.

An image with STANDING near-exact copies of smaller id or more isn't matched with the rest (`pimmi.study.standing`), and
of its near-exact copies in one shard only the smallest are linked with it. When those go, the rest is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.matching.blocks import LOOKED_AT, STANDING
from pimmi.study.catalogue import PLACES, among, id_array
from pimmi.study.files import FILES_SCHEMA, read_files, write_files
from pimmi.study.images import IMAGES_SCHEMA, count_images
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import LINKS_SCHEMA, write_links
from pimmi.study.moving import Places
from pimmi.study.reading import read_parquet
from pimmi.study.shards import read_shard, taken, write_shard

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
NEAR_SCHEMA = pa.schema([LINKS_SCHEMA.field(name) for name in (*PLACES, "near")])


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
    unmatched = shards_to_match(folder, held)
    if unmatched:
        _write(folder, held, unmatched)
    return bool(unmatched)


def shards_to_match(folder: StudyFolder, held: Mapping[int, Mask]) -> set[int]:
    """The shards with an image that is to be matched again if, of each shard, only the images `held` remain."""
    numbers = sorted(held)
    starts = dict(zip(numbers, np.cumsum([0, *(len(held[number]) for number in numbers)]), strict=False))
    remain = np.concatenate([np.zeros(0, bool), *(held[number] for number in numbers)])
    if remain.all():
        return set()
    ranks = _ranks(folder, numbers)
    before, after = np.zeros((2, len(remain)), np.int64)
    cut = np.zeros(len(remain), bool)
    pairs = folder.linked_pairs()
    inside = {first: _near(folder, (first, second), starts) for first, second in pairs if first == second}
    for pair in pairs:
        first, second = pair
        found = inside[first] if first == second else _near(folder, pair, starts)
        before += np.bincount(found[1], minlength=len(remain))
        after += np.bincount(found[1][remain[found[0]]], minlength=len(remain))
        if first != second:
            known = [inside[number] for number in pair if number in inside]
            found = np.concatenate([found, *known], axis=1)
        cut |= _cut(found[0], found[1], remain, ranks)
    (again,) = np.nonzero(remain & (cut | _lost(before, after)))
    places = np.searchsorted([starts[number] for number in numbers], again, side="right") - 1
    return {numbers[place] for place in places.tolist()}


def _lost(before: NDArray[np.int64], after: NDArray[np.int64]) -> Mask:
    return (before >= STANDING) & (after < STANDING)


def _cut(queries: Ints, results: Ints, remain: Mask, ranks: Ints) -> Mask:
    """The images that keep fewer than STANDING of their LOOKED_AT smallest copies, and had more."""
    order = np.lexsort((ranks[queries], results))
    queries, results = queries[order], results[order]
    smallest = np.arange(len(results)) - np.searchsorted(results, results) < LOOKED_AT
    queries, results = queries[smallest], results[smallest]
    before = np.bincount(results, minlength=len(remain))
    after = np.bincount(results[remain[queries]], minlength=len(remain))
    return _lost(before, after)


def _near(folder: StudyFolder, pair: ShardPair, starts: Mapping[int, int]) -> Ints:
    """The near-exact copies that the links between two shards tell of: int64 (2, k), the smaller images, the larger."""
    links = read_parquet(folder.links_of(pair), schema=NEAR_SCHEMA)
    near = links.filter(links.column("near"))
    return np.stack([_numbers(near, end, starts) for end in ("query", "result")])


def _ranks(folder: StudyFolder, numbers: Sequence[int]) -> Ints:
    """The rank by id of each image of all shards."""
    ids = np.concatenate([_ids(folder, number) for number in numbers])
    ranks = np.empty(len(ids), np.int64)
    ranks[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    return ranks


def _numbers(links: pa.Table, end: str, starts: Mapping[int, int]) -> NDArray[np.int64]:
    """The images at one end of links, by their number among those of all shards."""
    shards, rows = (links.column(f"{end}_{part}").to_numpy() for part in ("shard", "row"))
    known, place = np.unique(shards, return_inverse=True)
    found: NDArray[np.int64] = np.array([starts[number] for number in known.tolist()], np.int64)[place] + rows
    return found


def _held(folder: StudyFolder, files: pa.Table) -> dict[int, Mask]:
    """For each shard, which of its images a file holds."""
    ids = np.unique(id_array(files.select(["image_id"]).drop_null()))
    return {number: among(_ids(folder, number), ids) for number in folder.shard_numbers()}


def _ids(folder: StudyFolder, number: int) -> NDArray[np.bytes_]:
    schema = pa.schema([IMAGES_SCHEMA.field("image_id")])
    return id_array(read_parquet(folder.shard(number) / "images.parquet", schema=schema))


def _write(folder: StudyFolder, held: Mapping[int, Mask], unmatched: set[int]) -> None:
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
