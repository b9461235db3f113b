"""The study made for the benchmark of very many links."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import pimmi
from pimmi.study.catalogue import Catalogue
from pimmi.study.layout import StudyFolder

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("psutil")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    made = importlib.import_module("group_links")
    monkeypatch.setattr(made, "IMAGES_A_SHARD", 200)
    monkeypatch.setattr(made, "FLOOD", 40)
    return made


def test_a_made_study_is_the_same_again(maker: ModuleType, tmp_path: Path) -> None:
    for name in ("one", "other"):
        maker.make_study(tmp_path / name, links=5000, seed=1)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.parquet"))
    assert len(files) > 10
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_a_made_study_is_grouped_into_families_frames_and_floods(maker: ModuleType, tmp_path: Path) -> None:
    counts = maker.make_study(tmp_path / "study", links=8000, seed=0)
    assert 6000 < counts["links"] < 10_000
    study = pimmi.open(tmp_path / "study")
    assert study.status().images == counts["images"]
    links = Catalogue.read(StudyFolder(study.path)).links(minimum_confidence=0.0)
    assert len(links) == counts["links"]
    assert (links.query < links.result).all()
    study.group()
    types = study.links().column("type").to_pylist()
    summary = study.summary()
    assert (summary.links, summary.common_links) == (types.count("copy"), types.count("common"))
    assert summary.common_links > 0
    assert summary.files == counts["files"]
    elements = study.elements()
    assert "frame" in elements.column("kind").to_pylist()
    sizes = np.array(elements.column("size").to_pylist())
    assert sizes.max() >= maker.FLOOD
