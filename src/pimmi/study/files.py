"""The files table: every image file that was seen, and the image that it holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pimmi.study.layout import StudyFolder
from pimmi.study.reading import read_parquet, values
from pimmi.study.sorting import sorted_by
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
    return sorted_by(read_unsorted(folder, columns=FILES_SCHEMA.names), "path")


def read_unsorted(folder: StudyFolder, *, columns: Sequence[str]) -> pa.Table:
    """Some columns, `path` among them, of the newest row of each path, removed or not."""
    return _newest(_read_all(folder, columns=columns))


def paths_of(folder: StudyFolder, images: Collection[str]) -> dict[str, list[str]]:
    """The paths of the files that hold each of some images, sorted; quicker than `read_files`."""
    rows = _read_all(folder, columns=("path", "image_id", "reason"))
    ids = pa.array(images, pa.string())
    once = rows.filter(pc.is_in(rows.column("image_id"), value_set=ids)).column("path")
    newest = in_study(_newest(rows.filter(pc.is_in(rows.column("path"), value_set=once))))
    paths: dict[str, list[str]] = {image: [] for image in images}
    for path, image in sorted(zip(values(newest, "path"), values(newest, "image_id"), strict=True)):
        if image in paths:
            paths[image].append(path)
    return paths


def _read_all(folder: StudyFolder, *, columns: Sequence[str]) -> pa.Table:
    """Some columns of all rows, in the order in which they were written."""
    schema = pa.schema([FILES_SCHEMA.field(name) for name in columns])
    parts = [read_parquet(folder.files_part(number), schema=schema) for number in folder.files_numbers()]
    return pa.concat_tables([schema.empty_table(), *parts]).combine_chunks()


def _newest(rows: pa.Table) -> pa.Table:
    """The last row of each path."""
    paths = rows.column("path").combine_chunks().dictionary_encode()
    newest = np.empty(len(paths.dictionary), np.int64)
    newest[paths.indices.to_numpy()] = np.arange(len(rows))
    return rows.take(newest)


def not_in(rows: pa.Table, known: pa.Table, *, keys: list[str]) -> pa.Table:
    """The rows whose `keys` no row of `known` has, sorted by path; null is a value like others."""
    both = pa.concat_tables([rows.select(keys), known.select(keys)])
    labels = np.zeros(len(both), np.int64)
    for key in keys:
        encoded = both.column(key).combine_chunks().dictionary_encode(null_encoding="encode")
        joint = labels * len(encoded.dictionary) + encoded.indices.to_numpy()
        labels = np.unique(joint, return_inverse=True)[1]
    new = np.isin(labels[: len(rows)], labels[len(rows) :], invert=True)
    return sorted_by(rows.filter(pa.array(new)), "path")
