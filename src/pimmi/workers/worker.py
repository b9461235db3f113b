"""What runs inside a worker's process."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from pimmi.workers.one_thread import ONE_THREAD
from pimmi.workers.outcome import Done, Failed

T = TypeVar("T")
R = TypeVar("R")

MEBIBYTE = 2**20
KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(64 * MEBIBYTE), "MALLOC_MMAP_THRESHOLD_": str(32 * MEBIBYTE)}
"""Variables under which glibc keeps up to 64 MiB that are free for what comes next.

By default it gives large buffers back to the system, which then has to clear as many pages for the next image.
"""
ENVIRONMENT = ONE_THREAD | KEPT_MEMORY


def serve(connection: Connection, preload: Sequence[str]) -> None:
    """Answer each (index, function, task) with its outcome until the pool hangs up or its process dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(ENVIRONMENT)
    for name in preload:
        importlib.import_module(name)
    import cv2

    cv2.setNumThreads(1)
    try:
        while True:
            connection.send_bytes(answer(connection.recv_bytes()))
    except (EOFError, OSError):
        return


def packed(index: int, task: T, *, function: Callable[[T], R]) -> bytes:
    """The request that a worker answers."""
    call = pickle.dumps((function, task), pickle.HIGHEST_PROTOCOL)
    return pickle.dumps((index, call), pickle.HIGHEST_PROTOCOL)


def answer(request: bytes, *, before: Callable[[], None] | None = None) -> bytes:
    """What became of a request: a pickled `Done` or `Failed`; `before` is called first, and may fail as well."""
    index, call = pickle.loads(request)
    try:
        if before is not None:
            before()
        function, task = pickle.loads(call)
        return pickle.dumps(Done(index, function(task)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return pickle.dumps(Failed(index, _picklable(error), traceback.format_exc()))


def _picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with_parent() -> None:
    """End this process, whatever it is doing, when the pool's process is gone, even by `kill -9`."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
