"""The command line on real pictures: run, add, search, export, group, eval, and a run that is stopped."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import pimmi
from conftest import exports, source
from pimmi.demo.families import FAMILIES
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import encode_jpeg
from pimmi.demo.writing import write_corpus
from pimmi.evaluation import read_truth
from pimmi.outputs.tables import TABLES

STOPPED = (130, -signal.SIGINT)
"""How a command ends after Ctrl-C; a shell says 130 for both. Python itself chooses the second where the interrupt came
while it ran text as code, as dataclasses do."""

CHANGES = ("jpeg_q30", "crop_40", "mirror", "greyscale")


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pimmi", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures, four changes of each, two other pictures, one file twice and one that is no image."""
    folder = tmp_path_factory.mktemp("corpus")
    truth = write_corpus(
        folder,
        originals=[source(name) for name in ("astronaut", "cat", "coffee", "rocket")],
        distractors=[source(name) for name in ("brick", "retina")],
        families=[family for family in FAMILIES if family.name in CHANGES],
    )
    first = min((folder / "images").iterdir())
    shutil.copy(first, folder / "images" / "twice.jpg")
    (folder / "images" / "broken.jpg").write_text("not an image")
    assert len(read_truth(truth)) == 4 * (1 + len(CHANGES)) + 2
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path) -> subprocess.CompletedProcess[str]:
    return command("run", corpus / "images", corpus / "study", "--workers", "1")


@pytest.fixture(scope="module")
def study(corpus: Path, run: subprocess.CompletedProcess[str]) -> Path:
    assert run.returncode == 0, run.stderr
    return corpus / "study"


def rows(study: Path, table: str) -> list[dict[str, Any]]:
    opened = pimmi.open(study)
    make = {
        "links": opened.links,
        "clusters": opened.cluster_table,
        "elements": opened.elements,
        "memberships": opened.memberships,
        "images": opened.images,
        "decisions": opened.decisions,
    }[table]
    return make().to_pylist()


def test_a_run_ends_with_a_summary(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0
    first = run.stdout.splitlines()[0]
    assert first == "24 image files: 22 different images, 1 exact duplicates, 1 unreadable"
    assert "4 clusters" in run.stdout
    assert "pimmi export clusters" in run.stdout
    assert "Warning" not in run.stderr


def test_a_quiet_run_says_nothing_and_changes_nothing(corpus: Path, study: Path, tmp_path: Path) -> None:
    before = exports(study, tmp_path / "before")
    done = command("run", corpus / "images", study, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert exports(study, tmp_path / "after") == before


@pytest.mark.parametrize("table", TABLES)
def test_exports_have_the_columns_that_help_explains(study: Path, tmp_path: Path, table: str) -> None:
    path = tmp_path / "table.csv"
    done = command("export", table, study, "-o", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with path.open(encoding="utf-8", newline="") as file:
        first, *others = csv.reader(file)
    assert first == list(TABLES[table].columns)
    assert len(others) == len(rows(study, table))


def test_clusters_are_the_families(corpus: Path, study: Path) -> None:
    truth = read_truth(corpus / "truth.csv")
    families: dict[str, set[str]] = {}
    for row in rows(study, "clusters"):
        if row["path"] in truth:
            families.setdefault(row["cluster_id"], set()).update(truth[row["path"]].origins)
    assert sorted(map(sorted, families.values())) == [["astronaut"], ["cat"], ["coffee"], ["rocket"]]


def test_images_tell_what_became_of_each_file(study: Path) -> None:
    about = {row["path"]: row for row in rows(study, "images")}
    assert about["broken.jpg"]["status"] == "unreadable"
    assert about["broken.jpg"]["reason"] != ""
    original = about["twice.jpg"]["duplicate_of"]
    assert about["twice.jpg"]["image_id"] == about[original]["image_id"]


def test_search_finds_the_copies_of_a_changed_picture(corpus: Path, study: Path, tmp_path: Path) -> None:
    truth = read_truth(corpus / "truth.csv")
    mirrored = tmp_path / "mirrored.jpg"
    mirrored.write_bytes(encode_jpeg(load_picture("astronaut")[:, ::-1].copy(), quality=80))
    done = command("search", study, mirrored, "--json", "--limit", "3")
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert [entry["image"] for entry in found] == [str(mirrored)]
    hits = found[0]["hits"]
    assert 1 <= len(hits) <= 3
    assert all(truth[hit["path"]].origins == {"astronaut"} for hit in hits if hit["path"] in truth)
    assert {hit["variant"] for hit in hits} <= {"plain", "mirror"}
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert all(len(hit["transform"]) == 6 for hit in hits)


def test_search_does_not_load_scipy(corpus: Path, study: Path) -> None:
    image = min((corpus / "images").iterdir())
    arguments = [sys.executable, "-X", "importtime", "-m", "pimmi", "search", str(study), str(image)]
    done = subprocess.run(arguments, capture_output=True, encoding="utf-8", check=True)
    loaded = [line.split("|")[-1].strip() for line in done.stderr.splitlines()]
    assert "numba" in loaded
    assert not [name for name in loaded if name.startswith("scipy._")]
    assert "inliers" in done.stdout


def test_search_goes_on_after_an_image_that_cannot_be_read(corpus: Path, study: Path) -> None:
    good = min((corpus / "images").iterdir())
    done = command("search", study, corpus / "images" / "broken.jpg", good)
    assert done.returncode == 2
    spoken = done.stdout.splitlines()
    assert spoken[0] == f"{good}: {len(spoken) - 1} found"
    assert good.name in spoken[1]
    first, last = done.stderr.splitlines()
    assert "broken.jpg" in first
    assert last == "pimmi: 1 of 2 images could not be read"


def test_eval_measures_the_study(corpus: Path, study: Path) -> None:
    done = command("eval", corpus / "truth.csv", study, "--json")
    measures = json.loads(done.stdout)
    assert set(measures["recall"]) == set(CHANGES)
    assert measures["mean_recall"] > 0.8
    assert "astronaut" not in done.stdout
    spoken = command("eval", corpus / "truth.csv", study).stdout
    assert all(change in spoken for change in CHANGES)


def test_group_again_in_another_way(corpus: Path, study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "study"
    shutil.copytree(study, copy)
    done = command("group", copy, "--resolution", "1")
    assert done.returncode == 0
    assert "clusters" in done.stdout
    assert rows(copy, "links") == rows(study, "links")
    assert len(rows(copy, "clusters")) < len(rows(study, "clusters"))
    assert command("group", copy, "--algorithm", "components", "--quiet").stdout == ""
    clustered = {row["path"]: row["cluster_id"] for row in rows(copy, "clusters")}
    for link in rows(copy, "links"):
        assert clustered[link["query_path"]] == clustered[link["result_path"]]


def test_less_sure_links_are_left_out_from_then_on(corpus: Path, study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "study"
    shutil.copytree(study, copy)
    assert command("group", copy, "--minimum-confidence", "1").returncode == 0
    every, sure = rows(study, "links"), rows(copy, "links")
    assert {row["relation"] for row in sure} == {"identical"} < {row["relation"] for row in every}
    image = corpus / "images" / every[0]["query_path"]
    assert len(pimmi.open(copy).search(image)) < len(pimmi.open(study).search(image))
    assert command("add", corpus / "images", copy).returncode == 0
    assert rows(copy, "links") == sure
    assert command("group", copy, "--minimum-confidence", "0").returncode == 0
    assert rows(copy, "links") == every


def test_links_that_were_not_kept_do_not_come_back(study: Path) -> None:
    done = command("group", study, "--minimum-confidence", "0.1")
    assert done.returncode == 2
    assert done.stderr == "pimmi: the minimum confidence is 0.1, but links below 0.2 weren't kept\n"
    assert pimmi.open(study).settings.matching.minimum_confidence == 0.0


def test_add_wants_a_study_that_exists(corpus: Path, tmp_path: Path) -> None:
    done = command("add", corpus / "images", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "nowhere").exists()


def test_other_settings_than_the_study_has_are_refused(corpus: Path, study: Path) -> None:
    done = command("run", corpus / "images", study, "--preset", "fast")
    assert done.returncode == 2
    assert "keypoints" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["match"], ["group"], ["search"], ["export", "links"]])
def test_a_folder_that_is_no_study_is_named(tmp_path: Path, words: list[str]) -> None:
    rest = {"search": [__file__], "export": ["-o", str(tmp_path / "t.csv")]}.get(words[0], [])
    done = command(*words, tmp_path / "images", *rest)
    assert done.returncode == 2
    assert str(tmp_path / "images") in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way on Windows")
def test_a_run_that_is_stopped_goes_on(corpus: Path, study: Path, tmp_path: Path) -> None:
    stopped = tmp_path / "study"
    process = subprocess.Popen(
        [sys.executable, "-m", "pimmi", "run", corpus / "images", stopped, "--workers", "1"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    while not stopped.exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    with process.stderr:
        said = process.stderr.read().splitlines()
    assert process.wait() in STOPPED
    assert said[-1] == "pimmi: stopped: the same command goes on where it stopped"
    assert "Traceback" not in "".join(said)

    assert command("run", corpus / "images", stopped, "--workers", "1").returncode == 0
    assert exports(stopped, tmp_path / "one") == exports(study, tmp_path / "other")
