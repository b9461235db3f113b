"""Reading what a study holds, with a sentence for the user if a file is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pimmi.errors import StudyError


def read_parquet(path: Path, *, schema: pa.Schema) -> pa.Table:
    """The columns of `schema`; raises StudyError for a damaged file.

    Arrow's own threads are not used: they can abort the process at its end (apache/arrow#50482).
    """
    try:
        with path.open("rb") as file:
            table = pq.read_table(file, columns=schema.names, use_threads=False, pre_buffer=False)
        return table.select(schema.names)
    except (pa.ArrowInvalid, pa.ArrowKeyError, FileNotFoundError, KeyError) as error:
        raise _damaged(path) from error


def values(table: pa.Table, column: str) -> list[Any]:
    """A column as Python values."""
    return table.column(column).to_pylist()


def count_rows(path: Path) -> int:
    """How many rows a Parquet file has; raises StudyError for a damaged file."""
    try:
        rows: int = pq.read_metadata(path).num_rows
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        raise _damaged(path) from error
    return rows


def read_metadata(path: Path) -> dict[bytes, bytes]:
    """What a Parquet file says of itself; raises StudyError for a damaged file."""
    try:
        metadata: dict[bytes, bytes] = pq.read_metadata(path).metadata or {}
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        raise _damaged(path) from error
    return metadata


def read_array(path: Path) -> NDArray[np.generic]:
    """An array whose pages are read when they are needed, and shared by the processes that read it."""
    try:
        array: NDArray[np.generic] = np.asarray(np.load(path, mmap_mode="c"))
    except (ValueError, EOFError, FileNotFoundError) as error:
        raise _damaged(path) from error
    return array


def _damaged(path: Path) -> StudyError:
    return StudyError(
        f"{path} is damaged or missing: copy the study again from where it is whole, or remake it"
    )
