"""The makers of large corpora, the figures of a study, and the model of costs."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pimmi.demo.families import FAMILIES
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import Image, decode, encode_jpeg, scale
from pimmi.errors import PimmiError
from pimmi.evaluation import TrueImage, evaluate, read_truth

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PICTURES = ("rocket", "coffee", "coins", "temple", "horse")

Module = Callable[[str], ModuleType]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Module:
    pytest.importorskip("psutil")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def shrunk(name: str) -> Image:
    """A picture with a longer side of 480 pixels."""
    image = load_picture(name)
    return scale(image, 480 / max(image.shape[:2]))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures, one of them twice, a small one, one that is no image, and two variants of one logo."""
    root = tmp_path_factory.mktemp("made") / "pool"
    (root / "logos").mkdir(parents=True)
    for name in PICTURES:
        (root / f"{name}.jpg").write_bytes(encode_jpeg(shrunk(name), quality=90))
    (root / "zebra.jpg").write_bytes(encode_jpeg(scale(shrunk("rocket"), 0.7), quality=40))
    (root / "small.jpg").write_bytes(encode_jpeg(scale(shrunk("rocket"), 0.15), quality=90))
    (root / "text.jpg").write_text("no image")
    for number, name in enumerate(("moon", "page")):
        (root / "logos" / f"mark-{number}.jpg").write_bytes(encode_jpeg(shrunk(name), quality=90))
    return root


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("originals")
    for name in ("cat", "astronaut"):
        (root / f"{name}.jpg").write_bytes(encode_jpeg(scale(shrunk(name), 0.4), quality=90))
    return root


def test_pictures_of_a_pool_differ(module: Module, pool: Path, originals: Path, tmp_path: Path) -> None:
    find = module("scale_pool").find_pictures
    known = tmp_path / "known.csv"
    found = find([pool], known=known, left_out=["pool/h*"], variants=["pool/logos/*"])
    assert [picture.name for picture in found] == [
        "pool/coffee.jpg", "pool/coins.jpg", "pool/logos/mark-0.jpg", "pool/rocket.jpg", "pool/temple.jpg",
    ]  # fmt: skip
    first = known.read_bytes()
    assert find([pool], known=known, left_out=["pool/h*"], variants=["pool/logos/*"]) == found
    assert known.read_bytes() == first
    apart = tmp_path / "apart"
    apart.mkdir()
    (apart / "again.jpg").write_bytes(encode_jpeg(scale(shrunk("coffee"), 0.5), quality=60))
    names = [picture.name for picture in find([pool], known=known, apart_from=[apart])]
    assert "pool/coffee.jpg" not in names
    assert "pool/horse.jpg" in names


def test_a_hash_that_comes_again_in_another_block_is_seen(module: Module) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**63, (300, 4)).astype(np.uint64)
    hashes[299] = hashes[5] ^ np.uint64(0b1011)
    hashes[40] = hashes[39]
    alike = module("scale_pool").looks_like_earlier(hashes)
    assert np.flatnonzero(alike).tolist() == [40, 299]


def test_each_size_has_the_same_originals_and_copies(
    module: Module, pool: Path, originals: Path, tmp_path: Path
) -> None:
    corpora = module("scale_corpus")
    sources = corpora.drawn_originals(originals, count=2, seed=0)
    pictures = module("scale_pool").find_pictures([pool], known=tmp_path / "known.csv")
    of_originals = 2 + 2 * len(FAMILIES)
    files = {}
    for others in (3, 12):
        directory = tmp_path / str(others)
        counts = corpora.make_scale_corpus(
            directory, size=of_originals + others, originals=sources, pictures=pictures, seed=0
        )
        truth = read_truth(directory / "truth.csv")
        files[others] = {path.name: path.read_bytes() for path in (directory / "images").iterdir()}
        assert files[others].keys() == truth.keys()
        assert len(truth) == of_originals + others
        assert counts.total() == others == len(corpora.read_pools(directory))
        assert (counts["pool", True] > 0) == (others > len(pictures))
    copies = [name for name, image in truth.items() if image.kind != "distractor"]
    assert all(files[3][name] == files[12][name] for name in copies)
    with pytest.raises(PimmiError, match=r"are needed, but the pools hold \d+"):
        corpora.make_scale_corpus(
            tmp_path / "many", size=of_originals + 500, originals=sources, pictures=pictures, seed=0
        )


def test_quarters_do_not_overlap_and_blank_ones_are_left_out(module: Module) -> None:
    image = load_picture("coffee")[:400, :600].copy()
    image[200:, 300:] = 128
    quarters = dict(module("scale_corpus").quarters(image))
    assert list(quarters) == [1, 2, 3]
    assert np.array_equal(np.hstack([quarters[1], quarters[2]]), image[:200])
    assert np.array_equal(quarters[3], image[200:, :300])


def test_floods_are_copies_of_one_picture(module: Module, pool: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "make_floods.py"), "--pool", str(pool), "--others", "3"]
    command += ["--copies", "12", "4", "--out", str(tmp_path / "a")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    pictures = module("scale_pool").find_pictures([pool], known=tmp_path / "known.csv")
    module("make_floods").make_floods(tmp_path / "b", pictures=pictures, copies=[12, 4], others=3, seed=0)
    truth = read_truth(tmp_path / "a" / "truth.csv")
    floods = [frozenset({f"flood-{number}"}) for number in range(2)]
    assert [sum(image.origins == flood for image in truth.values()) for flood in floods] == [13, 5]
    assert {image.attack for image in truth.values()} >= {"flood-0_jpg"}
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "images").iterdir()} for name in "ab"
    )
    assert first == second
    assert first.keys() == truth.keys()
    assert len(set(first.values())) == len(first)
    sides = [max(decode(first[name]).shape) for name, image in truth.items() if image.attack == "flood-0_jpg"]
    assert max(sides) > 1.3 * min(sides)
    without = read_truth(tmp_path / "a" / "without" / "truth.csv")
    assert without == {name: image for name, image in truth.items() if image.kind != "copy"}


def test_links_inside_a_flood_count_without_being_kept(module: Module) -> None:
    def image(*origins: str, kind: str) -> TrueImage:
        return TrueImage(origins=frozenset(origins), attack="flood" if kind == "copy" else "", kind=kind)

    truth = {
        "a": image("a", kind="original"),
        **{f"a{number}": image("a", kind="copy") for number in range(3)},
        "b": image("b", kind="original"),
        "b0": image("b", kind="copy"),
        "x": image(kind="distractor"),
        "y": image(kind="distractor"),
    }
    links = [("a", "a0"), ("a0", "a1"), ("a1", "a2"), ("a2", "b0"), ("x", "y"), ("b", "b0"), ("a", "out")]
    judged, edges, precision = module("scale_measure").judge_links(truth, iter(links), clusters={})
    plain = evaluate(truth, links, {})
    assert (edges, precision) == (plain.edges, pytest.approx(plain.edge_precision))
    assert (judged.recall, judged.number_of_distractor_links) == (plain.recall, 1)


def seen(model: ModuleType, *, images: int, links: int, noise: float = 0.0) -> object:
    """A corpus that costs what the test's coefficients say."""
    return model.Observation(
        images=images,
        links=links,
        cpu_s={
            "read": 3 + 0.02 * images,
            "match": (4e-7 * images**2 / 2 + 1e-4 * links) * (1 + noise),
            "group": 2 + 2e-5 * links,
        },
        disk_bytes=20_000 * images + 60 * links,
        wall_s=1.0,
        workers=2,
    )


def test_the_model_finds_the_terms_that_made_the_costs(module: Module) -> None:
    model = module("scale_model")
    sizes = ((5000, 16_000), (20_000, 18_000), (50_000, 25_000), (20_500, 3_000_000))
    fitted = model.fit_model([seen(model, images=images, links=links) for images, links in sizes])
    assert fitted.coefficients["read"] == pytest.approx({"once": 3, "images": 0.02})
    assert fitted.coefficients["match"] == pytest.approx({"pairs": 4e-7, "links": 1e-4})
    assert fitted.coefficients["group"] == pytest.approx({"once": 2, "links": 2e-5})
    assert fitted.coefficients["disk"] == pytest.approx({"images": 20_000, "links": 60})
    assert max(fitted.errors.values()) < 1e-6
    assert fitted.links_an_image == 0.5
    lines = list(model.projection(fitted, cores=2, links_an_image=0.5))
    assert not any("add more" in line for line in lines)
    assert "match, pairs (91%)" in lines[-3]
    assert "match, pairs (100%)" in lines[-1]


def test_no_term_of_the_model_is_negative(module: Module) -> None:
    model = module("scale_model")
    rng = np.random.default_rng(0)
    sizes = ((5000, 16_000), (20_000, 18_000), (50_000, 25_000))
    for _ in range(20):
        noisy = [
            seen(model, images=images, links=links, noise=float(rng.normal(0, 0.1)))
            for images, links in sizes
        ]
        fitted = model.fit_model(noisy)
        assert all(value >= 0 for values in fitted.coefficients.values() for value in values.values())
        assert fitted.errors["match"] < 0.3
        lines = list(model.projection(model.fit_model(noisy[:2]), cores=2, links_an_image=0.5))
        assert lines[1].startswith("match") and "2 terms fitted to 2 corpora" in lines[1]
    with pytest.raises(PimmiError, match="two sizes or more"):
        model.fit_model(noisy[:1])


def test_figures_come_back_from_their_file(module: Module, tmp_path: Path) -> None:
    measure = module("scale_measure")
    cost = module("process_cost").Cost(wall_s=2.0, cpu_s=3.0, peak_memory_mb=4.0, peak_process_mb=1.0)
    quality = measure.Quality(**dict.fromkeys(measure.Quality.__annotations__, 0.5))
    found = measure.Measured(
        corpus="5", images=5, distractors=2, preset="balanced", workers=2, machine="made up",
        stages=dict.fromkeys(measure.STAGES, cost), floor_files=3, floor_ms=600.0, floor_wall_ms=300.0,
        bytes={"shards": 100}, links_stored=7, quality=quality,
    )  # fmt: skip
    path = tmp_path / "5.json"
    path.write_text(json.dumps({**asdict(found), "figures": measure.figures(found)}))
    assert module("scale").read_measured(path) == found
    assert measure.figures(found)["whole run / floor, CPU"] == pytest.approx(3.0)
    path.write_text("{}")
    with pytest.raises(PimmiError, match="holds no figures of this version"):
        module("scale").read_measured(path)
