"""Trees that are added up: what they say, and what is said of damaged ones."""

import numpy as np
import pytest

from pimmi.errors import PimmiError
from pimmi.matching.trees import Trees, parse_trees

TWO = Trees(
    features=np.array([1, -1, 0, -1, -1, -1], np.int16),
    limits=np.array([0.5, 10.0, -2.0, 20.0, 30.0, 100.0]),
    following=np.array([[1, 2], [0, 0], [3, 4], [0, 0], [0, 0], [0, 0]], np.int32),
    roots=np.array([0, 5], np.int32),
    bias=np.array([1.0]),
)
"""One that asks for the second measure, then for the first; and one that is a leaf."""


def test_each_tree_adds_what_the_leaf_says_to_which_the_measures_lead() -> None:
    values = np.array([[9.0, 0.5], [-2.0, 0.6], [-1.9, 0.6]])
    assert TWO(values).tolist() == [111.0, 121.0, 131.0]
    assert TWO(values[::-1][:, ::-1][:, ::-1]).tolist() == [131.0, 121.0, 111.0]
    assert TWO(values[:0]).shape == (0,)


def test_they_are_the_same_once_packed() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2))
    assert np.array_equal(parse_trees(TWO.packed())(values), TWO(values))
    assert TWO.packed() == TWO.packed()


@pytest.mark.parametrize("content", [b"", b"no trees", TWO.packed()[:200], TWO.packed()[:-400]])
def test_damaged_ones_are_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(PimmiError, match="install pimmi again"):
        parse_trees(content)
