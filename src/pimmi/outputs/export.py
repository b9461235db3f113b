"""Tables written to files: CSV, Parquet or JSON, the same bytes for the same table."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pimmi.errors import PimmiError
from pimmi.outputs.disk import why_not_written

SIGNIFICANT_DIGITS = 6
ROWS_AT_A_TIME = 10_000
ROWS_OF_GROUP = 1_000_000
"""Rows of a group of a Parquet file."""


def write_table(table: pa.Table | Iterable[pa.Table], path: str | Path) -> None:
    """Write a table as the ending of the path says: .csv, .parquet or .json (a list of objects, one a line).

    A large table can come in batches of rows, each of which is written, and forgotten, before the next is taken. A file
    that is there is replaced at the end, as a whole. CSV and JSON have numbers as `rounded` gives them, and empty or
    null for what is missing; Parquet has all digits.

    Raises PimmiError for another ending, a folder that doesn't exist, a full disk or one that can't be
    written to.
    """
    path = Path(path)
    check_writable(path)
    write = WRITERS[path.suffix.lower()]
    unfinished = path.with_name(f".pimmi-{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            write(iter([table] if isinstance(table, pa.Table) else table), file)
        unfinished.replace(path)
    except OSError as error:
        if error.filename not in (None, str(unfinished)):
            raise
        raise PimmiError(why_not_written(path, error)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise PimmiError for another ending than `write_table` knows, or a folder that doesn't exist."""
    if path.suffix.lower() not in WRITERS:
        raise PimmiError(f"{path.name} must end with {', '.join(WRITERS)}, which says the format to write")
    if not path.parent.is_dir():
        raise PimmiError(f"the folder {path.parent} doesn't exist: create it first, or write elsewhere")
    if path.is_dir():
        raise PimmiError(f"{path} is a folder: give the name of a file")


def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest numbers with 6 digits that matter, 22 decimals at most and whole parts kept whole."""
    finite = np.isfinite(values) & (values != 0)
    magnitude = np.floor(np.log10(np.abs(values), where=finite, out=np.zeros(len(values))))
    scale = 10.0 ** np.clip(SIGNIFICANT_DIGITS - 1 - magnitude, 0, 22)
    return np.where(finite, np.round(values * scale) / scale, values)


def _write_csv(tables: Iterator[pa.Table], file: BinaryIO) -> None:
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    first = True
    for table in tables:
        if first:
            writer.writerow(table.column_names)
        first = False
        for columns in _columns(table):
            writer.writerows(zip(*columns, strict=True))
        del table
    text.flush()
    text.detach()


def _write_json(tables: Iterator[pa.Table], file: BinaryIO) -> None:
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    between = "["
    for table in tables:
        for columns in _columns(table):
            for row in zip(*columns, strict=True):
                record = dict(zip(table.column_names, row, strict=True))
                text.write(f"{between}\n{json.dumps(record, ensure_ascii=False)}")
                between = ","
        del table
    text.write("[]\n" if between == "[" else "\n]\n")
    text.flush()
    text.detach()


def _write_parquet(tables: Iterator[pa.Table], file: BinaryIO) -> None:
    with ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for table in tables:
            plain = table.combine_chunks().replace_schema_metadata(None)
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(file, plain.schema, compression="zstd"))
            writer.write_table(plain, row_group_size=ROWS_OF_GROUP)
            del table, plain


WRITERS: dict[str, Callable[[Iterator[pa.Table], BinaryIO], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".json": _write_json,
}


def _columns(table: pa.Table) -> Iterator[list[list[Any]]]:
    """The values to write, column by column, for some rows at a time."""
    for batch in table.to_batches(max_chunksize=ROWS_AT_A_TIME):
        yield [_values(column) for column in batch.columns]


def _values(column: pa.Array[Any]) -> list[Any]:
    if not pa.types.is_floating(column.type):
        return column.to_pylist()
    numbers = rounded(column.to_numpy(zero_copy_only=False).astype(np.float64))
    return [number if np.isfinite(number) else None for number in numbers.tolist()]
