"""Studies made apart, merged: the tables are those of one study of all images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pimmi
from conftest import complete, exports
from pimmi.decisions.store import DecisionStore
from pimmi.study.images import read_images
from pimmi.study.layout import StudyFolder
from pimmi.study.lock import locked
from pimmi.study.reading import values

MOMENTS = 12


def state_of(study: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(study.rglob("*"))}


@pytest.fixture(scope="module")
def thirds(
    corpus: Path, small_shards: pimmi.Settings, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """A study of each third of the corpus; byte-identical files are in different ones."""
    folder = tmp_path_factory.mktemp("thirds")
    files = sorted(path for path in (corpus / "images").rglob("*") if path.is_file())
    for place, path in enumerate(files):
        target = folder / f"images {place % 3}" / path.relative_to(corpus / "images")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    for third in range(3):
        complete(folder / f"study {third}", folder / f"images {third}", settings=small_shards)
    return [folder / f"study {third}" for third in range(3)]


@pytest.fixture
def first(thirds: list[Path], tmp_path: Path) -> pimmi.Study:
    return pimmi.open(Path(shutil.copytree(thirds[0], tmp_path / "study")))


def finish(study: pimmi.Study) -> pimmi.Study:
    study.match(workers=1)
    study.group()
    return study


def clusters_of(study: pimmi.Study) -> dict[str, str]:
    """The cluster of each image that is in one."""
    table = study.cluster_table()
    return dict(zip(values(table, "image_id"), values(table, "cluster_id"), strict=True))


def test_three_thirds_are_the_whole(
    first: pimmi.Study,
    thirds: list[Path],
    expected: dict[str, bytes],
    tmp_path: Path,
) -> None:
    before = [state_of(other) for other in thirds[1:]]
    held = [set(values(read_images(StudyFolder(study)), "image_id")) for study in thirds]
    assert held[0] & held[1] or held[0] & held[2] or held[1] & held[2]
    came = first.merge(*thirds[1:])
    assert came.decisions == 0
    assert came.files == sum(len(pimmi.open(study).images()) for study in thirds[1:])
    assert [state_of(other) for other in thirds[1:]] == before
    folder = StudyFolder(first.path)
    ids = values(read_images(folder), "image_id")
    assert len(ids) == len(set(ids)) == len(set().union(*held))
    carried = {
        folder.links_of(pair): folder.links_of(pair).stat().st_mtime_ns for pair in folder.linked_pairs()
    }
    assert len(carried) > len(list((thirds[0] / "links").iterdir()))
    finish(first)
    assert {path: path.stat().st_mtime_ns for path in carried} == carried
    assert exports(first, tmp_path / "tables") == expected
    assert first.merge(*thirds[1:]).files == 0
    assert exports(first, tmp_path / "tables") == expected
    first.compact()
    assert exports(first, tmp_path / "tables") == expected


def test_studies_that_are_not_compared_yet_are_merged_in_any_order(
    thirds: list[Path], small_shards: pimmi.Settings, expected: dict[str, bytes], tmp_path: Path
) -> None:
    study = pimmi.open(tmp_path / "study", create=True, settings=small_shards)
    raw = pimmi.open(tmp_path / "raw", create=True, settings=small_shards)
    raw.add(thirds[0].with_name("images 0"), workers=1)
    study.merge(thirds[2], raw)
    study.merge(thirds[1])
    assert exports(finish(study), tmp_path / "tables") == expected


def test_what_one_study_removed_stays_removed(first: pimmi.Study, thirds: list[Path], tmp_path: Path) -> None:
    other = pimmi.open(Path(shutil.copytree(thirds[1], tmp_path / "other")))
    kept, dropped, *_ = values(other.images(), "path")
    other.remove([dropped])
    first.merge(other)
    assert kept in values(first.images(), "path")
    first.remove([kept])
    first.merge(other, thirds[1])
    assert not {kept, dropped} & set(values(first.images(), "path"))
    assert first.status().removed == 2


def test_what_was_decided_in_the_others_is_applied(
    first: pimmi.Study, thirds: list[Path], tmp_path: Path
) -> None:
    other = pimmi.open(Path(shutil.copytree(thirds[1], tmp_path / "other")))
    finish(other)
    cluster = next(other.clusters())
    ids = dict(zip(values(other.images(), "path"), values(other.images(), "image_id"), strict=True))
    away = next(path for path in cluster.paths if ids[path] != cluster.id)
    finish(first).merge(other)
    finish(first)
    clusters = clusters_of(first)
    assert clusters[cluster.id] == clusters[ids[away]]
    DecisionStore(StudyFolder(other.path)).add([("apart", ids[away], cluster.id, "yes")])
    before = state_of(other.path)
    came = first.merge(other)
    assert (came.files, came.decisions) == (0, 1)
    assert state_of(other.path) == before
    assert first.status().grouped == "outdated"
    finish(first)
    clusters = clusters_of(first)
    assert clusters[cluster.id] != clusters.get(ids[away])
    assert values(first.decisions(), "first_image") == [ids[away]]
    came = first.merge(other)
    assert (came.files, came.decisions) == (0, 0)
    assert first.status().grouped == "yes"


def test_two_images_under_one_path_are_refused(
    first: pimmi.Study, thirds: list[Path], small_shards: pimmi.Settings, tmp_path: Path
) -> None:
    rows = [row for row in first.images().to_pylist() if row["image_id"] and "/" not in row["path"]]
    one, another = rows[0]["path"], rows[1]["path"]
    assert rows[0]["image_id"] != rows[1]["image_id"]
    images = tmp_path / "images"
    images.mkdir()
    source = thirds[0].with_name("images 0")
    shutil.copy(source / one, images / one)
    other = complete(tmp_path / "other", images, settings=small_shards)
    before = state_of(first.path)
    assert first.merge(other).files == 0
    shutil.copy(source / another, images / one)
    other = complete(tmp_path / "another", images, settings=small_shards)
    with pytest.raises(pimmi.StudyError, match=f"{one} is one image in .* and another in") as error:
        first.merge(thirds[1], other)
    assert "\n" not in str(error.value)
    assert state_of(first.path).keys() == before.keys()


def test_studies_that_cannot_be_merged(first: pimmi.Study, thirds: list[Path], tmp_path: Path) -> None:
    fast = pimmi.open(tmp_path / "fast", create=True, settings=pimmi.Settings.preset("fast"))
    with pytest.raises(pimmi.StudyError, match=r"made with other settings than .*keypoints"):
        first.merge(fast)
    with pytest.raises(pimmi.StudyError, match="is the study itself"):
        first.merge(thirds[1], first.path)
    with pytest.raises(pimmi.StudyError, match="does not exist"):
        first.merge(tmp_path / "nowhere")
    codebook = Path(shutil.copytree(thirds[1], tmp_path / "other")) / "study.toml"
    text = codebook.read_text(encoding="utf-8")
    codebook.write_text(text.replace('hash = "', 'hash = "0'), encoding="utf-8")
    with pytest.raises(pimmi.StudyError, match="codebook"):
        first.merge(tmp_path / "other")


@pytest.mark.skipif(os.name == "nt", reason="there is no lock")
def test_a_study_that_is_being_changed_is_not_merged(first: pimmi.Study, thirds: list[Path]) -> None:
    with locked(StudyFolder(thirds[1])), pytest.raises(pimmi.StudyError, match="another process is working"):
        first.merge(thirds[1])


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_killed_at_any_moment_all_has_come_or_nothing(
    first: pimmi.Study, thirds: list[Path], tmp_path: Path
) -> None:
    killing = Path(__file__).with_name("killing.py")
    command: list[str | Path] = [
        sys.executable,
        killing,
        "merge",
        first.path,
        tmp_path,
        str(MOMENTS),
        *thirds[1:],
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == MOMENTS
