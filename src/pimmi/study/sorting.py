"""Sorting tables in this thread: the threads that Arrow's own methods start can abort a process that ends."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

SortKey = tuple[str, Literal["ascending", "descending"]]


def sorted_by(table: pa.Table, *keys: str | SortKey) -> pa.Table:
    """The rows sorted by some columns, the first of which weighs most; rows that are equal there stay in order."""
    pairs: list[SortKey] = [(key, "ascending") if isinstance(key, str) else key for key in keys]
    return table.take(pc.sort_indices(table, sort_keys=pairs))
