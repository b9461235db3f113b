"""Files and folders that appear whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

UNFINISHED = ".new-"
"""How the name of what is being written begins."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside `path` at which to write a file or a folder of files; it is renamed to `path` at the end.

    It is on the disk before it has its name. After an error it is removed. The folder around it is made.
    """
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        yield unfinished
        if unfinished.is_dir():
            for file in unfinished.iterdir():
                _sync(file)
        _sync(unfinished)
        unfinished.replace(path)
        _sync(path.parent)
    except BaseException:
        remove(unfinished)
        raise


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
