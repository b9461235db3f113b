"""How the limits of a codebook's cells are set."""

import importlib
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.features.sift import extract
from pimmi.index.codebook import load_codebook
from pimmi.settings import FeatureSettings

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("train_limits")


def test_a_limit_is_the_largest_distance_with_few_enough_matches(trainer: ModuleType) -> None:
    matches = np.zeros((3, trainer.HIGHEST + 1))
    matches[1, 40:] = 2e-3
    matches[2, 10:] = 1.0
    assert trainer.limits_of(matches, chance=1e-3).tolist() == [trainer.HIGHEST, 39, trainer.LOWEST]


def test_matches_are_counted_for_a_pair_of_images(trainer: ModuleType) -> None:
    descriptors = [described(name) for name in ("cat", "coffee", "cat", "temple")]
    counts = trainer.chance_matches(descriptors, codebook=load_codebook(), probes=10)
    assert (np.diff(counts, axis=1) >= 0).all()
    assert counts[:, 0].sum() == 0
    same = trainer.chance_matches([descriptors[0]] * 2, codebook=load_codebook(), probes=10)
    assert same[:, 0].sum() >= 2 * len(descriptors[0])
    assert counts[:, -1].sum() < same[:, -1].sum()


def described(name: str) -> NDArray[np.float32]:
    grey = cv2.cvtColor(load_picture(name), cv2.COLOR_RGB2GRAY)
    return extract(np.asarray(cv2.resize(grey, (256, 192))), settings=FeatureSettings()).descriptors
