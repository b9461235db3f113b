"""What workers read, gathered into shards of the study."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from pimmi.images.walk import ImageFile
from pimmi.pipeline.interrupts import interrupt_deferred
from pimmi.pipeline.known import KnownFiles
from pimmi.pipeline.pending import Pending
from pimmi.pipeline.reading import FileRead, ReadResult
from pimmi.study.catalogue import id_array
from pimmi.study.files import write_files
from pimmi.study.images import read_images
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values
from pimmi.study.shards import Shard, joined, taken, write_shard

MOST_FILES = 20_000
"""Files that wait to be written, when few of them are new images."""
KEEP_S = 5.0
"""How long what waits may be in memory alone."""


class KnownImages:
    """The ids of the images of the study and of those that wait to be written, by file size."""

    def __init__(self, folder: StudyFolder) -> None:
        images = read_images(folder)
        self._ids = id_array(images)
        self._sizes = images.column("bytes").to_numpy()
        self._sort()
        self._new: dict[int, set[str]] = {}

    def of_sizes(self, sizes: Iterable[int]) -> frozenset[str]:
        """The ids of images with that many bytes."""
        found: set[str] = set()
        for size in set(sizes):
            start, end = (np.searchsorted(self._sizes, size, side=side) for side in ("left", "right"))
            found.update(name.decode() for name in self._ids[start:end].tolist())
            found |= self._new.get(size, set())
        return frozenset(found)

    def add(self, images: pa.Table) -> None:
        for name, size in zip(values(images, "image_id"), values(images, "bytes"), strict=True):
            self._new.setdefault(size, set()).add(name)

    def settle(self) -> None:
        """Keep what was added in less memory."""
        new = [(name, size) for size, names in self._new.items() for name in names]
        self._ids = np.concatenate([self._ids, np.array([name for name, _ in new], "S32")])
        self._sizes = np.concatenate([self._sizes, np.array([size for _, size in new], np.int64)])
        self._sort()
        self._new = {}

    def _sort(self) -> None:
        order = np.argsort(self._sizes, kind="stable")
        self._ids, self._sizes = self._ids[order], self._sizes[order]


class Gathering:
    """Images and files, of the folder `root`, that wait until they fill a shard of `shard_images` images.

    What waits is kept on the disk as well, every KEEP_S seconds.
    """

    def __init__(self, folder: StudyFolder, *, root: Path, files: KnownFiles, shard_images: int) -> None:
        self._known_files = files
        self._pending = Pending(folder, root=root)
        self._unkept: list[ReadResult] = []
        self._kept = time.monotonic()
        self.known = KnownImages(folder)
        self._folder = folder
        self._shard_images = shard_images
        self._shards: list[Shard] = []
        self._files: list[FileRead] = []

    def resume(self, wanted: Collection[ImageFile]) -> frozenset[ImageFile]:
        """Take what a run that was killed has read of some files; returns which."""
        done: set[ImageFile] = set()
        for result in self._pending.found(wanted):
            self._take(result)
            done.update(read.file for read in result.files)
        return frozenset(done)

    def take(self, result: ReadResult) -> None:
        """Add what a worker read; a Ctrl-C finds all of it here or nothing."""
        with interrupt_deferred():
            self._unkept.append(ReadResult(result.files, self._take(result)))
            if time.monotonic() > self._kept + KEEP_S:
                self._pending.keep(self._unkept)
                self._unkept, self._kept = [], time.monotonic()

    def write(self) -> None:
        """Write what waits."""
        with interrupt_deferred():
            self._write()

    def _take(self, result: ReadResult) -> Shard | None:
        """Add what was read; returns the images that are new."""
        new = self._unknown(result.shard)
        if new and sum(map(len, self._shards)) + len(new) > self._shard_images:
            self._write()
        if new:
            self._shards.append(new)
            self.known.add(new.images)
        self._files += result.files
        if len(self._files) >= MOST_FILES:
            self._write()
        return new

    def _write(self) -> None:
        if self._shards:
            write_shard(joined(self._shards), self._folder)
            self._shards = []
            self.known.settle()
        if self._files:
            write_files(self._known_files.rows_of(self._files), self._folder)
            self._files = []
        self._unkept = []
        self._pending.clear()

    def _unknown(self, shard: Shard | None) -> Shard | None:
        """The images that no other task has brought meanwhile."""
        if shard is None:
            return None
        known = self.known.of_sizes(values(shard.images, "bytes"))
        rows = np.array([row for row, name in enumerate(shard.ids) if name not in known], np.int64)
        if len(rows) == len(shard):
            return shard
        return taken(shard, rows) if len(rows) else None
