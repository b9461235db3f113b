"""The command that makes a corpus for benchmarks."""

import subprocess
import sys
from pathlib import Path

import pytest

from pimmi.demo.families import FAMILIES
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import encode_jpeg
from pimmi.evaluation import TrueImage, read_truth

COMMAND = Path(__file__).parents[1] / "benchmarks" / "make_corpus.py"


def make_corpus(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(COMMAND), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("folders")
    for folder, names in {"some": ("cat", "rocket", "page", "coins", "moon"), "more": ("horse",)}.items():
        (root / folder).mkdir()
        for name in names:
            data = encode_jpeg(load_picture(name)[::3, ::3], quality=90)
            (root / folder / f"{name}.jpg").write_bytes(data)
    return root


def ids(truth: dict[str, TrueImage]) -> set[str]:
    return {origin for image in truth.values() for origin in image.origins}


def test_two_corpora_of_other_originals(folders: Path, tmp_path: Path) -> None:
    common = ("--originals", folders / "some", "--distractors", folders / "more", "--n-originals", 2)
    first = make_corpus(*map(str, common), "--n-distractors", "3", "-o", tmp_path / "first")
    assert first.returncode == 0, first.stderr
    assert "2 of the distractors are unused originals" in first.stdout
    second = make_corpus(
        *map(str, common), "--n-distractors", "0", "--skip-originals", "2", "-o", tmp_path / "second"
    )
    assert second.returncode == 0, second.stderr
    truths = [read_truth(tmp_path / name / "truth.csv") for name in ("first", "second")]
    assert [len(truth) for truth in truths] == [2 + 2 * len(FAMILIES) + 3, 2 + 2 * len(FAMILIES)]
    assert len(ids(truths[0])) == len(ids(truths[1])) == 2
    assert not ids(truths[0]) & ids(truths[1])


def test_a_missing_folder_is_told_in_one_line(folders: Path, tmp_path: Path) -> None:
    made = make_corpus("--originals", folders / "none", "-o", tmp_path / "made")
    assert made.returncode == 1
    assert made.stderr == f"There is no folder {folders / 'none'}.\n"
