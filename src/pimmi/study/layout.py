"""Where everything lies in a study folder."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

from pimmi.study.writing import UNFINISHED, remove

ShardPair = tuple[int, int]
ARRIVAL = "arrival.json"
"""In the folder of a shard that came by `pimmi remove`, `compact` or `merge`, until nothing is left to be done."""


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The names in a study folder; nothing but numbered parts, each written once.

    study.toml             format, codebook and settings
    files/0000.parquet     files that were seen, in the order in which they were
    shards/0000/           some images and their points
    links/0000-0001.parquet    links between the images of two shards, or inside one
    groups/clusters.parquet    and elements, memberships, links: what grouping made of all links
    pending/0000/          what was read and isn't in a shard yet
    """

    root: Path

    def absolute(self) -> StudyFolder:
        """The same folder, named as processes elsewhere find it too."""
        return StudyFolder(self.root.absolute())

    @property
    def description(self) -> Path:
        return self.root / "study.toml"

    @property
    def files(self) -> Path:
        return self.root / "files"

    @property
    def shards(self) -> Path:
        return self.root / "shards"

    @property
    def links(self) -> Path:
        return self.root / "links"

    @property
    def pending(self) -> Path:
        return self.root / "pending"

    @property
    def clusters(self) -> Path:
        return self.groups("clusters")

    def groups(self, name: str) -> Path:
        return self.root / "groups" / f"{name}.parquet"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"

    def files_part(self, number: int) -> Path:
        return self.files / f"{number:04}.parquet"

    def shard(self, number: int) -> Path:
        return self.shards / f"{number:04}"

    def links_of(self, pair: ShardPair) -> Path:
        return self.links / f"{pair[0]:04}-{pair[1]:04}.parquet"

    def files_numbers(self) -> list[int]:
        """The numbers of the parts of the files table, in the order in which they were written."""
        return sorted(int(match[1]) for match in _matches(self.files, r"(\d+)\.parquet"))

    def shard_numbers(self) -> list[int]:
        """The numbers of the shards that count.

        A shard whose arrival names the shards that it `replaces` counts instead of them. One whose arrival `awaits`
        the part of the files table with some number counts once that is there.
        """
        numbers = self._shard_folders()
        arrivals = {number: self._arrival(number) for number in numbers}
        parts = set(self.files_numbers())
        here = [number for number in numbers if arrivals[number].get("awaits", -1) in {-1, *parts}]
        replaced = {other for number in here for other in arrivals[number].get("replaces", ())}
        return [number for number in here if number not in replaced]

    def next_shard_number(self) -> int:
        return max(self._shard_folders(), default=-1) + 1

    def next_files_number(self) -> int:
        return max(self.files_numbers(), default=-1) + 1

    def pending_parts(self) -> list[Path]:
        return [self.pending / f"{number:04}" for number in self._pending_numbers()]

    def next_pending_part(self) -> Path:
        return self.pending / f"{max(self._pending_numbers(), default=-1) + 1:04}"

    def _pending_numbers(self) -> list[int]:
        return sorted(int(match[0]) for match in _matches(self.pending, r"\d+"))

    def linked_pairs(self) -> list[ShardPair]:
        """The pairs of shards that were compared."""
        shards = set(self.shard_numbers())
        return [pair for pair in self._link_files() if shards.issuperset(pair)]

    def unlinked_pairs(self) -> list[ShardPair]:
        """The pairs of shards, each with itself included, that are still to be compared."""
        done = set(self.linked_pairs())
        return [pair for pair in combinations_with_replacement(self.shard_numbers(), 2) if pair not in done]

    def remove_unfinished(self) -> None:
        """Remove what a run that was killed left half written, and what was replaced."""
        self._remove_replaced()
        for folder in (
            self.root, self.files, self.shards, self.links, self.clusters.parent, self.pending,
        ):  # fmt: skip
            for path in folder.glob(f"{UNFINISHED}*"):
                remove(path)

    def _remove_replaced(self) -> None:
        shards = set(self.shard_numbers())
        for pair in self._link_files():
            if not shards.issuperset(pair):
                remove(self.links_of(pair))
        for number in self._shard_folders():
            if number not in shards:
                self.drop_shard(number)
        for number in sorted(shards):
            (self.shard(number) / ARRIVAL).unlink(missing_ok=True)

    def drop_shard(self, number: int) -> None:
        """Remove a shard, at once as a whole; its links are removed by `remove_unfinished`."""
        gone = self.shards / f"{UNFINISHED}gone-{number:04}"
        remove(gone)
        self.shard(number).rename(gone)
        remove(gone)

    def _shard_folders(self) -> list[int]:
        return sorted(int(match[0]) for match in _matches(self.shards, r"\d+"))

    def _link_files(self) -> list[ShardPair]:
        return sorted(
            (int(match[1]), int(match[2])) for match in _matches(self.links, r"(\d+)-(\d+)\.parquet")
        )

    def _arrival(self, number: int) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.shard(number) / ARRIVAL).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found


def _matches(folder: Path, pattern: str) -> list[re.Match[str]]:
    if not folder.is_dir():
        return []
    matching = re.compile(pattern).fullmatch
    with os.scandir(folder) as entries:
        return [match for entry in entries if (match := matching(entry.name))]
