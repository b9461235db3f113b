"""What can be opened as a study, and what is said of what can't."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import pimmi
from pimmi.study.description import FORMAT
from pimmi.study.layout import StudyFolder
from pimmi.study.lock import locked


@pytest.fixture
def copy(study: pimmi.Study, tmp_path: Path) -> Path:
    return Path(shutil.copytree(study.path, tmp_path / "copy"))


def rewrite(study: Path, old: str, new: str) -> None:
    path = study / "study.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_study_remembers_its_settings(tmp_path: Path) -> None:
    settings = pimmi.Settings.preset("fast")
    pimmi.open(tmp_path / "new" / "study", create=True, settings=settings)
    assert pimmi.open(tmp_path / "new" / "study").settings == settings


def test_what_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(pimmi.StudyError, match="does not exist"):
        pimmi.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(pimmi.StudyError, match="not a study"):
        pimmi.open(tmp_path)
    with pytest.raises(pimmi.StudyError, match="holds other files"):
        pimmi.open(tmp_path, create=True)
    with pytest.raises(pimmi.StudyError, match="is a file"):
        pimmi.open(tmp_path / "mine.txt", create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_becomes_a_study(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    pimmi.open(tmp_path / "study", create=True)
    assert len(pimmi.open(tmp_path / "study").images()) == 0


def test_a_study_whose_making_was_stopped_is_made(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    with locked(StudyFolder(tmp_path / "study")):
        (tmp_path / "study" / ".new-1-study.toml").write_text("format = 1\n[code")
    (tmp_path / "study" / ".new-1-study.toml").write_text("format = 1\n[code")
    pimmi.open(tmp_path / "study", create=True)
    assert not list((tmp_path / "study").glob(".new-*"))


def test_other_settings_are_named(copy: Path, small_shards: pimmi.Settings) -> None:
    other = small_shards.updated({"features": {"keypoints": 123}, "images": {"working_size": 300}})
    with pytest.raises(pimmi.StudyError, match=r"working_size \(256, 300\).*keypoints \(400, 123\)"):
        pimmi.open(copy, create=True, settings=other)


def test_settings_without_effect_on_shards_and_links_may_differ(
    copy: Path, small_shards: pimmi.Settings
) -> None:
    other = small_shards.updated({"images": {"shard_images": 99}, "grouping": {"algorithm": "components"}})
    opened = pimmi.open(copy, settings=other)
    opened.group()
    assert opened.settings.grouping.algorithm == "components"


def test_a_newer_format_is_refused(copy: Path) -> None:
    rewrite(copy, f"format = {FORMAT}\n", f"format = {FORMAT + 1}\n")
    with pytest.raises(pimmi.StudyError, match=f"format {FORMAT + 1}"):
        pimmi.open(copy)


@pytest.mark.parametrize(
    ("old", "new"), [(f"format = {FORMAT}", f"form = {FORMAT}"), ("[codebook]", "[codebook"), ("hash", "h")]
)
def test_a_damaged_description_is_named(copy: Path, old: str, new: str) -> None:
    rewrite(copy, old, new)
    with pytest.raises(pimmi.StudyError, match=r"study\.toml is damaged"):
        pimmi.open(copy)


def test_another_codebook_is_refused_but_for_reading(corpus: Path, copy: Path) -> None:
    rewrite(copy, 'hash = "', 'hash = "0')
    opened = pimmi.open(copy)
    assert len(opened.images()) > 0
    for work in (
        lambda: opened.add(corpus / "images"),
        opened.match,
        lambda: opened.search(next((corpus / "images").glob("*.jpg"))),
    ):
        with pytest.raises(pimmi.StudyError, match="codebook"):
            work()


@pytest.mark.parametrize(
    "name",
    [
        "files/0000.parquet",
        "shards/0001/images.parquet",
        "links/0000-0001.parquet",
        "groups/clusters.parquet",
    ],
)
def test_a_damaged_table_is_named(copy: Path, name: str) -> None:
    path = copy / name
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(pimmi.StudyError, match=f"{Path(name).name} is damaged"):
        pimmi.open(copy).summary()


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_table_with_other_bytes_is_named(copy: Path, place: float) -> None:
    path = copy / "links" / "0000-0001.parquet"
    content = bytearray(path.read_bytes())
    start = int(place * len(content))
    content[start : start + 200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(pimmi.StudyError, match=f"{path.name} is damaged"):
        pimmi.open(copy).links()


@pytest.mark.parametrize(
    "name", ["offsets.npy", "records.npy", "others.npy", "signatures.npy", "thumbnails.npy"]
)
def test_a_damaged_array_is_named(corpus: Path, copy: Path, name: str) -> None:
    path = copy / "shards" / "0000" / name
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(pimmi.StudyError, match=f"{name} is damaged"):
        pimmi.open(copy).search(next((corpus / "images").glob("*.jpg")))


def test_a_study_that_is_not_grouped_has_no_clusters(corpus: Path, copy: Path, tmp_path: Path) -> None:
    (copy / "groups" / "clusters.parquet").unlink()
    with pytest.raises(pimmi.StudyError, match="isn't grouped yet"):
        pimmi.open(copy).cluster_table()
    pimmi.open(copy).group()
    more = tmp_path / "more"
    more.mkdir()
    shutil.copy(next((corpus / "images").glob("*.jpg")), more / "another.jpg")
    opened = pimmi.open(copy)
    opened.add(more, workers=1)
    with pytest.raises(pimmi.StudyError, match="aren't grouped yet"):
        opened.cluster_table()
    opened.match(workers=1)
    opened.group()
    assert "another.jpg" in opened.cluster_table().column("path").to_pylist()


def test_a_study_is_grouped_by_the_minimum_confidence_that_it_has(copy: Path) -> None:
    opened = pimmi.open(copy)
    links = opened.summary().links
    opened.set_minimum_confidence(1.0)
    with pytest.raises(pimmi.StudyError, match="another minimum confidence"):
        pimmi.open(copy).cluster_table()
    pimmi.open(copy).group()
    assert pimmi.open(copy).summary().links < links
    other = opened.settings.updated({"matching": {"minimum_confidence": 0.6}})
    pimmi.open(copy, settings=other).group()
    again = pimmi.open(copy)
    assert again.settings.matching.minimum_confidence == 0.6
    assert 0 < again.summary().links <= links


def test_grouping_keeps_the_minimum_confidence_that_another_process_set(copy: Path) -> None:
    opened = pimmi.open(copy)
    pimmi.open(copy).set_minimum_confidence(0.9)
    opened.group()
    assert opened.settings.matching.minimum_confidence == 0.9
    assert pimmi.open(copy).settings.matching.minimum_confidence == 0.9
    assert len(pimmi.open(copy).cluster_table()) > 0


def test_a_minimum_confidence_below_that_of_the_links_is_refused(copy: Path) -> None:
    too_low = pimmi.open(copy).settings.updated({"matching": {"minimum_confidence": 0.1}})
    with pytest.raises(pimmi.PimmiError, match=r"links below 0\.2 weren't kept"):
        pimmi.open(copy, settings=too_low).group()
    assert pimmi.open(copy).settings.matching.minimum_confidence == 0.0


HOLDER = """
    import sys, time
    from pathlib import Path
    from pimmi.study.layout import StudyFolder
    from pimmi.study.lock import locked
    with locked(StudyFolder(Path(sys.argv[1]))):
        print("locked", flush=True)
        time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_two_processes_do_not_change_a_study_at_once(copy: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(copy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        opened = pimmi.open(copy)
        with pytest.raises(pimmi.StudyError, match="another process is working on"):
            opened.group()
        assert len(opened.links()) > 0
        holder.kill()
    opened.group()


def test_the_lock_is_given_back_after_an_error(copy: Path) -> None:
    folder = StudyFolder(copy)
    (copy / "shards" / ".new-1-0007").mkdir()
    with pytest.raises(ZeroDivisionError), locked(folder):
        assert not (copy / "shards" / ".new-1-0007").exists()
        raise ZeroDivisionError
    with locked(folder):
        pass
