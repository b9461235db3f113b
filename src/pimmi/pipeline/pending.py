"""What was read and waits for its shard, on the disk: so a run that is killed loses seconds of reading."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pimmi.errors import StudyError
from pimmi.images.walk import ImageFile
from pimmi.pipeline.reading import FileRead, ReadResult
from pimmi.study.layout import StudyFolder
from pimmi.study.shards import fill_shard, joined, read_shard
from pimmi.study.writing import remove, written_whole

FILES = "files.json"
"""In the folder of a part: the root, and path, size, time of change, image id and reason of each file."""


class Pending:
    """The results of reading files below the folder `root`, in parts that are removed when a shard holds them."""

    def __init__(self, folder: StudyFolder, *, root: Path) -> None:
        self._folder = folder
        self._root = str(root)
        self._parts: list[Path] = []

    def found(self, wanted: Collection[ImageFile]) -> Iterator[ReadResult]:
        """What a run that was killed has read of some files, if they haven't changed since."""
        for path in self._folder.pending_parts():
            result = self._read(path)
            if result is None:
                continue
            self._parts.append(path)
            files = [read for read in result.files if read.file in wanted]
            if files:
                yield ReadResult(files, result.shard)

    def keep(self, results: Sequence[ReadResult]) -> None:
        """Write the next part."""
        path = self._folder.next_pending_part()
        files = [read for result in results for read in result.files]
        shards = [result.shard for result in results if result.shard is not None]
        with written_whole(path) as unfinished:
            unfinished.mkdir()
            rows = [
                (read.file.path, read.file.size, read.file.mtime_ns, read.image_id, read.reason)
                for read in files
            ]
            (unfinished / FILES).write_text(json.dumps([self._root, rows]), encoding="utf-8")
            if shards:
                fill_shard(joined(shards), unfinished)
        self._parts.append(path)

    def clear(self) -> None:
        """Remove the parts that were found or kept."""
        for path in self._parts:
            remove(path)
        self._parts = []

    def _read(self, path: Path) -> ReadResult | None:
        """The results in a part of the same root; a damaged one is removed, for its files can be read again."""
        try:
            root, rows = json.loads((path / FILES).read_text(encoding="utf-8"))
            files = [
                FileRead(ImageFile(name, size, changed), image_id, reason)
                for name, size, changed, image_id, reason in rows
            ]
            shard = read_shard(path) if (path / "images.parquet").exists() else None
        except (OSError, ValueError, StudyError):
            remove(path)
            return None
        return ReadResult(files, shard) if root == self._root else None
