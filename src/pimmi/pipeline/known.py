"""What a study knows of the files of a folder that is added: which are new, were moved, are gone, or stay removed."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pimmi.images.walk import ImageFile, Walk
from pimmi.pipeline.reading import FileRead
from pimmi.study.files import FILES_SCHEMA, REMOVED, are_moved, are_removed, in_study, not_in
from pimmi.study.reading import values

Row = dict[str, Any]
MEETING = ["path", "bytes", "mtime_ns"]
"""What tells that a file is one that the study knows."""


class KnownFiles:
    """The files of a study, `rows` as of `read_newest`, and those that were `found` below the folder `root` now.

    The path of `root` is absolute.
    """

    def __init__(self, rows: pa.Table, found: Walk, *, root: Path) -> None:
        self._root = str(root)
        self._walked = _walked(found)
        self._rows = rows
        self._found = found
        self._new = not_in(self._walked, rows, keys=MEETING)
        again = rows.filter(pc.is_in(rows.column("path"), value_set=self._new.column("path")))
        again = again.filter(pc.invert(are_moved(again)))
        self._held = dict(zip(values(again, "path"), values(again, "image_id"), strict=True))
        self._removed = set(values(again.filter(are_removed(again)), "path"))
        self._gone: defaultdict[str | None, deque[str]] = defaultdict(deque)
        for row in self._gone_rows().to_pylist():
            self._gone[row["image_id"]].append(row["path"])

    @property
    def new(self) -> list[ImageFile]:
        """The files that are to be read: the study knows none of that path, size and time of change."""
        columns = (values(self._new, name) for name in MEETING)
        return [ImageFile(*row) for row in zip(*columns, strict=True)]

    @property
    def gone(self) -> int:
        """How many files that were in the folder are neither there nor, so far, found at another path."""
        return sum(map(len, self._gone.values()))

    def problems(self) -> pa.Table:
        """A row for each problem that is new; those of paths that were removed are not."""
        rows = [
            {"path": problem.path, "reason": problem.reason, "root": self._root}
            for problem in self._found.problems
        ]
        known = self._rows.filter(are_removed(self._rows))
        table = pa.Table.from_pylist(rows, schema=FILES_SCHEMA)
        return not_in(not_in(table, self._rows, keys=["path", "reason"]), known, keys=["path", "image_id"])

    def of_moved_folders(self) -> pa.Table:
        """The rows of files of folders that have become this one: they aren't there any more, and have its files."""
        live = in_study(self._rows)
        away = [root for root in live.column("root").unique().to_pylist() if root not in {None, self._root}]
        tables = [
            live.filter(pc.equal(live.column("root"), pa.scalar(root))) for root in away if is_gone(root, "")
        ]
        moved = [rows for rows in tables if len(not_in(rows, self._walked, keys=MEETING)) < len(rows)]
        rows = pa.concat_tables([FILES_SCHEMA.empty_table(), *moved])
        here: Any = pa.array([self._root] * len(rows), pa.string())
        return rows.set_column(FILES_SCHEMA.get_field_index("root"), FILES_SCHEMA.field("root"), here)

    def rows_of(self, files: list[FileRead]) -> pa.Table:
        """The rows to add for files that were read, and for the paths that they were moved from."""
        rows = [row for read in files for row in self._rows_of(read)]
        return pa.Table.from_pylist(rows, schema=FILES_SCHEMA)

    def _rows_of(self, read: FileRead) -> list[Row]:
        file = read.file
        path, held = file.path, self._held.get(file.path)
        same = read.image_id is not None and read.image_id == held
        row: Row = {
            "path": path,
            "bytes": file.size,
            "mtime_ns": file.mtime_ns,
            "image_id": read.image_id,
            "reason": REMOVED if same and path in self._removed else read.reason,
            "root": self._root,
        }
        moved = self._gone.get(read.image_id) if read.image_id is not None and not same else None
        if not moved:
            return [row]
        return [
            row,
            {"path": moved.popleft(), "image_id": read.image_id, "reason": REMOVED, "root": self._root},
        ]

    def _gone_rows(self) -> pa.Table:
        live = in_study(self._rows)
        here = live.filter(pc.equal(live.column("root"), pa.scalar(self._root)))
        unseen = not_in(here, self._walked, keys=["path"])
        return unseen.filter(
            pa.array([is_gone(self._root, path) for path in values(unseen, "path")], pa.bool_())
        )


def is_gone(root: str, path: str) -> bool:
    """Whether there is surely no such file below a folder: one that can't be looked at isn't gone."""
    try:
        os.lstat(os.path.join(root, path))  # noqa: PTH118
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _walked(found: Walk) -> pa.Table:
    columns = {
        "path": [file.path for file in found.files],
        "bytes": [file.size for file in found.files],
        "mtime_ns": [file.mtime_ns for file in found.files],
    }
    return pa.table(columns, schema=pa.schema([FILES_SCHEMA.field(name) for name in columns]))
