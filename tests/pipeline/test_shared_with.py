"""What two studies share: the links that a study of both would have between them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pimmi
from conftest import complete
from pimmi.outputs.tables import SHARED
from pimmi.pipeline.crew import local_pool
from pimmi.study.layout import StudyFolder
from pimmi.study.lock import locked
from pimmi.study.reading import values
from pimmi.workers.outcome import Outcome, R, T

EXACT = ("score", "nb_match_ransac", "agreement", "conflict", "confidence", "variant")
Pair = tuple[str, str]


@pytest.fixture(scope="module")
def halves(
    corpus: Path, small_shards: pimmi.Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[pimmi.Study, pimmi.Study]:
    """Studies of two folders that overlap: a third of the images is in both."""
    folder = tmp_path_factory.mktemp("halves")
    files = sorted(path for path in (corpus / "images").glob("*.jpg"))
    for place, path in enumerate(files):
        for half in range(2):
            if place % 3 in (half, 2):
                target = folder / f"images {half}" / path.name
                target.parent.mkdir(exist_ok=True)
                shutil.copy2(path, target)
    studies = [
        complete(folder / f"study {half}", folder / f"images {half}", settings=small_shards)
        for half in range(2)
    ]
    return studies[0], studies[1]


def as_pairs(rows: list[dict[str, Any]]) -> dict[Pair, dict[str, Any]]:
    return {(row["query_path"], row["result_path"]): row for row in rows}


def test_links_are_those_of_one_study_of_all(
    halves: tuple[pimmi.Study, pimmi.Study], study: pimmi.Study
) -> None:
    before = [[path.stat().st_mtime_ns for path in sorted(half.path.rglob("*"))] for half in halves]
    table = halves[0].shared_with(halves[1], workers=1)
    assert [[path.stat().st_mtime_ns for path in sorted(half.path.rglob("*"))] for half in halves] == before
    assert table.column_names == list(SHARED.columns)
    found = as_pairs(table.to_pylist())
    assert len(found) == len(table)
    there = [set(values(half.images(), "path")) for half in halves]
    ids = {row["path"]: row["image_id"] for row in study.images().to_pylist()}
    wanted: dict[Pair, dict[str, Any]] = {}
    for (query, result), row in as_pairs(study.links().to_pylist()).items():
        for pair in ((query, result), (result, query)):
            if row["relation"] != "identical" and pair[0] in there[0] and pair[1] in there[1]:
                wanted[pair] = row
    identical = {(path, path) for path in there[0] & there[1] if ids[path]}
    assert found.keys() == wanted.keys() | identical
    assert len(identical) > 10
    for pair, row in found.items():
        assert (row["query_id"], row["result_id"]) == (ids[pair[0]], ids[pair[1]])
        if pair in identical:
            assert (row["relation"], row["confidence"], row["a11"], row["tx"]) == ("identical", 1.0, 1.0, 0.0)
            continue
        other = wanted[pair]
        assert {name: row[name] for name in EXACT} == {name: other[name] for name in EXACT}
        matrix, turned = (
            np.array(
                [[one[f"a{line}1"], one[f"a{line}2"], one[f"t{axis}"]] for line, axis in ((1, "x"), (2, "y"))]
            )
            for one in (row, other)
        )
        coverages = (row["query_coverage"], row["result_coverage"])
        if other["query_path"] == pair[0]:
            assert np.array_equal(matrix, turned)
            assert coverages == (other["query_coverage"], other["result_coverage"])
        else:
            square = np.vstack([turned, [0, 0, 1]])
            assert np.allclose(np.vstack([matrix, [0, 0, 1]]) @ square, np.eye(3), atol=1e-6)
            assert coverages[::-1] == (other["query_coverage"], other["result_coverage"])
            assert {row["relation"], other["relation"]} in (
                *({"same"}, {"overlap"}), {"contains", "contained"},
            )  # fmt: skip


def test_the_other_way_round_is_the_same(halves: tuple[pimmi.Study, pimmi.Study]) -> None:
    one = as_pairs(halves[0].shared_with(halves[1], workers=1).to_pylist())
    other = as_pairs(halves[1].shared_with(halves[0].path, workers=1).to_pylist())
    assert {(result, query) for query, result in one} == other.keys()


def test_removed_files_share_nothing(halves: tuple[pimmi.Study, pimmi.Study], tmp_path: Path) -> None:
    copy = pimmi.open(Path(shutil.copytree(halves[0].path, tmp_path / "study")))
    paths = values(copy.images(), "path")
    copy.remove(paths[3:])
    found = set(values(copy.shared_with(halves[1], workers=1), "query_path"))
    assert found <= set(paths[:3])
    copy.remove(paths[:3])
    assert len(copy.shared_with(halves[1], workers=1)) == 0


class WhileOthersTry:
    """Local workers; before their first task, what others try is called, and must be refused."""

    workers = 1

    def __init__(self, *tries: Callable[[], object]) -> None:
        self._tries = tries
        self.refused = 0

    def map_unordered(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[R]]:
        for attempt in self._tries:
            with pytest.raises(pimmi.StudyError, match="another process is working"):
                attempt()
            self.refused += 1
        with local_pool(1) as pool:
            yield from pool.map_unordered(function, tasks)


@pytest.mark.skipif(os.name == "nt", reason="there is no lock")
def test_neither_study_can_be_changed_meanwhile(halves: tuple[pimmi.Study, pimmi.Study]) -> None:
    one, other = halves
    pool = WhileOthersTry(one.group, other.compact)
    assert len(one.shared_with(other, workers=pool)) > 0
    assert pool.refused == 2
    for study in halves:
        with (
            locked(StudyFolder(study.path)),
            pytest.raises(pimmi.StudyError, match="another process is working"),
        ):
            one.shared_with(other)


def test_studies_of_other_settings_are_refused(
    halves: tuple[pimmi.Study, pimmi.Study], tmp_path: Path
) -> None:
    fast = pimmi.open(tmp_path / "fast", create=True, settings=pimmi.Settings.preset("fast"))
    with pytest.raises(pimmi.StudyError, match="other settings"):
        halves[0].shared_with(fast)
