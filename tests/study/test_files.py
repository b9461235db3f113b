"""The files table: which rows are new to another table; rows sorted by columns; the files that hold an image."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.study.files import FILES_SCHEMA, REMOVED, not_in, paths_of, read_files, write_files
from pimmi.study.layout import StudyFolder
from pimmi.study.sorting import sorted_by

KEYS = ["path", "bytes", "image_id"]
ROWS = st.lists(
    st.fixed_dictionaries({
        "path": st.sampled_from(["", "a", "b", "é/c"]),
        "bytes": st.sampled_from([None, -1, 0, 2**40]),
        "image_id": st.sampled_from([None, "", "01"]),
        "mtime_ns": st.integers(0, 1),
    }),
    max_size=20,
)  # fmt: skip
READ = st.lists(
    st.fixed_dictionaries({
        "path": st.sampled_from(["", "a", "b", "é/c"]),
        "image_id": st.sampled_from([None, "01", "02", "03"]),
        "reason": st.sampled_from([None, None, REMOVED, "empty file"]),
    }),
    max_size=5,
)  # fmt: skip
Row = dict[str, str | int | None]


def table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=FILES_SCHEMA)


@given(rows=ROWS, known=ROWS, count=st.integers(1, len(KEYS)))
def test_new_rows_are_those_whose_keys_are_not_known(rows: list[Row], known: list[Row], count: int) -> None:
    keys = KEYS[:count]
    there = {tuple(row[key] for key in keys) for row in known}
    new = [row for row in rows if tuple(row[key] for key in keys) not in there]
    found = not_in(table(rows), table(known), keys=keys)
    assert found.equals(table(sorted(new, key=lambda row: str(row["path"]))))


@given(rows=ROWS)
def test_rows_are_sorted_by_the_first_key_then_by_the_next(rows: list[Row]) -> None:
    found = sorted_by(table(rows), ("mtime_ns", "descending"), "path")
    expected = sorted(rows, key=lambda row: (-int(row["mtime_ns"] or 0), str(row["path"])))
    assert found.equals(table(expected))


@settings(max_examples=50)
@given(parts=st.lists(READ, max_size=4))
def test_an_image_is_held_by_the_files_whose_newest_row_says_so(parts: list[list[Row]]) -> None:
    with TemporaryDirectory() as temporary:
        folder = StudyFolder(Path(temporary))
        folder.files.mkdir()
        for rows in parts:
            write_files(table(rows), folder)
        files = read_files(folder).to_pylist()
        asked = ["01", "03", "04"]
        assert paths_of(folder, asked) == {
            image: [row["path"] for row in files if row["image_id"] == image] for image in asked
        }
