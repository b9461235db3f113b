"""The same files and settings give the same tables, however the study came about."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import pimmi
from conftest import complete, exports


def test_the_corpus_has_links_of_every_kind(expected: dict[str, bytes]) -> None:
    links = expected["links"].decode()
    assert all(f",{variant}," in links for variant in ("plain", "mirror", "negative"))
    assert expected["links"].count(b"\n") > 50
    assert expected["clusters"].count(b"\n") > 40


@pytest.mark.parametrize(
    ("workers", "shard_images"), [(4, 16), (2, 10), (1, 2000)], ids=["4 workers", "small", "one shard"]
)
def test_workers_and_shards_change_nothing(
    corpus: Path, expected: dict[str, bytes], tmp_path: Path, workers: int, shard_images: int
) -> None:
    settings = pimmi.Settings().updated({"images": {"shard_images": shard_images}})
    study = complete(tmp_path / "study", corpus / "images", settings=settings, workers=workers)
    assert exports(study, tmp_path / "tables") == expected


def test_the_order_and_the_times_of_files_change_nothing(
    corpus: Path, small_shards: pimmi.Settings, expected: dict[str, bytes], tmp_path: Path
) -> None:
    copied = tmp_path / "images"
    files = [path for path in (corpus / "images").rglob("*") if path.is_file()]
    for place, path in enumerate(sorted(files, reverse=True)):
        target = copied / path.relative_to(corpus / "images")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        os.utime(target, (place, 1_000_000_000 + place))
    study = complete(tmp_path / "study", copied, settings=small_shards)
    assert exports(study, tmp_path / "tables") == expected


@pytest.mark.parametrize("sizes", [(20, 31), (5, 1, 45)], ids=str)
def test_adding_in_steps_changes_nothing(
    corpus: Path,
    small_shards: pimmi.Settings,
    expected: dict[str, bytes],
    tmp_path: Path,
    sizes: tuple[int, ...],
) -> None:
    """Each step's folder holds the files of the steps before and some more."""
    files = sorted(
        (path for path in (corpus / "images").rglob("*") if path.is_file()),
        key=lambda path: path.read_bytes()[-50:],
    )
    assert sum(sizes) == len(files)
    steps = []
    for step in range(len(sizes)):
        folder = tmp_path / f"step {step}"
        for path in files[: sum(sizes[: step + 1])]:
            target = folder / path.relative_to(corpus / "images")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        steps.append(folder)
    study = complete(tmp_path / "study", *steps, settings=small_shards)
    assert exports(study, tmp_path / "tables") == expected


def test_a_study_is_moved_and_read_without_its_images(
    corpus: Path, study: pimmi.Study, expected: dict[str, bytes], tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere" / "moved"
    shutil.copytree(study.path, moved)
    assert exports(moved, tmp_path / "tables") == expected


def test_a_second_run_writes_nothing(
    corpus: Path, study: pimmi.Study, small_shards: pimmi.Settings, tmp_path: Path
) -> None:
    copy = tmp_path / "study"
    shutil.copytree(study.path, copy)

    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.parent.name != "groups"}

    before = {path: time for path, time in state().items() if path.is_file()}
    complete(copy, corpus / "images", settings=small_shards)
    assert {path: time for path, time in state().items() if path.is_file()} == before
