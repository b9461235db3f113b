"""Tables written to files: what reads back, what is refused, and what is left behind when it fails."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pimmi.errors import PimmiError
from pimmi.outputs.export import rounded, write_table

TABLE = pa.table(
    {
        "path": ["a/b.jpg", 'comma, "quote"\nline', "été/😀.png"],
        "score": [1 / 3, 123456789.25, math.nan],
        "size": pa.array([1, None, 3], pa.int32()),
    }
)


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".json":
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return rows
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_rounded_numbers_and_empty_for_missing(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.csv")
    assert read(tmp_path / "t.csv") == [
        {"path": "a/b.jpg", "score": "0.333333", "size": "1"},
        {"path": 'comma, "quote"\nline', "score": "123456789.0", "size": ""},
        {"path": "été/😀.png", "score": "", "size": "3"},
    ]
    assert b"\r" not in (tmp_path / "t.csv").read_bytes()


def test_json_has_null_for_missing(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.json")
    assert read(tmp_path / "t.json") == [
        {"path": "a/b.jpg", "score": 0.333333, "size": 1},
        {"path": 'comma, "quote"\nline', "score": 123456789.0, "size": None},
        {"path": "été/😀.png", "score": None, "size": 3},
    ]


def test_parquet_keeps_types_and_all_digits(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.parquet")
    found = pq.read_table(tmp_path / "t.parquet")
    assert found.schema.field("size").type == pa.int32()
    assert found.column("score").to_pylist()[:2] == [1 / 3, 123456789.25]


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".CSV"])
def test_the_same_rows_make_the_same_bytes(tmp_path: Path, ending: str) -> None:
    in_pieces = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)]).replace_schema_metadata({"made": "now"})
    write_table(TABLE, tmp_path / f"one{ending}")
    write_table(in_pieces, tmp_path / f"two{ending}")
    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_batches_are_written_one_by_one_to_the_same_file(tmp_path: Path, ending: str) -> None:
    taken: list[int] = []

    def batches() -> Iterator[pa.Table]:
        for start in range(len(TABLE)):
            taken.append(start)
            yield TABLE.slice(start, 1)

    write_table(TABLE, tmp_path / f"whole{ending}")
    write_table(batches(), tmp_path / f"batches{ending}")
    assert taken == list(range(len(TABLE)))
    whole, pieces = tmp_path / f"whole{ending}", tmp_path / f"batches{ending}"
    if ending == ".parquet":
        assert pq.read_table(whole).drop("score").equals(pq.read_table(pieces).drop("score"))
    else:
        assert whole.read_bytes() == pieces.read_bytes()


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_what_breaks_a_batch_is_no_fault_of_the_file_to_write(tmp_path: Path, ending: str) -> None:
    def batches() -> Iterator[pa.Table]:
        yield TABLE
        (tmp_path / "gone").open()

    path = tmp_path / f"t{ending}"
    path.write_text("before")
    with pytest.raises(FileNotFoundError, match="gone"):
        write_table(batches(), path)
    assert [other.name for other in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "before"


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
@pytest.mark.parametrize("rows", [0, 25_001])
def test_tables_of_any_length_read_back(tmp_path: Path, ending: str, rows: int) -> None:
    path = tmp_path / f"t{ending}"
    write_table(pa.table({"number": pa.array(range(rows), pa.int64())}), path)
    assert [int(row["number"]) for row in read(path)] == list(range(rows))


@given(
    arrays(
        np.float64,
        st.integers(1, 20),
        elements=st.floats(-1e15, 1e15).filter(lambda value: value == 0 or abs(value) > 1e-15),
    )
)
def test_rounding_is_close_and_prints_short(values: Any) -> None:
    found = rounded(values)
    np.testing.assert_allclose(found, values, rtol=5.0001e-6, atol=0)
    for number in found.tolist():
        digits = repr(abs(number)).split("e")[0].replace(".", "").strip("0")
        assert len(digits) <= 6 or number == int(number)


def test_a_name_that_is_not_utf8_can_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    write_table(TABLE, path)
    assert len(read(path)) == 3


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("t.xlsx", r"t\.xlsx must end with \.csv, \.parquet, \.json"),
        ("t", r"t must end with \.csv"),
        ("nowhere/t.csv", r"the folder .*nowhere doesn't exist"),
        ("folder.csv", r"folder\.csv is a folder"),
    ],
)
def test_what_cannot_be_written_to_is_said(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(PimmiError, match=says):
        write_table(TABLE, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


FILL = """
import resource, signal, sys
import pyarrow as pa
from pimmi.errors import PimmiError
from pimmi.outputs.export import write_table
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_table(pa.table({"number": [(i * 7919) % 1_000_003 for i in range(50_000)]}), sys.argv[1])
except PimmiError as error:
    print(error)
"""


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t{ending}"
    write_table(TABLE, path)
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{path} can't be written: File too large\n"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
