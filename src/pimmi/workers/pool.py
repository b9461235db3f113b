"""A pool of processes on this machine that outlives the death of any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self, TypeVar

from pimmi.workers.cores import default_workers
from pimmi.workers.outcome import Crashed, Outcome
from pimmi.workers.process import WorkerProcess, prepare

T = TypeVar("T")
R = TypeVar("R")


class LocalPool:
    """Processes of this machine, each with one task at a time; use it in a `with` statement.

    On Linux they are forked from a server that has imported the modules `preload` once, and that stays for
    the pools to come; elsewhere each worker imports them. Workers don't import the caller's `__main__`, so
    that scripts need no `if __name__ == "__main__"`; what they run must live in a module.

    A worker that dies is replaced and its task alone becomes `Crashed`. Workers don't see Ctrl-C: leaving the
    `with` statement by an exception, KeyboardInterrupt included, kills them at once. They end by themselves
    when this process is killed.
    """

    def __init__(self, *, workers: int | None = None, preload: Sequence[str] = ("numpy", "cv2")) -> None:
        self._number = default_workers() if workers is None else workers
        if self._number < 1:
            raise ValueError(f"a pool needs at least 1 worker, not {workers}")
        self._preload = tuple(preload)
        self._crew: list[WorkerProcess] = []
        prepare(self._preload)

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""
        return self._number

    def map_unordered(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[R]]:
        """One outcome for each task, in the order in which they end.

        At most one task a worker is under way, and one result a worker waits to be taken. If the iterator is
        left before its end, the tasks under way are given up.
        """
        calls = enumerate(tasks)
        busy: list[WorkerProcess] = []
        try:
            while len(busy) < self._number and (call := next(calls, None)):
                busy.append(self._idle())
                busy[-1].give(*call, function=function)
            while busy:
                for connection in wait([worker.connection for worker in busy]):
                    worker = next(worker for worker in busy if worker.connection is connection)
                    outcome = worker.take()
                    busy.remove(worker)
                    if isinstance(outcome, Crashed):
                        self._crew.remove(worker)
                    if call := next(calls, None):
                        busy.append(self._idle())
                        busy[-1].give(*call, function=function)
                    yield outcome
        finally:
            self._end(busy)

    def close(self) -> None:
        """End the workers; those with a task are killed."""
        self._end(list(self._crew))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self, workers: list[WorkerProcess]) -> None:
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.end()
        self._crew = [worker for worker in self._crew if worker not in workers]

    def _idle(self) -> WorkerProcess:
        worker = next((worker for worker in self._crew if worker.index is None), None)
        if worker is None:
            worker = WorkerProcess(self._preload)
            self._crew.append(worker)
        return worker
