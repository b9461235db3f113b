"""What becomes of the files of a folder: duplicates, changed and hostile files, crashes, Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import pimmi
from conftest import complete, exports
from pimmi.pipeline import adding
from pimmi.pipeline.reading import ReadResult, ReadTask, read_images
from pimmi.progress import Progress, Stage
from pimmi.study.tables import SCORE_OF_EXACT_COPIES
from pimmi.workers.outcome import Outcome
from pimmi.workers.pool import LocalPool


def rows_of(study: pimmi.Study) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in study.images().to_pylist()}


def picture(corpus: Path, place: int = 0) -> Path:
    return sorted((corpus / "images").glob("????????????.jpg"))[place]


def test_byte_identical_files_are_one_image_under_several_paths(
    corpus: Path, small_shards: pimmi.Settings, study: pimmi.Study
) -> None:
    rows = rows_of(study)
    first = picture(corpus).name
    for number in range(2):
        twin = rows[f"more/twice {number}.jpg"]
        assert twin["duplicate_of"] == first
        assert twin["image_id"] == rows[first]["image_id"]
    assert rows[first]["duplicate_of"] is None
    exact = [link for link in study.links().to_pylist() if link["score"] == SCORE_OF_EXACT_COPIES]
    assert {(link["query_path"], link["result_path"]) for link in exact} == {
        (first, "more/twice 0.jpg"),
        (first, "more/twice 1.jpg"),
        (picture(corpus, 1).name, 'more/a name, "quoted" é.jpg'),
    }
    assert all(link["nb_match_ransac"] == rows[link["query_path"]]["nb_points"] for link in exact)
    clusters = {row["path"]: row for row in study.cluster_table().to_pylist()}
    assert clusters["more/twice 0.jpg"]["cluster_id"] == clusters[first]["cluster_id"]


def test_an_image_without_links_is_a_cluster_with_its_duplicates(corpus: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        shutil.copy(picture(corpus), images / name)
    study = complete(tmp_path / "study", images)
    (cluster,) = study.clusters()
    assert (cluster.paths, cluster.rank, cluster.quality) == (["a.jpg", "b.jpg", "c.jpg"], 1, 1.0)
    assert cluster.representative_path == "a.jpg"
    assert {row["degree"] for row in study.cluster_table().to_pylist()} == {2}
    assert list(study.clusters(min_size=4)) == []
    assert study.summary().links == 2


def test_files_that_cannot_be_read_are_listed_with_a_reason(tmp_path: Path, corpus: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(picture(corpus), images / "good.jpg")
    data = picture(corpus).read_bytes()
    (images / "cut.jpg").write_bytes(data[: len(data) // 3])
    (images / "empty.png").touch()
    (images / "page.webp").write_text("<html>404</html>")
    noise = np.random.default_rng(0).integers(0, 256, 5000, np.uint8).tobytes()
    (images / "noise.jpg").write_bytes(b"\xff\xd8\xff\xe0" + noise)
    bomb = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    (images / "bomb.png").write_bytes(bomb + b"\x00" * 100)
    (images / "gone.jpg").symlink_to(images / "nowhere.jpg")
    study = complete(tmp_path / "study", images)
    rows = rows_of(study)
    bad = {"cut.jpg", "empty.png", "page.webp", "noise.jpg", "bomb.png", "gone.jpg"}
    assert {path for path, row in rows.items() if row["status"] == "unreadable"} == bad
    assert all(rows[path]["reason"] and rows[path]["image_id"] is None for path in bad)
    assert rows["good.jpg"]["status"] == "ok"
    assert study.summary().unreadable == len(bad)
    before = study.images()
    study.add(images, workers=1)
    assert study.images() == before


def test_a_corpus_without_one_readable_image_is_grouped(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "text.jpg").write_text("not an image")
    study = complete(tmp_path / "study", images)
    assert study.summary().clusters == 0
    assert len(study.links()) == 0


def test_plain_images_are_marked(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    Image.new("RGB", (300, 200), "white").save(images / "white.png")
    Image.new("L", (1, 1)).save(images / "dot.gif")
    rows = rows_of(complete(tmp_path / "study", images))
    assert {row["status"] for row in rows.values()} == {"low-information"}
    assert (rows["white.png"]["width"], rows["white.png"]["height"]) == (300, 200)
    assert (rows["dot.gif"]["format"], rows["dot.gif"]["nb_points"]) == ("gif", 0)


def test_a_file_that_changed_is_read_again(corpus: Path, tmp_path: Path) -> None:
    images, fresh = tmp_path / "images", tmp_path / "fresh"
    images.mkdir()
    for place, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        shutil.copy(picture(corpus, place), images / name)
    study = complete(tmp_path / "study", images)
    shutil.copy(picture(corpus, 3), images / "b.jpg")
    study = complete(tmp_path / "study", images)
    shutil.copytree(images, fresh)
    assert exports(study, tmp_path / "one") == exports(complete(tmp_path / "other", fresh), tmp_path / "two")


class InterruptedProgress(pimmi.Progress):
    """Sends Ctrl-C to this process after some files."""

    def __init__(self, after: int) -> None:
        super().__init__(quiet=True)
        self._left = after

    def stage(self, name: str, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:
        del name, total, unit

        @contextmanager
        def counting() -> Iterator[Stage]:
            yield self

        return counting()

    def advance(self, count: int = 1) -> None:
        if self._left > 0 >= self._left - count:
            signal.raise_signal(signal.SIGINT)
        self._left -= count


def test_ctrl_c_keeps_what_was_read(
    corpus: Path, small_shards: pimmi.Settings, expected: dict[str, bytes], tmp_path: Path
) -> None:
    study = pimmi.open(tmp_path / "study", create=True, settings=small_shards)
    with pytest.raises(KeyboardInterrupt):
        study.add(corpus / "images", workers=1, progress=InterruptedProgress(after=20))
    kept = len(study.images())
    assert 20 <= kept < 51
    assert not list(study.path.rglob(".new-*"))
    with pytest.raises(pimmi.StudyError, match="aren't compared yet"):
        study.group()
    study = complete(tmp_path / "study", corpus / "images")
    assert exports(study, tmp_path / "tables") == expected


def read_or_die(task: ReadTask) -> ReadResult:
    if any(file.path == "deadly.jpg" for file in task.files):
        os.kill(os.getpid(), signal.SIGKILL)
    return read_images(task)


class DeadlyPool(LocalPool):
    """Its workers die of the file deadly.jpg."""

    def map_unordered(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Outcome[Any]]:
        assert function is read_images
        return super().map_unordered(read_or_die, tasks)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_file_that_kills_its_worker_is_listed_and_its_neighbours_are_read(
    corpus: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for place in range(6):
        shutil.copy(picture(corpus, place), images / f"{place}.jpg")
    shutil.copy(picture(corpus, 7), images / "deadly.jpg")
    study = pimmi.open(tmp_path / "study", create=True)
    with DeadlyPool(workers=2) as pool:
        study.add(images, workers=pool)
    rows = rows_of(study)
    assert rows.pop("deadly.jpg")["reason"] == "the decoder crashed on this file"
    assert len(rows) == 6
    assert {row["status"] for row in rows.values()} == {"ok"}


def die(_task: ReadTask) -> ReadResult:
    os._exit(3)


class BrokenPool(LocalPool):
    """Its workers all die."""

    def map_unordered(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Outcome[Any]]:
        del function
        return super().map_unordered(die, tasks)


def test_workers_that_cannot_work_are_not_the_fault_of_the_files(corpus: Path, tmp_path: Path) -> None:
    study = pimmi.open(tmp_path / "study", create=True)
    with BrokenPool(workers=2) as pool, pytest.raises(pimmi.PimmiError, match="each worker died"):
        study.add(corpus / "images", workers=pool)
    assert len(study.images()) == 0


def test_colour_channels_and_depth_do_not_matter(tmp_path: Path, corpus: Path) -> None:
    """A grey PNG of 16 bits and its JPEG are linked."""
    images = tmp_path / "images"
    images.mkdir()
    grey = cv2.imread(str(picture(corpus)), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    cv2.imwrite(str(images / "deep.png"), grey.astype(np.uint16) * 257)
    shutil.copy(picture(corpus), images / "colour.jpg")
    links = complete(tmp_path / "study", images).links().to_pylist()
    assert [(link["query_path"], link["result_path"]) for link in links] in (
        [("colour.jpg", "deep.png")],
        [("deep.png", "colour.jpg")],
    )


@pytest.mark.parametrize(("preset", "told"), [("balanced", True), ("large", False)])
def test_the_preset_for_many_files_is_named_before_they_are_read(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str, told: bool
) -> None:
    monkeypatch.setattr(adding, "LARGE_FROM", 3)
    images = tmp_path / "images"
    images.mkdir()
    for place in range(3):
        shutil.copy(picture(corpus, place), images)
    lines = StringIO()
    study = pimmi.open(tmp_path / "study", create=True, settings=pimmi.Settings.preset(preset))
    study.add(images, workers=1, progress=Progress(stream=lines))
    assert ("--preset large" in lines.getvalue().split("Reading images")[0]) is told
