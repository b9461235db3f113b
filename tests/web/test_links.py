"""The links in memory are those of the study, and are kept until there are others."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import pimmi
from pimmi.study.catalogue import Catalogue
from pimmi.study.layout import StudyFolder
from pimmi.web.links import KEPT, LinkIndex


@pytest.fixture
def catalogue(study: pimmi.Study, tmp_path: Path) -> Catalogue:
    shutil.copytree(study.path, tmp_path / "study")
    return Catalogue.read(StudyFolder(tmp_path / "study"))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 2.0])
def test_they_are_those_of_the_catalogue(catalogue: Catalogue, confidence: float) -> None:
    expected = catalogue.links(minimum_confidence=confidence)
    for index in (LinkIndex.read(catalogue, minimum_confidence=confidence) for _ in range(2)):
        assert np.array_equal(index.query, expected.query)
        assert np.array_equal(index.result, expected.result)
        for name, kind in KEPT.items():
            assert np.array_equal(index.columns[name], expected.rows.column(name).to_numpy().astype(kind))
        assert index.rows(np.arange(len(index))) == expected.rows


def test_each_image_has_its_links(catalogue: Catalogue) -> None:
    index = LinkIndex.read(catalogue, minimum_confidence=0.5)
    for image in range(len(catalogue.images)):
        own = np.flatnonzero((index.query == image) | (index.result == image))
        assert np.array_equal(index.of(np.array([image])), own)
        for link in own.tolist():
            ends = int(index.query[link]), int(index.result[link])
            assert index.between(*ends) == index.between(*ends[::-1]) == link
    assert index.between(0, 0) is None


def test_only_those_of_the_present_state_are_kept(catalogue: Catalogue) -> None:
    kept = catalogue.folder.root / "cache"
    LinkIndex.read(catalogue, minimum_confidence=0.5)
    (first,) = kept.iterdir()
    LinkIndex.read(catalogue, minimum_confidence=0.9)
    (second,) = kept.iterdir()
    assert first != second


def test_a_study_that_cannot_be_written_to_is_read_all_the_same(catalogue: Catalogue) -> None:
    (catalogue.folder.root / "cache").write_text("in the way")
    assert len(LinkIndex.read(catalogue, minimum_confidence=0.5)) > 0
