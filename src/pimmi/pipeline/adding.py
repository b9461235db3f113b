"""Adding images: which files are new, and what workers make of them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pimmi.errors import PimmiError
from pimmi.images.walk import ImageFile, Walk, walk
from pimmi.pipeline.crew import crew
from pimmi.pipeline.gathering import Gathering
from pimmi.pipeline.known import KnownFiles
from pimmi.pipeline.reading import FileRead, ReadResult, ReadTask, read_images
from pimmi.progress import Progress, Stage
from pimmi.settings import LARGE_FROM, Settings
from pimmi.study.files import read_files, read_newest, write_files
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values
from pimmi.workers.outcome import Crashed, Failed, Pool

TASK_FILES = 32
SMALLEST_SHARD = 250
"""Images of a shard below which cutting a corpus into more tasks doesn't pay."""
CRASHED = "the decoder crashed on this file"
TRIALS_ALONE = 2


@dataclass(frozen=True, kw_only=True)
class Added:
    """What adding a folder did."""

    read: int
    """Files that were new or had changed."""
    moved: int
    """Files that were found at another path, and are no longer listed at the old one."""
    gone: int
    """Files of the study that are no longer in this folder; `Study.remove(missing=True)` removes them."""


def add_images(
    folder: StudyFolder, images: Path, *, settings: Settings, workers: int | Pool | None, progress: Progress
) -> Added:
    """Add to the study the image files below `images` that it doesn't know, by path, size and time of change.

    A file whose bytes are those of one that is gone from the same folder takes its place. Images that were read when
    Ctrl-C comes are kept, and when the process is killed, those that were read some seconds before. The caller holds
    the study's lock.
    """
    found = walk(images)
    images = Path(os.path.abspath(images))  # noqa: PTH100
    known = _known_files(folder, found, images)
    files, gone = known.new, known.gone
    _refuse_namesakes(files, read_files(folder), images)
    if len(problems := known.problems()):
        write_files(problems, folder)
    if not files:
        return Added(read=0, moved=0, gone=gone)
    with crew(workers, progress) as pool:
        shard_images = _shard_images(len(files), pool.workers, settings)
        gathering = Gathering(folder, root=images, files=known, shard_images=shard_images)
        done = gathering.resume(frozenset(files))
        left = [file for file in files if file not in done]
        if len(left) == len(files) >= LARGE_FROM and settings.matching.codebook != "large":
            progress.say(
                f"{len(files):,} files: with so many, --preset large takes less time, in a new study "
                "(Ctrl-C stops this one)"
            )
        try:
            with progress.stage("Reading images", total=len(left), unit="images") as stage:
                _Reading(images, settings, pool, gathering, stage).run(left)
        except KeyboardInterrupt:
            gathering.write()
            raise
        gathering.write()
    return Added(read=len(files), moved=gone - known.gone, gone=known.gone)


def _known_files(folder: StudyFolder, found: Walk, images: Path) -> KnownFiles:
    known = KnownFiles(read_newest(folder), found, root=images)
    moved = known.of_moved_folders()
    if not len(moved):
        return known
    write_files(moved, folder)
    return KnownFiles(read_newest(folder), found, root=images)


class _Reading:
    """Reads files on a pool; those in whose company a worker died are read again, each alone."""

    def __init__(
        self, root: Path, settings: Settings, pool: Pool, gathering: Gathering, stage: Stage
    ) -> None:
        self._root = root.absolute()
        self._settings = settings
        self._pool = pool
        self._gathering = gathering
        self._stage = stage
        self._last_crash = ""

    def run(self, files: list[ImageFile]) -> None:
        """Large files first; those of one size, which may be the same, meet in one task."""
        ordered = sorted(files, key=lambda file: (-file.size, file.path))
        together = min(TASK_FILES, self._settings.images.shard_images)
        starts = range(0, len(ordered), together)
        crashed = self._read(tuple(ordered[start : start + together]) for start in starts)
        self._check_workers(len(ordered), len(crashed))
        for _ in range(TRIALS_ALONE):
            crashed = self._read((file,) for file in crashed)
        self._keep(ReadResult([FileRead(file, None, CRASHED) for file in crashed], None))

    def _check_workers(self, files: int, crashed: int) -> None:
        """Raise PimmiError if it isn't the fault of a few files that workers die."""
        if crashed == files > TASK_FILES:
            raise PimmiError(
                f"no image could be read, as each worker died: {self._last_crash}: "
                "use fewer --workers, or install pimmi again"
            )

    def _read(self, groups: Iterable[tuple[ImageFile, ...]]) -> list[ImageFile]:
        """Read groups of files, and return those of the groups whose worker died."""
        given: dict[int, ReadTask] = {}
        crashed: list[ImageFile] = []
        for outcome in self._pool.map_unordered(read_images, self._tasks(groups, given)):
            task = given.pop(outcome.index)
            if isinstance(outcome, Failed):
                raise outcome.error
            if isinstance(outcome, Crashed):
                self._last_crash = outcome.reason
                crashed += task.files
            else:
                self._keep(outcome.result)
        return sorted(crashed)

    def _tasks(
        self, groups: Iterable[tuple[ImageFile, ...]], given: dict[int, ReadTask]
    ) -> Iterator[ReadTask]:
        for index, files in enumerate(groups):
            known = self._gathering.known.of_sizes(file.size for file in files)
            given[index] = ReadTask(self._root, files, known, self._settings)
            yield given[index]

    def _keep(self, result: ReadResult) -> None:
        self._gathering.take(result)
        self._stage.advance(len(result.files))


def _refuse_namesakes(files: list[ImageFile], known: pa.Table, images: Path) -> None:
    """Raise PimmiError if the study has a file of another folder, still there, under the path of one of `files`."""
    rows = known.filter(pc.is_in(known.column("path"), pa.array([file.path for file in files], pa.string())))
    for path, root in zip(values(rows, "path"), values(rows, "root"), strict=True):
        if root is not None and Path(root) != images and (Path(root) / path).exists():
            raise PimmiError(
                f"{path} is in {images} and, as another file, in {root}, which the study holds already: "
                "put both folders into one and add that, so that each file has a path of its own"
            )


def _shard_images(files: int, workers: int, settings: Settings) -> int:
    """Shards small enough that comparing them keeps all workers busy."""
    return min(settings.images.shard_images, max(SMALLEST_SHARD, math.ceil(files / (2 * workers))))
