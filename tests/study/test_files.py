"""The files table: which rows are new to another table; rows sorted by columns."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pimmi.study.files import FILES_SCHEMA, not_in
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
