"""Compacting drops what no file holds and joins shards; every table stays as it was, even after a kill."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pimmi
from conftest import complete, exports
from pimmi.study.images import read_images
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values
from pimmi.study.status import disk_use

MOMENTS = 20


@pytest.fixture
def thinned(study: pimmi.Study, tmp_path: Path) -> pimmi.Study:
    """The study of the corpus without half of its files."""
    shutil.copytree(study.path, tmp_path / "study")
    opened = pimmi.open(tmp_path / "study")
    opened.remove(values(opened.images(), "path")[::2])
    opened.group()
    return opened


def test_tables_stay_and_the_disk_has_the_space_that_is_said(thinned: pimmi.Study, tmp_path: Path) -> None:
    folder = StudyFolder(thinned.path)
    expected, used = exports(thinned, tmp_path / "before"), sum(disk_use(folder).values())
    elements, memberships = thinned.elements(), thinned.memberships()
    assert thinned.status().unused_images > 10
    links = {path.name for path in folder.links.iterdir()}
    done = thinned.compact()
    assert exports(thinned, tmp_path / "after") == expected
    assert (thinned.elements(), thinned.memberships()) == (elements, memberships)
    assert done.bytes_freed == used - sum(disk_use(folder).values()) > 0.3 * used
    assert done.dropped > 10
    assert (
        done.shards == len(folder.shard_numbers()) == len(list(folder.shards.iterdir())) < done.shards_before
    )
    assert not folder.unlinked_pairs()
    assert not links & {path.name for path in folder.links.iterdir()}
    status = thinned.status()
    assert (status.unused_images, status.grouped) == (0, "yes")
    ids = set(values(read_images(folder), "image_id"))
    assert ids == set(values(thinned.images(), "image_id")) - {None}


def test_pictures_of_dropped_images_are_dropped(thinned: pimmi.Study, study: pimmi.Study) -> None:
    ids = set(values(study.images(), "image_id")) - {None}
    kept = set(values(thinned.images(), "image_id")) - {None}
    for name in ids:
        path = thinned.path / "thumbs" / name[:2] / f"{name}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a picture")
    thinned.compact()
    assert {path.stem for path in (thinned.path / "thumbs").rglob("*.webp")} == kept < ids


def test_a_second_time_does_nothing(thinned: pimmi.Study) -> None:
    thinned.compact()

    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in thinned.path.rglob("*") if path.is_file()}

    before = state()
    done = thinned.compact()
    assert (done.dropped, done.bytes_freed) == (0, 0)
    assert done.shards == done.shards_before
    assert state() == before


def test_new_images_are_compared_with_shards_that_were_joined(
    thinned: pimmi.Study, corpus: Path, tmp_path: Path
) -> None:
    """What was removed comes back under other names."""
    kept = set(values(thinned.images(), "path"))
    thinned.compact()
    for path in sorted((corpus / "images").rglob("*")):
        name = path.relative_to(corpus / "images")
        target = tmp_path / "images" / (name if name.as_posix() in kept else Path("back") / name)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    grown = complete(thinned.path, tmp_path / "images")
    fresh = complete(tmp_path / "fresh", tmp_path / "images")
    assert exports(grown, tmp_path / "tables") == exports(fresh, tmp_path / "other tables")


def test_small_shards_are_joined_up_to_the_setting(
    corpus: Path, small_shards: pimmi.Settings, expected: dict[str, bytes], tmp_path: Path
) -> None:
    files = sorted(path for path in (corpus / "images").rglob("*") if path.is_file())
    steps = []
    for step in range(1, 7):
        folder = tmp_path / f"step {step}"
        for path in files[: (len(files) * step + 5) // 6]:
            target = folder / path.relative_to(corpus / "images")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        steps.append(folder)
    study = pimmi.open(tmp_path / "study", create=True, settings=small_shards)
    for folder in steps:
        study.add(folder, workers=1)
    study.match(workers=1)
    study.group()
    done = study.compact()
    assert (done.shards_before, done.dropped) == (6, 0)
    assert done.shards < 6
    folder_of_study = StudyFolder(study.path)
    sizes = [len(list(group)) for group in _rows_of_shards(folder_of_study)]
    assert max(sizes) <= small_shards.images.shard_images
    assert exports(study, tmp_path / "tables") == expected


def _rows_of_shards(folder: StudyFolder) -> list[list[int]]:
    shards = values(read_images(folder), "shard")
    return [[shard for shard in shards if shard == number] for number in sorted(set(shards))]


def test_images_that_are_not_compared_are_refused(
    corpus: Path, small_shards: pimmi.Settings, tmp_path: Path
) -> None:
    study = pimmi.open(tmp_path / "study", create=True, settings=small_shards)
    study.add(corpus / "images", workers=1)
    with pytest.raises(pimmi.StudyError, match="pimmi match"):
        study.compact()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_killed_at_any_moment_nothing_is_lost(thinned: pimmi.Study, tmp_path: Path) -> None:
    killing = Path(__file__).with_name("killing.py")
    command: list[str | Path] = [sys.executable, killing, "compact", thinned.path, tmp_path, str(MOMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == MOMENTS
