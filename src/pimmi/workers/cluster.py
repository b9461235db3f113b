"""Dask clusters: a scheduler that is there, local processes, or jobs of SLURM."""

from __future__ import annotations

import logging
import math
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pimmi.errors import PimmiError
from pimmi.settings import SlurmSettings
from pimmi.workers.cores import default_workers
from pimmi.workers.process import without_main
from pimmi.workers.remote import versions
from pimmi.workers.worker import ENVIRONMENT

if TYPE_CHECKING:
    from dask_jobqueue import SLURMCluster
    from distributed import Client

ANSWER_S = 10
"""How long a scheduler may take to answer."""
PATIENCE_S = 60.0
"""How long a run goes on without any worker."""
SAY_S = 3.0
LOGGERS = ("asyncio", "distributed", "distributed.client", "tornado.application")
PROTOCOLS = ("tcp", "tls", "ws", "wss")
OWN_CLUSTER = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-ttl": None,
    "distributed.nanny.pre-spawn-environ": ENVIRONMENT,
}
"""Configuration of the clusters that pimmi starts.

A task that two workers died of is tried otherwise by pimmi itself. Compiled code may keep a worker from answering
for long, so none is given up for its silence.
"""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A connection to a scheduler, and what it was made from, `name`, in words.

    `expected` workers were asked for; without any for `patience_s` a run ends. `replace_lost` is called now and
    then, and starts others in the place of workers that have ended.
    """

    client: Client
    name: str
    say: Callable[[str], None]
    expected: int = 0
    patience_s: float = PATIENCE_S
    replace_lost: Callable[[], None] = lambda: None

    def wait_for_worker(self) -> None:
        """Wait until there is a worker, and say so if it takes long; raises PimmiError when patience ends."""
        timer = threading.Timer(SAY_S, self.say, [f"Waiting for a worker of {self.name}"])
        timer.daemon = True
        timer.start()
        try:
            self.client.wait_for_workers(1, None if math.isinf(self.patience_s) else self.patience_s)
        except TimeoutError:
            raise self.without_workers() from None
        finally:
            timer.cancel()

    def without_workers(self) -> PimmiError:
        return PimmiError(
            f"{self.name} has no worker: start some with dask worker, "
            "and give the same command again, which goes on where it stopped"
        )

    def lost(self) -> PimmiError:
        return PimmiError(
            f"the connection to {self.name} was lost: see that it runs, "
            "and give the same command again, which goes on where it stopped"
        )


def connector(
    where: str, *, workers: int | None, slurm: SlurmSettings, say: Callable[[str], None]
) -> Callable[[], AbstractContextManager[Cluster]]:
    """What connects to the cluster named `where`: an address, `local` or `slurm`.

    Raises PimmiError at once if there is no such kind, or what it needs isn't installed.
    """
    _check_installed(jobs=where == "slurm")
    if where == "local":
        return partial(local_cluster, workers=workers, say=say)
    if workers is not None:
        raise PimmiError(
            f"--workers doesn't go with --dask {where}: "
            + ("the settings under [slurm] say how many" if where == "slurm" else "all its workers work")
        )
    if where == "slurm":
        return partial(slurm_jobs, slurm, say=say)
    _check_address(where)
    return partial(scheduler_at, where, say=say)


@contextmanager
def scheduler_at(address: str, *, say: Callable[[str], None]) -> Iterator[Cluster]:
    """The scheduler at an address such as tcp://host:8786, with all its workers."""
    with ExitStack() as stack:
        try:
            client = stack.enter_context(_connected(address))
        except (OSError, ValueError) as error:
            raise PimmiError(
                f"no Dask scheduler answers at {address}: see that dask scheduler runs there, "
                "and give the address that it printed"
            ) from error
        _check_versions(client, address)
        yield Cluster(client=client, name=f"the Dask scheduler at {address}", say=say)


@contextmanager
def local_cluster(*, workers: int | None, say: Callable[[str], None]) -> Iterator[Cluster]:
    """Processes of this machine, one for each core unless `workers` says otherwise."""
    import dask
    from distributed import LocalCluster

    number = default_workers() if workers is None else workers
    with without_main(), dask.config.set(OWN_CLUSTER):
        with _ctrl_c_kept():
            cluster = LocalCluster(
                n_workers=number,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
        with cluster, _connected(cluster) as client:
            yield Cluster(client=client, name="the local Dask cluster", say=say, expected=number)


@contextmanager
def slurm_jobs(settings: SlurmSettings, *, say: Callable[[str], None]) -> Iterator[Cluster]:
    """Jobs of SLURM, as many as the settings say; one that ends before its time is asked for again."""
    if shutil.which("sbatch") is None:
        raise PimmiError(
            "there is no sbatch here: give --dask slurm on a machine from which SLURM takes jobs"
        )
    import dask

    refusals: list[str] = []
    with _silence(), dask.config.set(OWN_CLUSTER), slurm_cluster(settings, refusals=refusals) as cluster:
        replacement = _Replacement(cluster, settings.jobs, refusals)
        replacement.submit()
        with _connected(cluster) as client:
            yield Cluster(
                client=client,
                name="the SLURM jobs (squeue shows them)",
                say=say,
                expected=settings.jobs * settings.cores,
                patience_s=math.inf,
                replace_lost=replacement.submit_if_lost,
            )


def slurm_cluster(settings: SlurmSettings, *, refusals: list[str]) -> SLURMCluster:
    """The cluster, with no job yet; what SLURM says when it refuses one is added to `refusals`."""
    from dask_jobqueue import SLURMCluster
    from dask_jobqueue.slurm import SLURMJob
    from distributed.deploy.spec import ProcessInterface

    class Job(SLURMJob):  # type: ignore[misc]
        async def start(self) -> None:
            try:
                await super().start()
            except RuntimeError as error:
                refusals.append(_last_line(error))
                await ProcessInterface.start(self)

    ending = ["--lifetime", f"{settings.walltime - 5}m", "--lifetime-stagger", "2m"]
    return SLURMCluster(
        job_cls=Job,
        queue=settings.queue or None,
        account=settings.account or None,
        cores=settings.cores,
        processes=settings.cores,
        memory=f"{settings.memory}GiB",
        walltime=f"{settings.walltime // 60:02}:{settings.walltime % 60:02}:00",
        interface=settings.interface or None,
        job_name="pimmi",
        job_extra_directives=_parts(settings.directives),
        job_script_prologue=[
            *(f"export {name}={value}" for name, value in ENVIRONMENT.items()),
            *_parts(settings.prologue),
        ],
        worker_extra_args=["--memory-limit", "0", *(ending if settings.walltime > 15 else [])],
        scheduler_options={"dashboard_address": ":0"},
        silence_logs=logging.CRITICAL,
    )


class _Replacement:
    """Asks for a new job whenever one has ended that had workers."""

    def __init__(self, cluster: SLURMCluster, jobs: int, refusals: list[str]) -> None:
        self._cluster = cluster
        self._refusals = refusals
        self._jobs = jobs
        self._seen: set[str] = set()
        self._asked = jobs
        cluster.sync(_watched, cluster.scheduler, self._see)

    def submit(self) -> None:
        """Give the jobs to SLURM; raises PimmiError if it refuses one."""
        self._refusals.clear()
        self._cluster.scale(jobs=self._asked)
        self._cluster.sync(_settled, self._cluster)
        if self._refusals:
            raise PimmiError(f"SLURM refused a job: {self._refusals[0]}: change the settings under [slurm]")

    def submit_if_lost(self) -> None:
        there = set(map(self._job, self._cluster.sync(_names, self._cluster.scheduler)))
        wanted = self._jobs + len(self._seen - there)
        if wanted > self._asked:
            self._asked = wanted
            with suppress(PimmiError) if there else nullcontext():
                self.submit()

    def _see(self, worker: str) -> None:
        self._seen.add(self._job(worker))

    def _job(self, worker: str) -> str:
        """A job of one worker lends it its name; one of several adds their numbers."""
        return worker if worker in self._cluster.worker_spec else worker.rpartition("-")[0]


async def _names(scheduler: Any) -> list[str]:
    return [str(worker.name) for worker in scheduler.workers.values()]


async def _watched(scheduler: Any, see: Callable[[str], None]) -> None:
    """Let `see` be called with the name of each worker that comes."""
    from distributed.diagnostics.plugin import SchedulerPlugin

    class Watch(SchedulerPlugin):  # type: ignore[misc]
        def add_worker(self, scheduler: Any, worker: str) -> None:
            see(str(scheduler.workers[worker].name))

    scheduler.add_plugin(Watch())


async def _settled(cluster: Any) -> None:
    await cluster


@contextmanager
def _connected(at: Any) -> Iterator[Client]:
    from distributed import Client

    with _silence():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = Client(at, timeout=ANSWER_S, set_as_default=False)
        with client:
            yield client


@contextmanager
def _silence() -> Iterator[None]:
    """Let Dask log nothing meanwhile: what goes wrong is raised."""
    import distributed  # noqa: F401  (it sets up its loggers when it is imported)

    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _ctrl_c_kept() -> Iterator[None]:
    """Start threads and processes that don't see Ctrl-C; one that comes meanwhile is seen here at the end."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which would unblock the signal when it starts
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)


def _check_installed(*, jobs: bool) -> None:
    try:
        import distributed  # noqa: F401

        if jobs:
            import dask_jobqueue  # noqa: F401
    except ImportError as error:
        raise PimmiError(
            f'--dask needs a package that is not installed, {error.name}: pip install "pimmi[cluster]"'
        ) from error


def _check_address(where: str) -> None:
    parts = urlsplit(where)
    if parts.scheme not in PROTOCOLS or not parts.netloc:
        raise PimmiError(
            f"{where!r} names no Dask cluster: give local, slurm, or the address of a scheduler, "
            "such as tcp://192.168.1.5:8786"
        )


def _check_versions(client: Client, address: str) -> None:
    theirs = client.get_versions()["scheduler"]["packages"]
    for name, ours in versions():
        found = theirs.get(name.lower(), ours)
        found = ".".join(str(found).split(".")[:2]) if name == "Python" else found
        if found != ours:
            raise PimmiError(
                f"the Dask scheduler at {address} has {name} {found}, and this machine has {ours}: "
                "install the same versions on both"
            )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _last_line(error: RuntimeError) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it gave no reason"
