"""A pool of Dask workers, on this machine or on many that share a folder."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from pimmi.errors import PimmiError
from pimmi.study.writing import UNFINISHED
from pimmi.workers.cluster import Cluster
from pimmi.workers.outcome import Crashed, Failed, Outcome
from pimmi.workers.remote import Surroundings, get_ready, run_request, versions
from pimmi.workers.worker import packed

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

TASKS_A_WORKER = 2
"""Tasks under way for each worker: one that it runs, and one that waits, so that it never does."""
LOOK_S = 1.0
"""How often to look whether there are still workers, and new ones."""
GET_READY_S = 900.0


class DaskPool:
    """The workers of a Dask cluster, each with one thread; use it in a `with` statement.

    `folder` is one that all workers share: files which tasks write there, by `written_whole`, come into it only
    as long as the iterator that gave the tasks is in use. `connect` gives the cluster; it is called when the
    first task comes. A task whose worker dies is run again by Dask, and `Crashed` when more workers died of it
    than the scheduler's `allowed-failures`.

    Raises PimmiError if workers can't work, if none is left, or if the scheduler is lost.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Cluster]],
        *,
        folder: Path,
        preload: Sequence[str] = ("numpy", "cv2"),
    ) -> None:
        self._connect = connect
        self._folder = folder.absolute()
        self._surroundings = Surroundings(versions(), tuple(preload))
        self._open = ExitStack()
        self._cluster: Cluster | None = None
        self._ready = False

    @property
    def workers(self) -> int:
        """How many tasks run at the same time, once all workers that were asked for are there."""
        cluster = self._connected()
        return max(1, cluster.expected, _threads(cluster.client))

    def map_unordered(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[R]]:
        """One outcome for each task, in the order in which they end.

        If the iterator is left before its end, tasks that wait are taken back. A task that runs goes on to its
        end, but what it writes then is thrown away.
        """
        cluster = self._connected()
        with self._permit() as permit:
            self._get_ready(cluster, permit)
            under_way = _UnderWay(cluster, surroundings=self._surroundings, permit=permit)
            calls = enumerate(tasks)
            try:
                under_way.fill(calls, function=function)
                while under_way:
                    outcome = under_way.take()
                    under_way.fill(calls, function=function)
                    yield outcome
            finally:
                under_way.give_up()

    def close(self) -> None:
        """End the connection, and the cluster if it was started for this pool."""
        self._cluster, self._ready = None, False
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connected(self) -> Cluster:
        if self._cluster is None:
            self._cluster = self._open.enter_context(self._connect())
        return self._cluster

    @contextmanager
    def _permit(self) -> Iterator[Path]:
        permit = self._folder / f"{UNFINISHED}run-{uuid4().hex}"
        permit.touch()
        try:
            yield permit
        finally:
            permit.unlink(missing_ok=True)

    def _get_ready(self, cluster: Cluster, permit: Path) -> None:
        """Let a worker of each machine load, and if need be compile, what all will load."""
        if self._ready:
            return
        cluster.wait_for_worker()
        _check_threads(cluster)
        for addresses in _first_and_others(cluster.client):
            futures = [
                cluster.client.submit(
                    get_ready,
                    self._surroundings,
                    permit,
                    key=f"get_ready-{uuid4().hex}",
                    workers=[address],
                    pure=False,
                )
                for address in addresses
            ]
            _check_ready(futures)
        self._ready = True


class _UnderWay:
    """The tasks that were given to a cluster and whose outcome wasn't taken."""

    def __init__(self, cluster: Cluster, *, surroundings: Surroundings, permit: Path) -> None:
        self._cluster = cluster
        self._common = (surroundings, permit)
        self._name = permit.name.rpartition("-")[2]
        self._given: dict[str, tuple[int, Future[bytes]]] = {}
        self._ended: SimpleQueue[Future[bytes]] = SimpleQueue()
        self._lost: list[Future[bytes]] = []
        self._workers = _threads(cluster.client)
        self._looked = self._seen = time.monotonic()

    def __bool__(self) -> bool:
        return bool(self._given)

    def fill(self, calls: Iterator[tuple[int, T]], *, function: Callable[[T], R]) -> None:
        """Give as many tasks as there are workers for."""
        self._look()
        while len(self._given) < TASKS_A_WORKER * max(1, self._workers) and (call := next(calls, None)):
            index, task = call
            future = self._cluster.client.submit(
                run_request,
                packed(index, task, function=function),
                *self._common,
                key=f"{getattr(function, '__name__', 'task')}-{self._name}-{index}",
                pure=False,
            )
            self._given[future.key] = index, future
            future.add_done_callback(self._ended.put)

    def take(self) -> Outcome[Any]:
        """The outcome of the next task that ends."""
        while True:
            self._take_back()
            try:
                future = self._ended.get(timeout=LOOK_S)
            except Empty:
                self._look()
                continue
            if future.status == "lost":
                self._lost.append(future)
                continue
            index, _ = self._given.pop(future.key)
            return self._outcome(index, future)

    def _take_back(self) -> None:
        """Results that were lost with their worker, and that Dask has made again, count as ended."""
        for future in [future for future in self._lost if future.status != "lost"]:
            self._lost.remove(future)
            self._ended.put(future)

    def give_up(self) -> None:
        """Take back what nobody has begun."""
        with suppress(Exception):
            self._cluster.client.cancel([future for _, future in self._given.values()])
        self._given = {}

    def _outcome(self, index: int, future: Future[bytes]) -> Outcome[Any]:
        from distributed import KilledWorker

        if future.status == "cancelled":
            raise self._cluster.lost()
        error = future.exception()
        if isinstance(error, KilledWorker):
            return Crashed(
                index, f"{error.allowed_failures + 1} workers died of it, {_host(error.last_worker)}"
            )
        if error is not None:
            return Failed(index, cannot_run(error), "")
        outcome: Outcome[Any] = pickle.loads(future.result())
        return outcome

    def _look(self) -> None:
        """Count the workers; raise PimmiError if there was none for too long, or no scheduler."""
        now = time.monotonic()
        if now < self._looked + LOOK_S and self._workers:
            return
        self._looked = now
        if self._cluster.client.status != "running":
            raise self._cluster.lost()
        self._workers = _threads(self._cluster.client)
        self._cluster.replace_lost()
        if self._workers:
            self._seen = now
        elif now > self._seen + self._cluster.patience_s:
            raise self._cluster.without_workers()


def cannot_run(error: BaseException) -> PimmiError:
    """What it means if a worker can't even begin a task."""
    return PimmiError(
        f"a Dask worker can't run pimmi ({type(error).__name__}: {error}): install the same pimmi where workers run"
    )


def _threads(client: Client) -> int:
    return sum(client.nthreads().values())


def _check_threads(cluster: Cluster) -> None:
    for address, threads in sorted(cluster.client.nthreads().items()):
        if threads != 1:
            raise PimmiError(
                f"the Dask worker {address} has {threads} threads: "
                "start workers with --nthreads 1, and --nworkers for more of them"
            )


def _first_and_others(client: Client) -> tuple[list[str], list[str]]:
    """The addresses of one worker on each machine, and of the others."""
    first: dict[str | None, str] = {}
    addresses = sorted(client.nthreads())
    for address in addresses:
        first.setdefault(urlsplit(address).hostname, address)
    return list(first.values()), [address for address in addresses if address not in first.values()]


def _check_ready(futures: list[Future[str | None]]) -> None:
    """Raise PimmiError if one says that it can't work; one that dies meanwhile is none of them."""
    from distributed import KilledWorker

    until = time.monotonic() + GET_READY_S
    for future in futures:
        try:
            error = future.exception(timeout=max(LOOK_S, until - time.monotonic()))
        except TimeoutError:
            continue
        if error is None and (reason := future.result()) is not None:
            raise PimmiError(reason)
        if error is not None and not isinstance(error, KilledWorker):
            raise cannot_run(error)


def _host(worker: Any) -> str:
    return f"the last on {urlsplit(worker.address).hostname}"
