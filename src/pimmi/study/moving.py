"""Images that move to another shard, and their links with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.study.links import LINKS_SCHEMA

Rows = NDArray[np.int64]


class Places:
    """Where the images of some shards lie now."""

    def __init__(self) -> None:
        self._moved: dict[int, tuple[int, Rows]] = {}

    def __contains__(self, shard: int) -> bool:
        return shard in self._moved

    def move(self, shard: int, *, to: int, rows: Rows) -> None:
        """Note that the images of a shard are at some `rows` of another; -1 for those that are dropped."""
        self._moved[shard] = to, rows

    def moved(self, links: pa.Table) -> pa.Table:
        """The links (`LINKS_SCHEMA`) between images that weren't dropped, which those of other shards never are."""
        kept = np.ones(len(links), bool)
        for end in ("query", "result"):
            shards = links.column(f"{end}_shard").to_numpy()
            rows = links.column(f"{end}_row").to_numpy()
            new_shards, new_rows = shards.copy(), rows.copy()
            for shard in np.unique(shards).tolist():
                if shard in self._moved:
                    here = shards == shard
                    new_shards[here], new_rows[here] = (
                        self._moved[shard][0],
                        self._moved[shard][1][rows[here]],
                    )
            kept &= new_rows >= 0
            links = _with(_with(links, f"{end}_shard", new_shards), f"{end}_row", new_rows)
        return links.filter(pa.array(kept))


def _with(links: pa.Table, name: str, numbers: NDArray[Any]) -> pa.Table:
    field: Any = LINKS_SCHEMA.field(name)
    column: Any = pa.array(numbers, field.type)
    return links.set_column(LINKS_SCHEMA.get_field_index(name), field, column)
