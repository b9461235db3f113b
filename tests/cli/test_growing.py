"""status, remove, compact, merge and match --with, as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pimmi
from conftest import complete, exports
from pimmi import settings
from pimmi.cli import report
from pimmi.cli.report import print_summary
from pimmi.outputs.tables import SHARED
from pimmi.pipeline.grouping import GroupTask, group_all
from pimmi.study.layout import StudyFolder


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pimmi", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


def done(*arguments: str | Path) -> str:
    process = run(*arguments)
    assert process.returncode == 0, process.stderr
    return process.stdout


def refused(*arguments: str | Path) -> str:
    process = run(*arguments)
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    return line.removeprefix("pimmi: ")


@pytest.fixture
def copy(study: pimmi.Study, tmp_path: Path) -> Path:
    return Path(shutil.copytree(study.path, tmp_path / "copy"))


def confidences(study: pimmi.Study) -> list[float]:
    return [row["confidence"] for row in study.links().to_pylist()]


def test_status_says_what_to_run_next(
    corpus: Path, small_shards: pimmi.Settings, expected: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "study"
    study = pimmi.open(path, create=True, settings=small_shards)

    def next_step() -> str:
        *_, last = done("status", path).splitlines()
        return last.removeprefix("Next: ")

    assert next_step() == f"pimmi run IMAGES {path}"
    study.add(corpus / "images", workers=1)
    assert next_step() == f"pimmi match {path}"
    study.match(workers=1)
    assert next_step() == f"pimmi group {path}"
    study.group()
    assert next_step() == f"pimmi ui {path}"
    assert exports(study, tmp_path / "tables") == expected


def test_what_to_run_next_is_called_as_the_user_called_it(study: pimmi.Study, tmp_path: Path) -> None:
    """An environment that isn't activated has its program in a folder where the shell doesn't look."""
    script = tmp_path / "pimmi"
    script.write_text(f"#!{sys.executable}\nfrom pimmi.cli import main\nmain()\n")
    script.chmod(0o755)

    def next_step(path: str) -> str:
        done = subprocess.run(
            ["./pimmi", "status", str(study.path)],
            cwd=tmp_path,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()[-1]

    assert next_step(os.defpath) == f"Next: ./pimmi ui {study.path}"
    assert next_step(f"{tmp_path}{os.pathsep}{os.defpath}") == f"Next: pimmi ui {study.path}"


def test_status_as_json_counts_what_the_tables_do(study: pimmi.Study) -> None:
    found = json.loads(done("status", study.path, "--json"))
    summary = study.summary()
    assert (found["files"], found["images"], found["unreadable"]) == (
        summary.files,
        summary.images,
        summary.unreadable,
    )
    assert found["pairs"] == found["pairs_compared"] == found["shards"] * (found["shards"] + 1) // 2 > 1
    assert (found["grouped"], found["removed"], found["unused_images"]) == ("yes", 0, 0)
    assert found["next"] == f"pimmi ui {study.path}"
    shards = sum(path.stat().st_size for path in (study.path / "shards").rglob("*") if path.is_file())
    assert shards <= found["disk_bytes"]["shards"] < 1.5 * shards + 500_000


def test_remove_groups_again_and_compact_frees(copy: Path, corpus: Path, tmp_path: Path) -> None:
    opened = pimmi.open(copy)
    _, _, first, second, *_ = sorted((corpus / "images").glob("????????????.jpg"))
    before = opened.summary().files
    said = done("remove", copy, first.name, second)
    assert said.startswith("2 files removed\n")
    assert f"{before - 2:,} image files" in said
    assert opened.summary().files == before - 2
    tables = exports(opened, tmp_path / "tables")
    said = done("compact", copy)
    assert said.startswith("2 images dropped; ")
    assert said.endswith(" kB freed\n")
    assert exports(opened, tmp_path / "tables") == tables
    done("add", corpus / "images", copy, "--quiet")
    assert exports(opened, tmp_path / "tables") == tables


def test_what_cannot_be_removed(copy: Path, tmp_path: Path) -> None:
    assert "name files or folders, or give --missing" in refused("remove", copy)
    assert refused("remove", copy, "nothing.jpg").startswith("nothing.jpg is no file or folder of the study")
    assert "does not exist" in refused("remove", tmp_path / "nowhere", "nothing.jpg")
    assert pimmi.open(copy).status().grouped == "yes"


def test_add_says_what_is_no_longer_there(corpus: Path, tmp_path: Path) -> None:
    images, study = tmp_path / "images", tmp_path / "study"
    images.mkdir()
    for path in sorted((corpus / "images").glob("????????????.jpg"))[:6]:
        shutil.copy(path, images)
    complete(study, images)
    one, two, three, *_ = sorted(images.iterdir())
    one.unlink()
    two.unlink()
    three.rename(images / "new name.jpg")
    said = done("add", images, study)
    assert "1 file was moved: it is listed under its new path" in said
    hint = f"2 files are no longer there, and stay in the study: pimmi remove {study} --missing removes them"
    assert hint in said
    assert "6 image files" in said
    said = done("remove", study, "--missing")
    assert said.startswith("2 files removed")
    assert "no longer there" not in done("add", images, study)
    assert pimmi.open(study).summary().files == 4


def test_merge_matches_and_groups_and_match_with_shares(
    corpus: Path, small_shards: pimmi.Settings, expected: dict[str, bytes], tmp_path: Path
) -> None:
    files = sorted(path for path in (corpus / "images").rglob("*") if path.is_file())
    for place, path in enumerate(files):
        target = tmp_path / f"images {place % 2}" / path.relative_to(corpus / "images")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    one, other = (
        complete(tmp_path / f"study {half}", tmp_path / f"images {half}", settings=small_shards).path
        for half in range(2)
    )
    assert "go together" in refused("match", one, "--with", other)
    assert "must end with" in refused("match", one, "--with", other, "-o", "shared.txt")
    said = done("match", one, "--with", other, "-o", tmp_path / "shared.csv")
    head, *rows = (tmp_path / "shared.csv").read_text(encoding="utf-8").splitlines()
    assert head.split(",") == list(SHARED.columns)
    assert said == f"{len(rows)} links between {one} and {other}\n"
    assert len(rows) > 20
    said = done("merge", one, other, "--workers", "1")
    assert said.startswith(f"{len(pimmi.open(other).images())} files and 0 decisions merged\n")
    assert exports(one, tmp_path / "tables") == expected
    assert "is the study itself" in refused("merge", one, one)


def test_of_many_images_less_sure_links_are_left_out_and_it_is_said(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    advice = f"group {copy} --minimum-confidence 0.5"
    opened = pimmi.open(copy)
    print_summary(opened)
    assert advice not in capsys.readouterr().out
    every = confidences(opened)
    images = opened.summary().images
    asked = 0.9995
    assert min(every) < asked < max(every)
    for module in (settings, report):
        monkeypatch.setattr(module, "FEW_IMAGES", images * (1 - asked) / asked)
    assert confidences(opened) == [confidence for confidence in every if confidence >= asked]
    folder = StudyFolder(copy)
    group_all(GroupTask(folder, opened.settings))
    clusters, links = opened.cluster_table(), opened.links()
    print_summary(opened)
    said = capsys.readouterr().out
    assert advice in said and "count links below 0.9995 as well" in said
    opened.set_minimum_confidence(asked)
    group_all(GroupTask(folder, opened.settings))
    assert (opened.cluster_table(), opened.links()) == (clusters, links)
    print_summary(opened)
    assert advice not in capsys.readouterr().out
    opened.set_minimum_confidence(0.5)
    group_all(GroupTask(folder, opened.settings))
    assert len(opened.cluster_table()) > len(clusters)
    assert confidences(opened) == every
