"""What a run that is killed has read, and what the next one makes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pimmi
from conftest import exports
from pimmi.pipeline import gathering
from pimmi.pipeline.reading import ReadResult
from pimmi.study.layout import StudyFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")

READ_SLOWLY = """
import sys, time
import pimmi
from pimmi.pipeline import adding, gathering

gathering.KEEP_S = 0.0
adding.TASK_FILES = 2
kept = gathering.Pending.keep
def slowly(self, results):
    kept(self, results)
    time.sleep(0.3)
gathering.Pending.keep = slowly
pimmi.open(sys.argv[1], create=True).add(sys.argv[2], workers=1)
"""


@pytest.fixture
def killed(corpus: Path, tmp_path: Path) -> StudyFolder:
    """A study of which some parts were kept when its process was killed, and no shard was written."""
    folder = StudyFolder(tmp_path / "study")
    command: list[str | Path] = [sys.executable, "-c", READ_SLOWLY, folder.root, corpus / "images"]
    process = subprocess.Popen(command, start_new_session=True)
    until = time.monotonic() + 120
    while len(folder.pending_parts()) < 4:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert folder.shard_numbers() == folder.files_numbers() == []
    return folder


def files_kept(folder: StudyFolder) -> list[str]:
    return [
        name
        for part in folder.pending_parts()
        for name, *_ in json.loads((part / "files.json").read_text(encoding="utf-8"))[1]
    ]


def finished(folder: StudyFolder, images: Path) -> tuple[pimmi.Study, list[str]]:
    """The study with all images, and the files that were read for it now."""
    read: list[str] = []
    take = gathering.Gathering.take

    def noting(self: gathering.Gathering, result: ReadResult) -> None:
        read.extend(each.file.path for each in result.files)
        take(self, result)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering.Gathering, "take", noting)
        study = pimmi.open(folder.root)
        assert study.add(images, workers=1).read == len(study.images())
    study.match(workers=1)
    study.group()
    return study, read


def test_what_was_kept_is_not_read_again(
    killed: StudyFolder, corpus: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    kept = files_kept(killed)
    assert len(kept) >= 8
    study, read = finished(killed, corpus / "images")
    assert set(read).isdisjoint(kept)
    assert sorted([*read, *kept]) == study.images().column("path").to_pylist()
    assert killed.pending_parts() == []
    assert exports(study, tmp_path / "tables") == expected


def test_a_file_that_changed_meanwhile_is_read_again(killed: StudyFolder, corpus: Path) -> None:
    changed = corpus / "images" / files_kept(killed)[0]
    before = changed.stat()
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    try:
        _, read = finished(killed, corpus / "images")
    finally:
        os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed.name in read


@pytest.mark.parametrize("name", ["files.json", "images.parquet", "records.npy"])
def test_a_damaged_part_is_read_again(
    killed: StudyFolder, corpus: Path, expected: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    kept = files_kept(killed)
    part = killed.pending_parts()[0]
    (part / name).write_bytes((part / name).read_bytes()[:20])
    study, read = finished(killed, corpus / "images")
    assert len(set(read) & set(kept)) == 2
    assert killed.pending_parts() == []
    assert exports(study, tmp_path / "tables") == expected


def test_another_folder_neither_takes_nor_removes_it(
    killed: StudyFolder, corpus: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "one.jpg").write_bytes(next((corpus / "images").glob("*.jpg")).read_bytes())
    kept = files_kept(killed)
    study = pimmi.open(killed.root)
    assert study.add(other, workers=1).read == 1
    assert study.images().column("path").to_pylist() == ["one.jpg"]
    assert files_kept(killed) == kept
    study.match(workers=1)
    study.group()
    study.compact()
    assert killed.pending_parts() == []
