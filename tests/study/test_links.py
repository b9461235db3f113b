"""Files of links that are written in parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.study.layout import StudyFolder
from pimmi.study.links import LINKS_SCHEMA, write_links_in_parts
from pimmi.study.reading import read_parquet
from pimmi.study.writing import ROWS_AT_ONCE

PAIR = (0, 1)


def some_links(count: int) -> pa.Table:
    rows = [
        {name: row % 2 == 0 if name == "near" else row for name in LINKS_SCHEMA.names} for row in range(count)
    ]
    return pa.Table.from_pylist([row | {"change": 0, "relation": 1} for row in rows], schema=LINKS_SCHEMA)


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(0, 40), max_size=6))
def test_parts_are_read_as_one_table(lengths: list[int]) -> None:
    links = some_links(sum(lengths))
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    with TemporaryDirectory() as root:
        folder = StudyFolder(Path(root))
        parts = (links.slice(start, length) for start, length in zip(starts, lengths, strict=True))
        write_links_in_parts(parts, folder, pair=PAIR)
        assert read_parquet(folder.links_of(PAIR), schema=LINKS_SCHEMA).equals(links)


def test_no_more_than_a_few_parts_are_held(tmp_path: Path) -> None:
    """What was gathered is written before more is made."""
    folder = StudyFolder(tmp_path)
    part = pa.concat_tables([some_links(1000)] * (ROWS_AT_ONCE // 2000)).combine_chunks()
    written: list[int] = []

    def parts() -> Iterator[pa.Table]:
        for _ in range(5):
            yield part
            written.append(sum(path.stat().st_size for path in folder.links.iterdir()))

    write_links_in_parts(parts(), folder, pair=PAIR)
    assert written == sorted(written)
    assert written[1] < written[2]
    assert pq.read_metadata(str(folder.links_of(PAIR))).num_row_groups == 2


def test_nothing_is_left_of_parts_that_fail(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)

    def failing() -> Iterator[pa.Table]:
        yield some_links(5)
        raise MemoryError

    with pytest.raises(MemoryError):
        write_links_in_parts(failing(), folder, pair=PAIR)
    assert list(folder.links.iterdir()) == []
