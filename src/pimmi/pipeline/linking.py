"""Linking: the pairs of shards that aren't compared yet, as tasks."""

from __future__ import annotations

import time
from dataclasses import replace

from pimmi.errors import PimmiError
from pimmi.pipeline.comparing import CompareTask, compare_shards
from pimmi.pipeline.crew import crew, crew_of_one
from pimmi.pipeline.near_copies import NearCopies
from pimmi.pipeline.renewing import renew
from pimmi.progress import Progress, Stage
from pimmi.settings import Settings
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import count_rows
from pimmi.workers.outcome import Crashed, Failed, Pool

LISTED_S = 60.0
"""Longer than NFS keeps the list of a folder, by default."""


def link_images(
    folder: StudyFolder, *, settings: Settings, workers: int | Pool | None, progress: Progress
) -> None:
    """Compare the pairs of shards that have no file of links. The caller holds the study's lock.

    What was compared shows whether images that no file holds stand for others, which are then compared once more.
    """
    renew(folder)
    while tasks := _tasks(folder.absolute(), settings):
        _link(tasks, folder, workers=workers, progress=progress)
        renew(folder)


def _link(
    tasks: list[CompareTask], folder: StudyFolder, *, workers: int | Pool | None, progress: Progress
) -> None:
    pairs = sum(task.size for task in tasks)
    copies = NearCopies.inside_shards(folder)
    with (
        crew(workers, progress) as pool,
        progress.stage("Matching", total=pairs, unit="pairs of images") as stage,
    ):
        crashed = _run(tasks, pool, stage, copies)
    if crashed:
        with (
            crew_of_one(workers) as pool,
            progress.stage("Matching again", total=None, unit="pairs of images") as stage,
        ):
            crashed = _run([task for task, _ in crashed], pool, stage, copies)
    if crashed:
        (task, reason), *_ = crashed
        first, second = task.pair
        raise PimmiError(
            f"comparing the shards {first} and {second} of {folder.root} failed twice, as {reason}: "
            "use fewer --workers, or a machine with more memory"
        )
    _wait_until_listed(tasks, folder)


def _wait_until_listed(tasks: list[CompareTask], folder: StudyFolder) -> None:
    """What other machines wrote may take a while to appear in a folder that is shared."""
    until = time.monotonic() + LISTED_S
    while not {task.pair for task in tasks} <= set(folder.linked_pairs()):
        if time.monotonic() > until:
            raise PimmiError(
                f"files that workers wrote don't appear in {folder.links}: "
                "see that all machines share that folder, and give the same command again"
            )
        time.sleep(LISTED_S / 100)


def _tasks(folder: StudyFolder, settings: Settings) -> list[CompareTask]:
    """Shards with themselves first, as that tells which images others stand for; then the largest, so that no worker is
    left alone with one at the end."""
    pairs = folder.unlinked_pairs()
    images = {
        number: count_rows(folder.shard(number) / "images.parquet")
        for number in sorted({number for pair in pairs for number in pair})
    }
    tasks = [
        CompareTask(folder, pair, settings.matching, _pairs_of_images(images[pair[0]], images[pair[1]], pair))
        for pair in pairs
    ]
    return sorted(tasks, key=lambda task: (task.pair[0] != task.pair[1], -task.size, task.pair))


def _pairs_of_images(first: int, second: int, pair: tuple[int, int]) -> int:
    return first * (first - 1) // 2 if pair[0] == pair[1] else first * second


def _run(
    tasks: list[CompareTask], pool: Pool, stage: Stage, copies: NearCopies
) -> list[tuple[CompareTask, str]]:
    """Run the tasks, and return those whose worker died, with the reason.

    Each knows the near-exact copies that those before it found, but for files that this machine doesn't see yet.
    """
    crashed = []
    told = (replace(task, known=copies.before(task.pair)) for task in tasks)
    for outcome in pool.map_unordered(compare_shards, told):
        if isinstance(outcome, Failed):
            raise outcome.error
        task = tasks[outcome.index]
        if isinstance(outcome, Crashed):
            crashed.append((task, outcome.reason))
        else:
            if outcome.result and task.folder.links_of(task.pair).exists():
                copies.learn(task.pair)
            stage.advance(task.size)
    return crashed
