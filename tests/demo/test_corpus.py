"""The corpus on the disk, and the table that tells what is in it."""

import os
import subprocess
import sys
from collections import Counter
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pimmi.demo.corpus import make_demo_corpus, tiles
from pimmi.demo.families import FAMILIES
from pimmi.demo.pictures import ORIGINALS, OTHERS, load_picture
from pimmi.demo.raster import decode, encode_jpeg
from pimmi.demo.writing import Source, file_source, write_corpus
from pimmi.errors import PimmiError
from pimmi.evaluation import TrueImage, evaluate, read_truth

JPEG_Q30 = tuple(family for family in FAMILIES if family.name == "jpeg_q30")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("corpus")
    assert make_demo_corpus(directory, seed=7) == directory / "truth.csv"
    return directory


@pytest.fixture(scope="module")
def truth(corpus: Path) -> dict[str, TrueImage]:
    return read_truth(corpus / "truth.csv")


def contents(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file()
    }


def source(name: str) -> Source:
    return Source(id=name, suffix=".jpg", read=partial(encode_jpeg, load_picture(name)[::4, ::4], quality=90))


def test_the_same_seed_gives_the_same_bytes_in_another_process(corpus: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from pimmi.demo.corpus import make_demo_corpus;"
        "make_demo_corpus(Path(sys.argv[1]), seed=7)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12"}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "again")], check=True, env=environment)
    assert contents(tmp_path / "again") == contents(corpus)


def test_the_truth_lists_every_file_and_no_other(corpus: Path, truth: dict[str, TrueImage]) -> None:
    assert set(truth) == {path.name for path in (corpus / "images").iterdir()}
    assert Counter(image.kind for image in truth.values()) == {
        "original": len(ORIGINALS),
        "copy": len(ORIGINALS) * len(FAMILIES),
        "distractor": 48,
    }


def test_every_original_has_one_copy_in_every_family(truth: dict[str, TrueImage]) -> None:
    simple = {family.name for family in FAMILIES if not family.is_composite}
    copies = [image for image in truth.values() if image.kind == "copy"]
    for name in ORIGINALS:
        assert sorted(image.attack for image in copies if image.origins == {name}) == sorted(simple)
    for image in copies:
        assert len(image.origins) == (1 if image.attack in simple else 2)
        assert image.origins <= set(ORIGINALS)


def test_the_truth_of_the_demo_can_be_evaluated(corpus: Path, truth: dict[str, TrueImage]) -> None:
    originals = {next(iter(image.origins)): name for name, image in truth.items() if image.kind == "original"}
    links = [(name, originals[origin]) for name, image in truth.items() for origin in image.origins]
    clusters = {name: min(image.origins) for name, image in truth.items() if len(image.origins) == 1}
    found = evaluate(corpus / "truth.csv", links, clusters)
    assert found.mean_recall == found.edge_precision == found.bcubed_f1 == found.cluster_f1 == 1


def test_names_do_not_tell_the_kind(truth: dict[str, TrueImage]) -> None:
    in_order = [truth[name].kind for name in sorted(truth)]
    changes = sum(one != other for one, other in pairwise(in_order))
    assert changes > 80
    assert all(len(name) == 16 and set(name[:12]) <= set("0123456789abcdef") for name in truth)


def test_other_families_and_originals_leave_a_copy_as_it_is(tmp_path: Path) -> None:
    originals = [source("cat"), source("rocket"), source("coffee")]
    write_corpus(tmp_path / "all", originals=originals, distractors=[])
    write_corpus(tmp_path / "one", originals=originals[:2], distractors=[source("horse")], families=JPEG_Q30)
    few, many = contents(tmp_path / "one" / "images"), contents(tmp_path / "all" / "images")
    assert len(few) == 5
    assert len(few.items() & many.items()) == 4


def test_another_seed_and_another_repetition_give_other_copies(tmp_path: Path) -> None:
    families = tuple(family for family in FAMILIES if family.name == "crop_20")
    copies = [source("cat")]
    write_corpus(tmp_path / "0", originals=copies, distractors=[], families=families, copies=3)
    write_corpus(tmp_path / "1", originals=copies, distractors=[], families=families, copies=3, seed=1)
    first, second = (set(contents(tmp_path / name / "images").values()) for name in ("0", "1"))
    assert len(first) == len(second) == 4
    assert len(first & second) == 1  # the original


def test_originals_and_distractors_are_copied_byte_for_byte(tmp_path: Path) -> None:
    paths = [tmp_path / "a.png", tmp_path / "b.JPG"]
    for path, name in zip(paths, ("cat", "horse"), strict=True):
        path.write_bytes(encode_jpeg(load_picture(name), quality=60))
    original, distractor = (file_source(path) for path in paths)
    write_corpus(tmp_path / "made", originals=[original], distractors=[distractor], families=())
    made = sorted((tmp_path / "made" / "images").iterdir(), key=lambda path: path.suffix)
    assert [path.suffix for path in made] == [".jpg", ".png"]
    assert [path.read_bytes() for path in made] == [paths[1].read_bytes(), paths[0].read_bytes()]


def test_what_can_not_be_written_is_refused_with_a_sentence(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(PimmiError, match="is not empty: choose another directory"):
        make_demo_corpus(corpus)
    with pytest.raises(PimmiError, match="can't be made: Not a directory"):
        make_demo_corpus(corpus / "truth.csv")
    with pytest.raises(PimmiError, match="have the same name, cat"):
        write_corpus(tmp_path, originals=[source("cat")], distractors=[source("cat")])
    with pytest.raises(PimmiError, match="give two or more"):
        write_corpus(tmp_path, originals=[source("cat")], distractors=[])


def test_tiles_do_not_overlap_and_cover_the_picture() -> None:
    image = np.arange(60 * 90 * 3, dtype=np.uint16).astype(np.uint8).reshape(60, 90, 3)
    rows = [np.concatenate(tiles(image, a_side=3)[start : start + 3], axis=1) for start in (0, 3, 6)]
    assert np.array_equal(np.concatenate(rows), image)


def test_every_picture_that_ships_is_there() -> None:
    for name in (*ORIGINALS, *OTHERS):
        picture = load_picture(name)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert min(picture.shape[:2]) >= 120


def test_transparent_pictures_are_laid_on_white() -> None:
    assert (load_picture("snake")[0, 0] == 255).all()


def test_a_missing_package_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(PimmiError, match=r'pip install "pimmi\[demo\]"'):
        load_picture("cat")


def test_decoding_gives_back_what_was_encoded() -> None:
    image = load_picture("coffee")
    assert np.abs(decode(encode_jpeg(image, quality=95)).astype(int) - image).mean() < 3
