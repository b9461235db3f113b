"""The pool of workers that all stages share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pimmi.errors import StudyError
from pimmi.progress import Progress
from pimmi.study.description import Description
from pimmi.study.layout import StudyFolder
from pimmi.workers.pool import LocalPool

PRELOAD = (
    "pimmi.grouping.groups",
    "pimmi.images.decode",
    "pimmi.images.thumbnail",
    "pimmi.pipeline.reading",
    "pimmi.pipeline.comparing",
    "pimmi.pipeline.compiled",
)
LONG_S = 2.0


def local_pool(workers: int | None) -> LocalPool:
    """A pool whose workers have loaded the code of all tasks."""
    return LocalPool(workers=workers, preload=PRELOAD)


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
