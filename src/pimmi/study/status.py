"""What is done in a study and what is not, told without reading what is large."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from pimmi.study.files import are_moved, are_removed, in_study, read_unsorted
from pimmi.study.groups import grouping_state
from pimmi.study.images import count_images
from pimmi.study.layout import StudyFolder

PARTS = {
    "files": "files",
    "shards": "shards",
    "pending": "shards",
    "links": "links",
    "groups": "groups",
    "thumbs": "pages",
    "cache": "pages",
    "decisions.sqlite": "decisions",
}
"""What the files and folders of a study belong to; the rest is small."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far a study is."""

    files: int
    """Files of the study, readable or not; those that were removed don't count."""
    images: int
    """Different images among them."""
    unreadable: int
    """Files that can't be read."""
    removed: int
    """Files that were removed, and come back only if they change."""
    unused_images: int
    """Images that no file holds any more: `Study.compact` drops them."""
    shards: int
    """Parts into which the images are cut."""
    pairs: int
    """Pairs of shards, each with itself included, that are to be compared in all."""
    pairs_compared: int
    """Those that are compared already."""
    grouped: str
    """no, outdated (there are other files, or another minimum confidence, since), or yes."""
    decisions: int
    """What a person decided on the pages and didn't undo."""
    disk_bytes: dict[str, int]
    """Disk space of the parts of the study: files, shards, links, groups, pages, decisions."""

    @property
    def matched(self) -> bool:
        """Whether all images are compared."""
        return self.pairs_compared == self.pairs


def study_status(folder: StudyFolder, *, decisions: int) -> Status:
    """How far a study is: its files table is read, and of other tables only how many rows they have."""
    rows = read_unsorted(folder, columns=("path", "bytes", "image_id", "reason"))
    files = in_study(rows)
    shards = folder.shard_numbers()
    images = len(pc.unique(files.column("image_id").drop_null()))
    return Status(
        files=len(files),
        images=images,
        unreadable=files.column("image_id").null_count,
        removed=rows.filter(pc.and_(are_removed(rows), pc.invert(are_moved(rows)))).num_rows,
        unused_images=sum(count_images(folder, number) for number in shards) - images,
        shards=len(shards),
        pairs=len(shards) * (len(shards) + 1) // 2,
        pairs_compared=len(folder.linked_pairs()),
        grouped=grouping_state(folder),
        decisions=decisions,
        disk_bytes=disk_use(folder),
    )


def disk_use(folder: StudyFolder) -> dict[str, int]:
    """Bytes on the disk of each part of a study."""
    use = dict.fromkeys(PARTS.values(), 0)
    for name, part in PARTS.items():
        use[part] += _bytes_of(folder.root / name)
    return use


def _bytes_of(path: Path) -> int:
    """What a file, or a folder with all in it, takes of the disk; what is removed meanwhile counts for nothing."""
    try:
        if path.is_file():
            return _on_disk(path.stat())
        with os.scandir(path) as entries:
            return sum(
                _bytes_of(Path(entry.path)) if entry.is_dir() else _on_disk(entry.stat()) for entry in entries
            )
    except FileNotFoundError:
        return 0


def _on_disk(about: os.stat_result) -> int:
    blocks: int | None = getattr(about, "st_blocks", None)
    return about.st_size if blocks is None else 512 * blocks
