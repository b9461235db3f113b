"""Reading what a study holds, with a sentence for the user if a file is damaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pimmi.errors import StudyError


def read_parquet(path: Path, *, schema: pa.Schema) -> pa.Table:
    """The columns of `schema`; raises StudyError for a damaged file.

    Arrow opens and reads the file in this thread: its own threads, which most other ways of reading start, can abort
    the process at its end (apache/arrow#50482).
    """
    with _damage_told(path), pq.ParquetFile(str(path), pre_buffer=False, memory_map=False) as file:
        return file.read(columns=schema.names, use_threads=False).select(schema.names)


def values(table: pa.Table, column: str) -> list[Any]:
    """A column as Python values."""
    return table.column(column).to_pylist()


def count_rows(path: Path) -> int:
    """How many rows a Parquet file has; raises StudyError for a damaged file."""
    with _damage_told(path):
        rows: int = pq.read_metadata(str(path)).num_rows
        return rows


def read_metadata(path: Path) -> dict[bytes, bytes]:
    """What a Parquet file says of itself; raises StudyError for a damaged file."""
    with _damage_told(path):
        metadata: dict[bytes, bytes] = pq.read_metadata(str(path)).metadata or {}
        return metadata


def read_array(path: Path) -> NDArray[np.generic]:
    """An array whose pages are read when they are needed, and shared by the processes that read it."""
    array: NDArray[np.generic] = np.asarray(_mapped(path))
    return array


def read_pieces(path: Path, bounds: Sequence[int]) -> Iterator[NDArray[np.generic]]:
    """The rows of an array from each bound to the next, each piece in the memory of the one before.

    Where all rows are read once, this takes much less time than to have the system map their pages.
    """
    mapped = _mapped(path)
    room = np.empty((max(np.diff(bounds), default=0), *mapped.shape[1:]), mapped.dtype)
    with path.open("rb") as file:
        file.seek(mapped.offset + bounds[0] * mapped[:1].nbytes)
        for start, stop in pairwise(bounds):
            piece = room[: stop - start]
            if file.readinto(piece.data) != piece.nbytes:
                raise _damaged(path)
            yield piece


def _mapped(path: Path) -> np.memmap[Any, Any]:
    try:
        mapped: np.memmap[Any, Any] = np.load(path, mmap_mode="c")
    except (ValueError, EOFError, FileNotFoundError) as error:
        raise _damaged(path) from error
    return mapped


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turns what Arrow says of a file that it can't read into a StudyError; what the system says stays as it is."""
    try:
        yield
    except (pa.ArrowException, KeyError, UnicodeDecodeError, FileNotFoundError) as error:
        raise _damaged(path) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(path) from error


def _damaged(path: Path) -> StudyError:
    return StudyError(
        f"{path} is damaged or missing: copy the study again from where it is whole, or remake it"
    )
