"""One process at a time changes a study."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pimmi.errors import StudyError
from pimmi.study.layout import StudyFolder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: StudyFolder) -> Iterator[None]:
    """Keep other processes from changing the study; what a killed one left half written is removed.

    The system takes the lock from a process that ends, however it ends. Raises StudyError if another process
    has it.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _acquire(descriptor, folder)
        folder.remove_unfinished()
        try:
            yield
        finally:
            folder.remove_unfinished()
    finally:
        os.close(descriptor)


@contextmanager
def left_alone(folder: StudyFolder) -> Iterator[None]:
    """Keep other processes from changing a study that is only read; nothing is written to it.

    Raises StudyError if another process is changing it.
    """
    if fcntl is None or not folder.lock.exists():
        yield
        return
    descriptor = os.open(folder.lock, os.O_RDONLY)
    try:
        _acquire(descriptor, folder, shared=True)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, folder: StudyFolder, *, shared: bool = False) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StudyError(
            f"another process is working on {folder.root}: wait until it ends, or stop it"
        ) from error
    except OSError as error:
        raise StudyError(
            f"the file system of {folder.root} has no locks ({error.strerror}): "
            "have it mounted with them, as Lustre is with -o flock, or put the study elsewhere"
        ) from error
