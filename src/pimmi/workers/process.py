"""One worker's process, as seen from the pool."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeVar

from pimmi.workers.outcome import Crashed, Outcome
from pimmi.workers.worker import ENVIRONMENT, packed, serve

T = TypeVar("T")
R = TypeVar("R")

FORKING = sys.platform == "linux"
GRACE_S = 5.0


class WorkerProcess:
    """A process that runs one task at a time; `index` is that of the task it has, or None."""

    def __init__(self, preload: Sequence[str]) -> None:
        context: Any = multiprocessing.get_context("forkserver" if FORKING else "spawn")
        self.index: int | None = None
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, preload), daemon=True)
        with _environment(), without_main():
            self.process.start()
        theirs.close()

    def give(self, index: int, task: T, *, function: Callable[[T], R]) -> None:
        """Send a task; a process that is already gone shows when its outcome is taken."""
        self.index = index
        request = packed(index, task, function=function)
        try:
            self.connection.send_bytes(request)
        except OSError:
            self.process.kill()

    def take(self) -> Outcome[Any]:
        """The outcome of the task, or `Crashed` if the process ended before it could answer."""
        assert self.index is not None
        index, self.index = self.index, None
        try:
            answer = self.connection.recv_bytes()
        except (EOFError, OSError):
            self.end()
            return Crashed(index, _reason(self.process.exitcode))
        outcome: Outcome[Any] = pickle.loads(answer)
        return outcome

    def dismiss(self) -> None:
        """Hang up, on which an idle process ends; kill one that has a task."""
        self.connection.close()
        if self.index is not None:
            self.process.kill()

    def end(self) -> None:
        """Wait until the process is gone, and kill it if that takes long."""
        self.connection.close()
        self.process.join(GRACE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def prepare(preload: Sequence[str]) -> None:
    """Let the server that workers are forked from, if any, import what they need while this process goes on.

    It is started with Ctrl-C blocked, which its workers inherit, so that none is hit while it starts.
    """
    if not FORKING:
        return
    from multiprocessing import forkserver, resource_tracker

    forkserver.set_forkserver_preload([*preload, serve.__module__])
    resource_tracker.ensure_running()
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _environment(), without_main():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)


@contextmanager
def _environment() -> Iterator[None]:
    """Start processes under the environment that workers need."""
    usual = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in usual.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def without_main() -> Iterator[None]:
    """Start processes that don't import the caller's script again, for it may have no `__main__` guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _reason(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"its process ended with code {exitcode}"
    name = signal.Signals(-exitcode).name
    hint = ", often because the memory ran out" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{hint}"
