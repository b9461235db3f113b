"""The pool of workers that all stages share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pimmi.errors import StudyError
from pimmi.progress import Progress
from pimmi.settings import SlurmSettings
from pimmi.study.description import Description
from pimmi.study.layout import StudyFolder
from pimmi.workers.outcome import Outcome, Pool

if TYPE_CHECKING:
    from pimmi.workers.dask_pool import DaskPool
    from pimmi.workers.pool import LocalPool

T = TypeVar("T")
R = TypeVar("R")

PRELOAD = (
    "pimmi.grouping.groups",
    "pimmi.images.decode",
    "pimmi.images.pillow",
    "pimmi.images.thumbnail",
    "pimmi.pipeline.reading",
    "pimmi.pipeline.comparing",
    "pimmi.pipeline.compiled",
)
LONG_S = 2.0


def local_pool(workers: int | None) -> LocalPool:
    """A pool whose workers have loaded the code of all tasks."""
    from pimmi.workers.pool import LocalPool

    return LocalPool(workers=workers, preload=PRELOAD)


@contextmanager
def crew(workers: int | Pool | None, progress: Progress) -> Iterator[Pool]:
    """That many local processes, one for each core if it is None, or the pool that was given."""
    if workers is None or isinstance(workers, int):
        compile_once(progress)
        with local_pool(workers) as pool:
            yield pool
    else:
        yield workers


@contextmanager
def crew_of_one(workers: int | Pool | None) -> Iterator[Pool]:
    """A pool like that of `crew`, which runs one task at a time, so that the task has all the memory."""
    if workers is None or isinstance(workers, int):
        with local_pool(1) as pool:
            yield pool
    else:
        yield OneAtATime(workers)


def dask_crew(
    where: str, folder: StudyFolder, *, slurm: SlurmSettings, workers: int | None, progress: Progress
) -> DaskPool:
    """A pool on Dask whose workers load the code of all tasks; raises PimmiError if `where` is no cluster."""
    from pimmi.workers.cluster import connector
    from pimmi.workers.dask_pool import DaskPool

    connect = connector(where, workers=workers, slurm=slurm, say=progress.say)
    return DaskPool(connect, folder=folder.root, preload=PRELOAD)


class OneAtATime:
    """A pool, of which one worker at a time is used."""

    workers = 1

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def map_unordered(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[R]]:
        """One outcome for each task, in their order."""
        for index, task in enumerate(tasks):
            (outcome,) = self._pool.map_unordered(function, [task])
            yield replace(outcome, index=index)


def check_codebook(folder: StudyFolder, *, made_with: Description) -> None:
    """Raise StudyError if the codebook of this pimmi isn't that of the study."""
    from pimmi.index.codebook import VERSION, load_codebook

    if load_codebook(made_with.settings.matching.codebook).hash != made_with.codebook_hash:
        raise StudyError(
            f"{folder.root} was made with codebook {made_with.codebook_version}, and this pimmi has codebook "
            f"{VERSION}: install the pimmi that made it, or make a new study"
        )


def compile_once(progress: Progress) -> None:
    """Have one worker compile what all run, before there are others; only the first run on a machine takes long."""
    with _said_if_long(progress, "Compiling (first run only)"), local_pool(1) as pool:
        list(pool.map_unordered(len, [()]))


@contextmanager
def _said_if_long(progress: Progress, text: str) -> Iterator[None]:
    timer = threading.Timer(LONG_S, progress.say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
