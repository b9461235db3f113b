"""The files table: every image file that was seen, and the image that it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pimmi.study.layout import StudyFolder
from pimmi.study.reading import read_parquet
from pimmi.study.writing import write_parquet, written_whole

FILES_COLUMNS: dict[str, pa.DataType] = {
    "path": pa.string(),
    "bytes": pa.int64(),
    "mtime_ns": pa.int64(),
    "image_id": pa.string(),
    "reason": pa.string(),
    "root": pa.string(),
}
FILES_SCHEMA = pa.schema(FILES_COLUMNS)
"""`path` starts at `root`, the folder of images as it was called when the file was read.

`image_id` is null, and `reason` is not, for what can't be read.

`bytes` and `mtime_ns` are null for what is no file: a folder that can't be opened, for instance.

`reason` is REMOVED for a file that was removed from the study; what it held stays in `image_id`. `bytes` and
`mtime_ns` are then null if the file was moved to another path, which has a row of its own.
"""
REMOVED = "removed"


def write_files(rows: pa.Table, folder: StudyFolder) -> None:
    """Write the next part of the table."""
    with written_whole(folder.files_part(folder.next_files_number())) as path:
        write_parquet(rows, path)


def read_files(folder: StudyFolder) -> pa.Table:
    """The newest row of each path that wasn't removed, sorted by path."""
    return in_study(read_newest(folder))


def in_study(rows: pa.Table) -> pa.Table:
    """The rows of files that weren't removed."""
    return rows.filter(pc.invert(are_removed(rows)))


def are_removed(rows: pa.Table) -> Any:
    """Whether each row says that its file was removed."""
    column: Any = rows.column("reason")
    reasons: Any = pc.fill_null(column, "")
    removed: Any = pc.equal(reasons, pa.scalar(REMOVED))
    return removed


def are_moved(rows: pa.Table) -> Any:
    """Whether each row says that its file was removed because it was moved to another path."""
    removed: Any = are_removed(rows)
    fileless: Any = pc.and_(pc.is_null(rows.column("bytes")), pc.is_valid(rows.column("image_id")))
    return pc.and_(removed, fileless)


def read_newest(folder: StudyFolder) -> pa.Table:
    """The newest row of each path, removed or not, sorted by path."""
    parts = [
        read_parquet(folder.files_part(number), schema=FILES_SCHEMA) for number in folder.files_numbers()
    ]
    rows = pa.concat_tables([FILES_SCHEMA.empty_table(), *parts]).combine_chunks()
    codes = rows.column("path").combine_chunks().dictionary_encode().indices.to_numpy()
    newest = len(codes) - 1 - np.unique(codes[::-1], return_index=True)[1]
    return rows.take(newest).sort_by("path")


def not_in(rows: pa.Table, known: pa.Table, *, keys: list[str]) -> pa.Table:
    """The rows whose `keys` no row of `known` has, sorted by path; null is a value like others."""
    marked = known.select(keys).append_column("known", pa.array(np.ones(len(known), bool)))
    filled = [_without_null(table, keys) for table in (rows, marked)]
    joined = filled[0].append_column("place", pa.array(np.arange(len(rows)))).join(filled[1], keys=keys)
    places = joined.filter(pc.is_null(joined.column("known"))).column("place")
    return rows.take(places).sort_by("path")


def _without_null(table: pa.Table, keys: list[str]) -> pa.Table:
    for key in keys:
        column = table.column(key)
        filler: Any = "" if pa.types.is_string(column.type) else -1
        filled: Any = pc.fill_null(column, filler)
        table = table.set_column(table.column_names.index(key), key, filled)
    return table
