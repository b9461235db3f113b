"""The commands that make hard corpora and judge a run on them."""

import importlib
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import decode, encode_jpeg
from pimmi.evaluation import TrueImage, read_truth

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def make_hard(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / "make_hard.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures in two subfolders; one of them twice, at another size and quality."""
    root = tmp_path_factory.mktemp("pictures")
    for folder, names in {"some": ("cat", "rocket", "coffee"), "more": ("coins", "temple", "moon")}.items():
        (root / folder).mkdir()
        for name in names:
            data = encode_jpeg(load_picture(name)[::2, ::2], quality=90)
            (root / folder / f"{name}.jpg").write_bytes(data)
    again = encode_jpeg(load_picture("cat"), quality=40)
    (root / "more" / "cat again.jpg").write_bytes(again)
    return root


def test_memes_have_one_family_for_each_template(pictures: Path, tmp_path: Path) -> None:
    sizes = ("--templates", "2", "--captions", "3", "--lettered", "2")
    made = [make_hard("memes", "--pictures", pictures, *sizes, "-o", tmp_path / name) for name in "ab"]
    assert [run.returncode for run in made] == [0, 0], made[0].stderr
    truth = read_truth(tmp_path / "a" / "truth.csv")
    assert sorted(Counter(image.origins for image in truth.values()).values()) == [2, 3, 3]
    assert sum(image.kind == "distractor" for image in truth.values()) == 2
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "images").iterdir()} for name in "ab"
    )
    assert first.keys() == truth.keys()
    assert first == second
    assert len(set(first.values())) == len(truth)


def test_pictures_that_look_alike_are_used_once(pictures: Path, tmp_path: Path) -> None:
    enough = make_hard("composites", "--pictures", pictures, "--pairs", "3", "-o", tmp_path / "enough")
    assert enough.returncode == 0, enough.stderr
    truth = read_truth(tmp_path / "enough" / "truth.csv")
    assert sum(image.is_composite for image in truth.values()) == 3 * 2
    assert sum(image.kind == "original" for image in truth.values()) == 6
    sizes = ("--framed", "5", "--emoji", "2", "--families", "1")
    too_few = make_hard("frames", "--pictures", pictures, *sizes, "-o", tmp_path / "few")
    assert too_few.returncode == 1
    assert too_few.stderr.startswith("7 pictures are needed, but the folders hold only 6 that differ")


def test_surfaces_are_distractors_that_differ(tmp_path: Path) -> None:
    sizes = ("--pages", "3", "--charts", "3", "--textures", "3")
    made = make_hard("surfaces", *sizes, "-o", tmp_path)
    assert made.returncode == 0, made.stderr
    truth = read_truth(tmp_path / "truth.csv")
    assert [image.kind for image in truth.values()] == ["distractor"] * 9
    images = [decode((tmp_path / "images" / name).read_bytes()) for name in truth]
    assert len({image.tobytes() for image in images}) == 9
    assert min(image.std() for image in images) > 5


@pytest.fixture
def hard(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("psutil")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("hard")


def shows(*origins: str, kind: str = "copy") -> TrueImage:
    return TrueImage(origins=frozenset(origins), attack="", kind=kind)


def test_what_goes_wrong_is_counted(hard: ModuleType) -> None:
    truth = {
        "a": shows("a", kind="original"),
        "a1": shows("a"),
        "b": shows("b", kind="original"),
        "b1": shows("b"),
        "ab": shows("a", "b"),
        "half": shows("a", "b"),
        "x": shows(kind="distractor"),
        "y": shows(kind="distractor"),
        "z": shows(kind="distractor"),
    }
    links = [("a", "a1"), ("b1", "ab"), ("ab", "a"), ("half", "a"), ("half", "ab"), ("x", "y"), ("a1", "z")]
    clusters = {
        "a": "1",
        "a1": "1",
        "ab": "1",
        "b": "1",
        "z": "1",
        "x": "2",
        "y": "2",
        "b1": "3",
        "half": "3",
    }
    judged = hard.judge(truth, links, clusters)
    assert judged.false_links_per_1000 == pytest.approx(1000 * 2 / 9)
    assert (judged.wrongly_clustered, judged.distractors_clustered) == (4, 3)
    assert (judged.clusters, judged.mixed_clusters) == (3, 1)
    assert (judged.composites, judged.composites_linked_to_all) == (2, 0.5)
