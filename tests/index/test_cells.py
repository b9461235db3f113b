"""The nearest cells, against all cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.index.cells import DEPTH, nearest_cells

Floats = NDArray[np.float32]

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, number: int, *, centroids: int = 256) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.1, 3, (2, 1, 1))
    first, second = (rng.normal(0, 1, (2, number, centroids)) * spread).astype(np.float32)
    return first, second


def all_sums(first: Floats, second: Floats) -> Floats:
    """Of every cell: float32 (n, centroids * centroids)."""
    return (first[:, :, None] + second[:, None, :]).reshape(len(first), -1)


def deep_sums(first: Floats, second: Floats) -> Floats:
    """As `all_sums`, infinite for cells of a centroid that isn't among the DEPTH nearest of its half."""
    halves = []
    for half in (first, second):
        bound = np.sort(half, axis=1)[:, DEPTH - 1 : DEPTH]
        halves.append(np.where(half <= bound, half, np.float32(np.inf)))
    return all_sums(halves[0], halves[1])


@settings(max_examples=25, deadline=None)
@given(seed=seeds, probes=st.integers(1, DEPTH))
def test_the_cells_are_the_nearest_of_all(seed: int, probes: int) -> None:
    first, second = drawn(seed, 3)
    sums = all_sums(first, second)
    found = nearest_cells(first, second, probes)
    assert np.array_equal(
        np.take_along_axis(sums, found.astype(np.int64), 1), np.sort(sums, axis=1)[:, :probes]
    )


@settings(max_examples=25, deadline=None)
@given(seed=seeds, probes=st.integers(DEPTH + 1, DEPTH * DEPTH // 2))
def test_many_cells_are_the_nearest_to_that_depth(seed: int, probes: int) -> None:
    first, second = drawn(seed, 3)
    sums = deep_sums(first, second)
    found = nearest_cells(first, second, probes)
    assert np.array_equal(
        np.take_along_axis(sums, found.astype(np.int64), 1), np.sort(sums, axis=1)[:, :probes]
    )


@settings(max_examples=25, deadline=None)
@given(seed=seeds, probes=st.integers(1, 20), more=st.integers(1, 12))
def test_more_probes_only_add_cells(seed: int, probes: int, more: int) -> None:
    first, second = drawn(seed, 4)
    assert np.array_equal(
        nearest_cells(first, second, probes), nearest_cells(first, second, probes + more)[:, :probes]
    )


@settings(max_examples=25, deadline=None)
@given(seed=seeds, probes=st.integers(1, 32))
def test_no_cell_comes_twice_even_with_ties(seed: int, probes: int) -> None:
    first, second = np.random.default_rng(seed).integers(0, 3, (2, 4, 256)).astype(np.float32)
    found = nearest_cells(first, second, probes)
    assert all(len(set(row)) == probes for row in found.tolist())


@settings(deadline=None)
@given(seed=seeds, row=st.integers(0, 9))
def test_a_row_does_not_depend_on_the_others(seed: int, row: int) -> None:
    first, second = drawn(seed, 10)
    alone = nearest_cells(first[row : row + 1], second[row : row + 1], 12)
    assert np.array_equal(nearest_cells(first, second, 12)[row : row + 1], alone)


@pytest.mark.parametrize("probes", [1, 12])
def test_no_rows_have_no_cells(probes: int) -> None:
    nothing = np.zeros((0, 256), np.float32)
    assert nearest_cells(nothing, nothing, probes).shape == (0, probes)
