"""A full disk, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pimmi.errors import PimmiError
from pimmi.outputs.disk import is_full, why_not_written


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Turns the error of a full disk, while `path` is written, into a PimmiError; other errors stay as they are."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise PimmiError(why_not_written(path, error)) from error
        raise
