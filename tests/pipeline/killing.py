"""Changes a study again and again, in processes that are killed, each at another of the moments when it writes.

    python killing.py CALL STUDY FOLDER MOMENTS [PATH…]

CALL is the name of a function below. After each kill, the study must be what it was before or what it is afterwards,
and the next call, which isn't killed, must bring it to its end.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

import pimmi
from pimmi.study.layout import StudyFolder

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}


def compact(study: Path, others: list[Path]) -> None:
    assert not others
    pimmi.open(study).compact()


def merge(study: Path, others: list[Path]) -> None:
    pimmi.open(study).merge(*others)


def remove(study: Path, paths: list[Path]) -> None:
    pimmi.open(study).remove(paths)


def tables(study: Path) -> list[pa.Table]:
    """All that exports show; nothing else may differ between two studies."""
    opened = pimmi.open(study)
    made = [opened.images, opened.links, opened.cluster_table, opened.elements, opened.memberships]
    if opened.status().grouped != "yes":
        del made[1:]
    return [table() for table in made]


def run(call: Callable[[], None], *, until: int | None) -> int:
    """Run a call in another process; kill it when it is about to make change `until`. Returns how many it made."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        made = 0

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal made
            writes = event == "open" and isinstance(arguments[1], str) and arguments[1].startswith(("w", "x"))
            if event in CHANGES or writes:
                if made == until:
                    os.kill(os.getpid(), signal.SIGKILL)
                made += 1

        sys.addaudithook(count)
        call()
        os.write(writing, str(made).encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    said = os.read(reading, 100)
    os.close(reading)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed == (until is not None), status
    return int(said or b"0")


def main() -> None:
    name, study, folder, moments, *others = sys.argv[1:]
    change = {"compact": compact, "merge": merge, "remove": remove}[name]
    used = Path(folder) / "used"

    def call() -> None:
        change(used, [Path(other) for other in others])

    def fresh() -> None:
        shutil.rmtree(used, ignore_errors=True)
        shutil.copytree(study, used)

    fresh()
    before = tables(used)
    total = run(call, until=None)
    after, files = tables(used), listing(used)
    assert total > int(moments)
    for moment in sorted({round(place * (total - 1) / (int(moments) - 1)) for place in range(int(moments))}):
        fresh()
        run(call, until=moment)
        assert tables(used) in (before, after), moment
        run(call, until=None)
        assert tables(used) == after, moment
        assert listing(used) == files, moment
        print(moment, "of", total)


def listing(study: Path) -> int:
    """How many shards there are, and how many files of links, whatever their numbers."""
    folder = StudyFolder(study)
    assert not list(study.rglob(".new-*"))
    assert len(list(folder.shards.iterdir())) == len(folder.shard_numbers())
    assert len(list(folder.links.iterdir())) == len(folder.linked_pairs())
    return len(folder.shard_numbers())


if __name__ == "__main__":
    main()
