"""What is known of near-exact copies: of each image the smallest ones, beyond which no others are looked for.

An image's links to its STANDING smallest near-exact copies are all that count (`pimmi.study.standing`). Once it has
LOOKED_AT of them, larger ones needn't be found; the LOOKED_AT smallest of all that were found are the smallest there
are. There are more of them than count, so that a few may be removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.matching.blocks import LOOKED_AT, KnownCopies
from pimmi.study.catalogue import PLACES, id_array
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import LINKS_SCHEMA, write_links
from pimmi.study.reading import read_parquet

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
NEAR_SCHEMA = pa.schema([LINKS_SCHEMA.field(name) for name in (*PLACES, "near")])
NONE = np.iinfo(np.int32).max
"""Stands where an image has fewer than LOOKED_AT copies; larger than all ranks."""


class NearCopies:
    """The LOOKED_AT smallest near-exact copies of smaller id of each image, as far as links have told of them.

    Images are named by their rank, which is their place among all images of the study by id.
    """

    def __init__(self, folder: StudyFolder) -> None:
        """Knows of no links yet."""
        self._folder = folder
        numbers = folder.shard_numbers()
        ids = [shard_ids(folder, number) for number in numbers]
        order = np.argsort(np.concatenate([np.empty(0, "S32"), *ids]), kind="stable")
        ranks = np.empty(len(order), np.int32)
        ranks[order] = np.arange(len(order), dtype=np.int32)
        self._ranks = dict(zip(numbers, np.split(ranks, np.cumsum([*map(len, ids)])), strict=False))
        self._smallest: dict[int, NDArray[np.int32]] = {}

    @classmethod
    def of_all_links(cls, folder: StudyFolder) -> NearCopies:
        """What all links of a study tell."""
        found = cls(folder)
        for pair in folder.linked_pairs():
            found.learn(pair)
        return found

    @classmethod
    def inside_shards(cls, folder: StudyFolder) -> NearCopies:
        """What the links inside each shard tell: few files, however large the study."""
        found = cls(folder)
        for first, second in folder.linked_pairs():
            if first == second:
                found.learn((first, second))
        return found

    def learn(self, pair: ShardPair) -> None:
        """Take note of the links between two shards, or inside one; not twice of the same."""
        links = read_parquet(self._folder.links_of(pair), schema=NEAR_SCHEMA)
        links = links.filter(links.column("near"))
        queries = self._ranks_of(links, "query")
        shards, rows = (links.column(f"result_{part}").to_numpy() for part in ("shard", "row"))
        for shard in np.unique(shards).tolist():
            here = shards == shard
            self._add(shard, rows[here].astype(np.int64), queries[here])

    def before(self, pair: ShardPair) -> tuple[KnownCopies, ...]:
        """What is known of the images of two shards, or of one, before they are compared."""
        first, second = pair
        ends = [(first, second)] if first == second else [(first, second), (second, first)]
        return tuple(self._known(shard, other) for shard, other in ends)

    def _known(self, shard: int, other: int) -> KnownCopies:
        smallest = self._smallest_of(shard)
        known = smallest != NONE
        return KnownCopies(
            counts=np.count_nonzero(known, axis=1).astype(np.uint8),
            rows=np.searchsorted(self._ranks[other], smallest[known]).astype(np.int32),
        )

    def remaining(self, held: Mapping[int, Mask]) -> Iterator[tuple[int, Ints, Ints]]:
        """For each shard with copies, its number, how many each of its images has, and how many of these are `held`."""
        remain = np.zeros(sum(map(len, self._ranks.values())) + 1, bool)
        for number, mask in held.items():
            remain[self._ranks[number][mask]] = True
        for number, smallest in self._smallest.items():
            places = np.minimum(smallest, len(remain) - 1)
            yield number, np.count_nonzero(smallest != NONE, axis=1), np.count_nonzero(remain[places], axis=1)

    def superfluous(self, links: pa.Table) -> Mask:
        """Which of some links (columns of `NEAR_SCHEMA` or more) are of near-exact copies beyond the smallest ones."""
        beyond = np.asarray(links.column("near").to_numpy()).copy()
        shards, rows = (links.column(f"result_{part}").to_numpy() for part in ("shard", "row"))
        last = np.full(len(links), NONE)
        for shard in np.unique(shards[beyond]).tolist():
            here = beyond & (shards == shard)
            last[here] = self._smallest_of(shard)[rows[here], -1]
        beyond[beyond] = self._ranks_of(links.filter(pa.array(beyond)), "query") > last[beyond]
        return beyond

    def drop_superfluous(self) -> None:
        """Drop those links from their files, before images are dropped.

        Of those beyond only some were found; were some of the smallest dropped, they would be taken for the smallest
        ones that are left. All links must be known.
        """
        for pair in self._folder.linked_pairs():
            path = self._folder.links_of(pair)
            beyond = self.superfluous(read_parquet(path, schema=NEAR_SCHEMA))
            if beyond.any():
                links = read_parquet(path, schema=LINKS_SCHEMA)
                write_links(links.filter(pa.array(~beyond)), self._folder, pair=pair)

    def _smallest_of(self, shard: int) -> NDArray[np.int32]:
        """int32 (n, LOOKED_AT), the ranks of the copies of each image of a shard, rising, and NONE behind them."""
        if shard in self._smallest:
            return self._smallest[shard]
        return np.full((len(self._ranks[shard]), LOOKED_AT), NONE, np.int32)

    def _ranks_of(self, links: pa.Table, end: str) -> NDArray[np.int32]:
        shards, rows = (links.column(f"{end}_{part}").to_numpy() for part in ("shard", "row"))
        ranks = np.empty(len(links), np.int32)
        for shard in np.unique(shards).tolist():
            here = shards == shard
            ranks[here] = self._ranks[shard][rows[here]]
        return ranks

    def _add(self, shard: int, rows: Ints, copies: NDArray[np.int32]) -> None:
        """Add a copy, by its rank, to each of some rows of a shard."""
        smallest = self._smallest[shard] = self._smallest_of(shard)
        order = np.lexsort((copies, rows))
        rows, copies = rows[order], copies[order]
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        changed, number = np.unique(rows, return_inverse=True)
        fresh = np.full((len(changed), LOOKED_AT), NONE, np.int32)
        first = place < LOOKED_AT
        fresh[number[first], place[first]] = copies[first]
        smallest[changed] = np.sort(np.concatenate([smallest[changed], fresh], axis=1), axis=1)[:, :LOOKED_AT]


def shard_ids(folder: StudyFolder, number: int) -> NDArray[np.bytes_]:
    """The ids of a shard's images, sorted."""
    schema = pa.schema([IMAGES_SCHEMA.field("image_id")])
    return id_array(read_parquet(folder.shard(number) / "images.parquet", schema=schema))
