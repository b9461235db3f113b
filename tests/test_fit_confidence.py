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


def test_of_strangers_those_are_left_out_that_may_be_copies(fit: ModuleType, tmp_path: Path) -> None:
    pools = {"r1": "receipts", "r2": "receipts", "l1": "logos", "l2": "logos", "p1": "photos", "p2": "photos"}
    lines = [f"{name},{pool}" for name, pool in pools.items()]
    (tmp_path / "sources.csv").write_text("\n".join(["path,pool", *lines, ""]))
    truth = {name: image(kind="distractor") for name in pools} | {"cat": image("cat", kind="original")}
    pairs = [
        ("r1", "r2"),
        ("l1", "l2"),
        ("p1", "p2"),
        ("p1", "p2"),
        ("l1", "p1"),
        ("p2", "l2"),
        ("cat", "p1"),
    ]
    alike = np.array([True, False, True, False, True, False, False])
    found = fit.Candidates(tmp_path, truth, pairs, np.arange(7.0)[:, None], np.ones(7), alike)
    examples = fit.strangers(found, distinct={"receipts"}, sharing={"logos"}, undecided={("p2", "l2")})
    assert examples.values.ravel().tolist() == [0, 3, 4]
    assert examples.kinds.tolist() == ["distinct", "strangers", "strangers"]
    assert not examples.copies.any()


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
