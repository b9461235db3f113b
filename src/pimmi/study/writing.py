"""Files and folders that appear whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pimmi.errors import PimmiError

UNFINISHED = ".new-"
"""How the name of what is being written begins."""
ROWS_AT_ONCE = 1 << 18
"""Rows of a table that are gathered before they are written."""
_permit: ContextVar[Path | None] = ContextVar("permit", default=None)


class PermitGone(PimmiError):
    """What was to be written isn't wanted any more."""


@contextmanager
def permitted_by(permit: Path) -> Iterator[None]:
    """Let `written_whole` give files their name only while the file `permit` is there.

    A worker on another machine may outlive the run that it works for: what it ends later must not come into
    a study that has gone on without it.
    """
    usual = _permit.set(permit)
    try:
        yield
    finally:
        _permit.reset(usual)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside `path` at which to write a file or a folder of files; it is renamed to `path` at the end.

    It is on the disk before it has its name. After an error it is removed. The folder around it is made. Its
    name is one that no other process, on whichever machine that shares the folder, has chosen.
    """
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f"{UNFINISHED}{uuid4().hex}-{path.name}")
    try:
        yield unfinished
        if unfinished.is_dir():
            for file in unfinished.iterdir():
                _sync(file)
        _sync(unfinished)
        _check_permit()
        unfinished.replace(path)
        _sync(path.parent)
    except BaseException:
        remove(unfinished)
        raise


def _check_permit() -> None:
    permit = _permit.get()
    if permit is None:
        return
    try:
        permit.open("rb").close()
    except FileNotFoundError:
        raise PermitGone(f"the run that {permit} stood for has ended") from None


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table; an error names the full disk, if that is what it is."""
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")


def write_parquet_parts(tables: Iterable[pa.Table], path: Path, *, schema: pa.Schema) -> None:
    """Write tables as one, ROWS_AT_ONCE rows or a few more at a time; as `write_parquet` otherwise."""
    waiting = [schema.empty_table()]
    with path.open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for table in tables:
            waiting.append(table)
            if sum(map(len, waiting)) >= ROWS_AT_ONCE:
                writer.write_table(pa.concat_tables(waiting).combine_chunks())
                waiting = [schema.empty_table()]
        writer.write_table(pa.concat_tables(waiting).combine_chunks())


def write_array(array: NDArray[np.generic], path: Path) -> None:
    """Write a .npy file; unlike `numpy.save`, an error names the full disk, if that is what it is."""
    array = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.tobytes() if array.size == 0 else array.view(np.uint8).data)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
