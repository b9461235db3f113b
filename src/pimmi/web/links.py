"""The links of a study in little memory: 46 bytes each, and the rest read from the files when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.errors import StudyError
from pimmi.study.catalogue import Catalogue
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import LINKS_SCHEMA
from pimmi.study.reading import read_array, read_parquet
from pimmi.study.standing import counting
from pimmi.study.writing import remove, write_array, written_whole

Ints = NDArray[np.int64]
KEPT = {
    "change": np.uint8, "score": np.float32, "confidence": np.float32, "agreement": np.float32,
    "query_coverage": np.float32, "result_coverage": np.float32, "relation": np.uint8,
}  # fmt: skip
_READ = pa.schema([
    field for field in LINKS_SCHEMA
    if field.name in {"query_shard", "query_row", "result_shard", "result_row", "near", *KEPT}
])  # fmt: skip
FORM = 3
"""Of the arrays that are kept; another form has another number."""


@dataclass(frozen=True, slots=True)
class LinkIndex:
    """m links between n images, named by rank, with `query` before `result`; before decisions.

    `query`, `result` int32 (m,); `columns` has arrays (m,) of the columns of the link files in `KEPT`; `file` and `row`
    int32 (m,), where a link is; `starts` int64 (n + 1,) and `ends` int32 (2 m,), the links of each image.
    """

    folder: StudyFolder
    pairs: list[ShardPair]
    query: NDArray[np.int32]
    result: NDArray[np.int32]
    columns: dict[str, NDArray[Any]]
    file: NDArray[np.int32]
    row: NDArray[np.int32]
    starts: Ints
    ends: NDArray[np.int32]

    @classmethod
    def read(cls, catalogue: Catalogue, *, minimum_confidence: float) -> LinkIndex:
        """The links that `Catalogue.links` gives, in the same order.

        They are kept in the study in the form in which they are used, for a large one has a hundred thousand files of
        links; from then on they are read from there, as far as they are needed, until there are other files.
        """
        pairs = catalogue.folder.linked_pairs()
        place = _kept_at(catalogue.folder, pairs, minimum_confidence)
        arrays = _kept(place)
        if arrays is None:
            arrays = _arrays(catalogue, pairs, minimum_confidence)
            _keep(arrays, place)
        columns = {name: arrays[name] for name in KEPT}
        others = {name: arrays[name] for name in ("query", "result", "file", "row", "starts", "ends")}
        return cls(folder=catalogue.folder, pairs=pairs, columns=columns, **others)

    def __len__(self) -> int:
        return len(self.query)

    def of(self, images: Ints) -> Ints:
        """The links of some images, rising."""
        lists = [self.ends[self.starts[image] : self.starts[image + 1]] for image in images.tolist()]
        return np.unique(np.concatenate([np.zeros(0, np.int64), *lists]))

    def between(self, first: int, second: int) -> int | None:
        """The link of two images."""
        low, high = sorted((first, second))
        start, end = (int(np.searchsorted(self.query, low, side=side)) for side in ("left", "right"))
        place = start + int(np.searchsorted(self.result[start:end], high))
        return place if place < end and self.result[place] == high else None

    def rows(self, links: Ints) -> pa.Table:
        """The rows of the link files, in the order of `links`."""
        tables, places = [LINKS_SCHEMA.empty_table()], np.empty(len(links), np.int64)
        done = 0
        for number in np.unique(self.file[links]).tolist():
            (wanted,) = np.nonzero(self.file[links] == number)
            table = read_parquet(self.folder.links_of(self.pairs[number]), schema=LINKS_SCHEMA)
            tables.append(table.take(self.row[links[wanted]]))
            places[wanted] = done + np.arange(len(wanted))
            done += len(wanted)
        return pa.concat_tables(tables).take(places).combine_chunks()


def _arrays(
    catalogue: Catalogue, pairs: list[ShardPair], minimum_confidence: float
) -> dict[str, NDArray[Any]]:
    """The arrays of a `LinkIndex`, from the files of links."""
    ranks = _Ranks(catalogue)
    parts: list[dict[str, NDArray[Any]]] = []
    for number, pair in enumerate(pairs):
        rows = read_parquet(catalogue.folder.links_of(pair), schema=_READ)
        query = ranks.of(rows, "query")
        result = ranks.of(rows, "result")
        kept = (query >= 0) & (result >= 0) & (rows.column("confidence").to_numpy() >= minimum_confidence)
        (places,) = np.nonzero(kept)
        part = {name: rows.column(name).to_numpy()[places].astype(kind) for name, kind in KEPT.items()}
        part |= {"query": query[places], "result": result[places], "row": places.astype(np.int32)}
        part["file"] = np.full(len(places), number, np.int32)
        part["near"] = rows.column("near").to_numpy()[places]
        parts.append(part)
    together = _concatenated(parts)
    images = len(catalogue.images)
    ranks_of_ends = together["query"].astype(np.int64), together["result"].astype(np.int64)
    counted = counting(*ranks_of_ends, together.pop("near"), images=images)
    order = counted[np.lexsort((together["result"][counted], together["query"][counted]))]
    arrays = {name: column[order] for name, column in together.items()}
    both = np.concatenate([arrays["query"], arrays["result"]])
    counts = np.bincount(both, minlength=images)
    arrays["starts"] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    arrays["ends"] = (np.argsort(both, kind="stable") % max(len(order), 1)).astype(np.int32)
    return arrays


def _kept_at(folder: StudyFolder, pairs: list[ShardPair], minimum_confidence: float) -> Path:
    """Where the arrays of a state of a study are kept: its files are written once, so their numbers tell it."""
    state = (FORM, pairs, folder.files_numbers(), folder.shard_numbers(), minimum_confidence)
    return folder.root / "cache" / f"links-{blake2b(repr(state).encode(), digest_size=8).hexdigest()}"


def _kept(place: Path) -> dict[str, NDArray[Any]] | None:
    try:
        return {path.stem: read_array(path) for path in sorted(place.iterdir())} or None
    except (OSError, StudyError):
        return None


def _keep(arrays: dict[str, NDArray[Any]], place: Path) -> None:
    """Write the arrays in place of older ones; a study that can't be written to does without."""
    try:
        with written_whole(place) as unfinished:
            unfinished.mkdir()
            for name, array in arrays.items():
                write_array(array, unfinished / f"{name}.npy")
        for other in place.parent.glob("links-*"):
            if other != place:
                remove(other)
    except OSError:
        return


class _Ranks:
    """The rank of the image at a place of the shards; -1 for one that doesn't count."""

    def __init__(self, catalogue: Catalogue) -> None:
        shard, row = (catalogue.images.column(name).to_numpy() for name in ("shard", "row"))
        self._width = int(row.max(initial=0)) + 1
        self._ranks = np.full((int(shard.max(initial=0)) + 1) * self._width, -1, np.int32)
        self._ranks[shard * self._width + row] = np.arange(len(shard), dtype=np.int32)

    def of(self, rows: pa.Table, end: str) -> NDArray[np.int32]:
        shard, row = (rows.column(f"{end}_{part}").to_numpy().astype(np.int64) for part in ("shard", "row"))
        places = shard * self._width + row
        known = (row < self._width) & (places < len(self._ranks))
        return np.where(known, self._ranks[np.where(known, places, 0)], np.int32(-1))


def _concatenated(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    kinds = KEPT | dict.fromkeys(("query", "result", "row", "file"), np.int32) | {"near": np.bool_}
    empty = {name: np.zeros(0, kind) for name, kind in kinds.items()}
    return {name: np.concatenate([part[name] for part in [empty, *parts]]) for name in empty}
