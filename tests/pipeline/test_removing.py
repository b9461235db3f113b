"""Files that are removed from a study, moved, touched, changed or gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

import pimmi
from conftest import complete, exports
from pimmi.study.reading import values


@pytest.fixture(scope="module")
def pristine(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`images`, eleven images in two folders, two of them the same, and a file that is no image; `study` of them.

    Both are made in the folder `used`, and are then copied beside it.
    """
    folder = tmp_path_factory.mktemp("pristine")
    images = folder / "used" / "images"
    pictures = sorted((corpus / "images").glob("????????????.jpg"))
    for place in range(10):
        target = images / ("may" if place < 5 else "june") / f"{place}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pictures[place], target)
    shutil.copy(images / "may" / "0.jpg", images / "june" / "twin of 0.jpg")
    (images / "may" / "text.png").write_text("not an image")
    complete(folder / "used" / "study", images)
    shutil.copytree(folder / "used", folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def images(pristine: Path) -> Path:
    """The folder of images, as it was when the study was made of it."""
    used = pristine / "used"
    shutil.rmtree(used)
    for name in ("images", "study"):
        shutil.copytree(pristine / name, used / name)
    return used / "images"


@pytest.fixture
def study(images: Path) -> pimmi.Study:
    return pimmi.open(images.with_name("study"))


def paths_of(study: pimmi.Study) -> set[str]:
    return set(values(study.images(), "path"))


def as_if_made_of(study: pimmi.Study, images: Path, tmp_path: Path, *, without: Iterable[str] = ()) -> bool:
    """Whether the study, grouped again, is what a new one of the folder without some files would be."""
    study.match(workers=1)
    study.group()
    folder = tmp_path / f"copy of {len(list(tmp_path.iterdir()))}"
    shutil.copytree(images, folder)
    for path in without:
        (folder / path).unlink()
    fresh = complete(folder.with_name(f"{folder.name}, study"), folder)
    return exports(study, tmp_path / "tables") == exports(fresh, tmp_path / "other tables")


def test_what_is_removed_is_in_no_table(study: pimmi.Study, images: Path, tmp_path: Path) -> None:
    assert study.remove(["may/1.jpg", "june/twin of 0.jpg", "may/text.png"]) == 3
    with pytest.raises(pimmi.StudyError, match="aren't grouped yet"):
        study.cluster_table()
    gone = ["may/1.jpg", "june/twin of 0.jpg", "may/text.png"]
    assert as_if_made_of(study, images, tmp_path, without=gone)
    assert not paths_of(study) & set(gone)
    assert (images / "may" / "1.jpg").exists()
    assert "may/1.jpg" not in {hit.path for hit in study.search(images / "may" / "1.jpg")}


def test_a_search_names_the_files_that_hold_an_image_now(study: pimmi.Study, images: Path) -> None:
    study.remove(["may/1.jpg"])
    shutil.copy(images / "june" / "9.jpg", images / "may" / "0.jpg")
    study.add(images, workers=1)
    held = {
        "june/9.jpg": ["june/9.jpg", "may/0.jpg"],
        "june/twin of 0.jpg": ["june/twin of 0.jpg"],
        "may/1.jpg": [],
        "may/2.jpg": ["may/2.jpg"],
    }
    again = pimmi.open(study.path)
    for path, paths in held.items():
        hits = pimmi.open(study.path).search(images / path)
        (own,) = {row["image_id"] for row in again.images().to_pylist() if row["path"] in paths} or {""}
        assert [hit.path for hit in hits if hit.image_id == own] == paths
        assert {hit.path for hit in hits} <= paths_of(study)
        assert again.search(images / path) == hits


def test_a_folder_is_removed_under_its_name_in_the_study_and_on_the_disk(
    study: pimmi.Study, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert study.remove(["may"]) == 6
    assert not [path for path in paths_of(study) if path.startswith("may/")]
    monkeypatch.chdir(images.parent)
    assert study.remove([Path("images/june/5.jpg"), images / "june" / "6.jpg"]) == 2
    assert paths_of(study) == {"june/7.jpg", "june/8.jpg", "june/9.jpg", "june/twin of 0.jpg"}
    assert study.remove(images) == 4
    study.group()
    assert (study.summary().files, len(study.links())) == (0, 0)
    assert study.remove([images, "may"]) == 0


def test_a_path_that_the_study_does_not_know_changes_nothing(study: pimmi.Study, images: Path) -> None:
    before = study.images()
    for path in ("nothing.jpg", "may/1", "ma", images.parent / "study", "../images-elsewhere"):
        with pytest.raises(pimmi.StudyError, match="is no file or folder of the study"):
            study.remove(["may/1.jpg", path])
    assert study.images() == before
    assert study.summary().files == 12


def test_what_is_removed_stays_removed_until_it_changes(
    study: pimmi.Study, images: Path, tmp_path: Path
) -> None:
    study.remove(["may/1.jpg", "may/2.jpg"])
    assert study.add(images, workers=1).read == 0
    os.utime(images / "may" / "1.jpg", (7, 7))
    shutil.copy(images / "june" / "9.jpg", images / "may" / "2.jpg")
    assert study.add(images, workers=1).read == 2
    assert study.add(images, workers=1).read == 0
    assert as_if_made_of(study, images, tmp_path, without=["may/1.jpg"])


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_problem_that_was_removed_stays_removed(study: pimmi.Study, images: Path) -> None:
    (images / "gone.jpg").symlink_to(images / "nowhere.jpg")
    study.add(images, workers=1)
    assert "gone.jpg" in paths_of(study)
    study.remove(["gone.jpg"])
    study.add(images, workers=1)
    assert "gone.jpg" not in paths_of(study)


def test_missing_files_are_counted_and_removed(study: pimmi.Study, images: Path, tmp_path: Path) -> None:
    (images / "may" / "1.jpg").unlink()
    shutil.rmtree(images / "june")
    added = study.add(images, workers=1)
    assert (added.read, added.moved, added.gone) == (0, 0, 7)
    assert "june/5.jpg" in paths_of(study)
    assert study.add(images / ".." / "images", workers=1).gone == 7
    assert study.remove(missing=True) == 7
    assert study.add(images, workers=1).gone == 0
    assert as_if_made_of(study, images, tmp_path)


def test_a_folder_of_images_that_is_away_is_not_taken_for_missing_files(
    study: pimmi.Study, images: Path
) -> None:
    images.rename(images.with_name("elsewhere"))
    with pytest.raises(pimmi.StudyError, match="is not there: connect its disk"):
        study.remove(missing=True)
    assert len(paths_of(study)) == 12
    (images.with_name("elsewhere") / "may" / "3.jpg").unlink()
    added = study.add(images.with_name("elsewhere"), workers=1)
    assert (added.read, added.gone) == (0, 1)
    assert study.remove(missing=True) == 1
    assert "may/3.jpg" not in paths_of(study)


def test_moved_files_have_their_new_path_alone(study: pimmi.Study, images: Path, tmp_path: Path) -> None:
    (images / "july").mkdir()
    (images / "may" / "1.jpg").rename(images / "july" / "1.jpg")
    (images / "may" / "2.jpg").rename(images / "june" / "5.jpg")
    added = study.add(images, workers=1)
    assert (added.read, added.moved, added.gone) == (2, 2, 0)
    assert as_if_made_of(study, images, tmp_path)
    (images / "july" / "1.jpg").rename(images / "may" / "1.jpg")
    added = study.add(images, workers=1)
    assert (added.read, added.moved, added.gone) == (1, 1, 0)
    assert as_if_made_of(study, images, tmp_path)


def test_of_two_files_with_the_same_bytes_one_moved_and_one_is_gone(study: pimmi.Study, images: Path) -> None:
    (images / "may" / "0.jpg").rename(images / "new.jpg")
    (images / "june" / "twin of 0.jpg").unlink()
    added = study.add(images, workers=1)
    assert (added.read, added.moved, added.gone) == (1, 1, 1)
    assert {"new.jpg", "may/0.jpg"} <= paths_of(study)
    assert "june/twin of 0.jpg" not in paths_of(study)


def test_a_copy_of_a_file_that_is_still_there_is_no_move(study: pimmi.Study, images: Path) -> None:
    shutil.copy(images / "may" / "1.jpg", images / "may" / "one more.jpg")
    added = study.add(images, workers=1)
    assert (added.read, added.moved, added.gone) == (1, 0, 0)
    assert {"may/1.jpg", "may/one more.jpg"} <= paths_of(study)


def test_a_touched_file_changes_no_table(study: pimmi.Study, images: Path, tmp_path: Path) -> None:
    before = exports(study, tmp_path / "before")
    for path in images.rglob("*.jpg"):
        os.utime(path, (7, 7))
    assert study.add(images, workers=1).read == 11
    study.match(workers=1)
    study.group()
    assert exports(study, tmp_path / "after") == before


def test_the_old_content_of_a_changed_file_is_nowhere(
    study: pimmi.Study, images: Path, tmp_path: Path
) -> None:
    old = {row["path"]: row["image_id"] for row in study.images().to_pylist()}["may/4.jpg"]
    shutil.copy(images / "june" / "9.jpg", images / "may" / "4.jpg")
    study.add(images, workers=1)
    assert as_if_made_of(study, images, tmp_path)
    assert old not in values(study.images(), "image_id")
