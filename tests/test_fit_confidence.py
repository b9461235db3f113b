"""How the trees of the confidence are fitted."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pimmi.evaluation import TrueImage
from pimmi.matching.confidence import MEASURES

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("fit_confidence")


def image(*origins: str, attack: str = "", kind: str = "copy") -> TrueImage:
    return TrueImage(origins=frozenset(origins), attack=attack, kind=kind)


def test_only_pairs_whose_truth_is_certain_are_learnt_from(fit: ModuleType) -> None:
    original = image("cat", kind="original")
    assert fit.kind_of(original, image("cat", attack="mirror"), 0.1) == "copies"
    assert fit.kind_of(image("cat", attack="border"), image("cat", attack="mirror"), 0.9) == "copies of one"
    assert fit.kind_of(image("dog", attack="crop_40"), image("cat", attack="mirror"), 0.9) == "different"
    assert fit.kind_of(image("dog", attack="screenshot"), image("cat", attack="mirror"), 0.3) == "sharing"
    assert fit.kind_of(image("dog", attack="screenshot"), image("cat", attack="mirror"), 0.5) == ""
    assert fit.kind_of(image("dog", "cow", attack="collage_2"), original, 0.5) == ""


def test_the_trees_say_what_the_fitted_model_says(fit: ModuleType) -> None:
    rng = np.random.default_rng(0)
    values = rng.random((600, len(MEASURES)))
    copies = values[:, 0] + 0.3 * rng.random(600) > 0.7
    examples = fit.Examples(
        values, np.where(copies, "copies", "strangers"), np.array([f"picture {n % 40}" for n in range(600)])
    )
    model = fit.fitted(examples)
    evidence = fit.trees_of(model)(values)
    assert evidence == pytest.approx(model.decision_function(values))
    assert ((evidence > 0) == copies).mean() > 0.95
    held_out = fit.held_out(examples)
    assert 0.8 < ((held_out > 0.5) == copies).mean() < 1
    head, *lines = fit.table(held_out, examples.kinds)
    assert head.split() == ["copies", "confidence", "strangers"]
    left = [int(line.split()[2]) for line in lines]
    assert left == sorted(left)
