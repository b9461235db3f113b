"""What to tell a user whose disk refuses a file."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pimmi.errors import PimmiError


def is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, has no space left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def why_not_written(path: Path, error: OSError) -> str:
    """One sentence on an error that came while `path`, a file or a folder, was written."""
    if is_full(error):
        return f"the disk that holds {path} is full: free some space, or write elsewhere"
    return f"{path} can't be written: {error.strerror}"


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Turns the error of a full disk, which names no file, into a PimmiError that names `path`, a file or a folder."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise PimmiError(why_not_written(path, error)) from error
        raise
