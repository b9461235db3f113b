"""The nearest cells, against all pairs of centroids."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.index.cells import LANES, nearest_cells, shapes

Floats = NDArray[np.float32]

seeds = st.integers(0, 2**32 - 1)
SIZES = {256: 4, 1024: 3}
"""Centroids of a half, and how many of the nearest are combined."""


def drawn(seed: int, number: int, *, centroids: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.1, 3, (2, 1, 1))
    first, second = (rng.normal(0, 1, (2, number, centroids)) * spread).astype(np.float32)
    return first, second


def tied(seed: int, number: int, *, centroids: int) -> tuple[Floats, Floats]:
    first, second = np.random.default_rng(seed).integers(0, 3, (2, number, centroids)).astype(np.float32)
    return first, second


def found_cells(first: Floats, second: Floats, *, probes: int, depth: int) -> list[list[tuple[int, int]]]:
    """The cells of each row, as pairs of centroids, in the order of its shape."""
    centroids, numbers = nearest_cells(first, second, probes=probes, depth=depth)
    assert centroids.dtype == np.uint16
    assert numbers.dtype == np.uint8
    assert (centroids.shape, numbers.shape) == ((len(first), 2, depth), (len(first),))
    lengths = shapes(probes, depth)[numbers]
    return [
        [
            (int(one), int(other))
            for one, count in zip(halves[0], row, strict=True)
            for other in halves[1][:count]
        ]
        for halves, row in zip(centroids, lengths, strict=True)
    ]


def expected_cells(first: Floats, second: Floats, *, probes: int, depth: int) -> list[set[tuple[int, int]]]:
    """The nearest pairs of the nearest centroids; of two as near, the first."""
    cells = []
    for one, other in zip(first, second, strict=True):
        rows, columns = (np.argsort(half, kind="stable")[:depth].tolist() for half in (one, other))
        pairs = [(row, column) for row in rows for column in columns]
        sums = np.array([one[row] + other[column] for row, column in pairs], np.float32)
        cells.append({pairs[place] for place in np.argsort(sums, kind="stable")[:probes]})
    return cells


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_all_shapes_fall_and_are_distinct(depth: int) -> None:
    for probes in range(1, depth * depth + 1):
        found = shapes(probes, depth)
        assert found.shape[1] == depth
        assert (found.sum(axis=1) == probes).all()
        assert (np.diff(found, axis=1) <= 0).all()
        assert found.min() >= 0
        assert found.max() <= depth
        assert len(np.unique(found, axis=0)) == len(found)
        assert len(found) <= 16


def test_there_are_as_many_shapes_as_young_diagrams_in_a_square() -> None:
    assert [len(shapes(probes, 4)) for probes in range(1, 17)] == [
        1, 2, 3, 5, 5, 7, 7, 8, 7, 7, 5, 5, 3, 2, 1, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(("probes", "depth"), [(2, 1), (10, 3), (17, 4)])
def test_more_cells_than_pairs_are_refused(probes: int, depth: int) -> None:
    with pytest.raises(ValueError, match=f"make {depth * depth} cells, not {probes}"):
        shapes(probes, depth)


@pytest.mark.parametrize("centroids", SIZES)
@settings(max_examples=40, deadline=None)
@given(seed=seeds, data=st.data(), ties=st.booleans())
def test_the_cells_are_the_nearest_pairs_of_the_nearest_centroids(
    seed: int, centroids: int, data: st.DataObject, ties: bool
) -> None:
    depth = data.draw(st.integers(1, SIZES[centroids]))
    probes = data.draw(st.integers(1, depth * depth))
    first, second = (tied if ties else drawn)(seed, 3, centroids=centroids)
    found = found_cells(first, second, probes=probes, depth=depth)
    assert [set(row) for row in found] == expected_cells(first, second, probes=probes, depth=depth)
    assert all(len(row) == len(set(row)) == probes for row in found)


@pytest.mark.parametrize("centroids", SIZES)
@settings(max_examples=15, deadline=None)
@given(seed=seeds, data=st.data())
def test_few_cells_are_the_nearest_of_all(seed: int, centroids: int, data: st.DataObject) -> None:
    depth = SIZES[centroids]
    probes = data.draw(st.integers(1, depth))
    first, second = drawn(seed, 2, centroids=centroids)
    for row, found in enumerate(found_cells(first, second, probes=probes, depth=depth)):
        sums = first[row][:, None] + second[row][None, :]
        nearest = np.sort(np.partition(sums.ravel(), probes)[:probes])
        assert np.array_equal(np.sort([sums[cell] for cell in found]), nearest)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, probes=st.integers(1, 15))
def test_more_probes_only_add_cells(seed: int, probes: int) -> None:
    first, second = drawn(seed, 4, centroids=256)
    few, more = (found_cells(first, second, probes=count, depth=4) for count in (probes, probes + 1))
    assert all(set(one) < set(other) for one, other in zip(few, more, strict=True))


@settings(max_examples=25, deadline=None)
@given(seed=seeds, row=st.integers(0, 9))
def test_a_row_does_not_depend_on_the_others(seed: int, row: int) -> None:
    first, second = drawn(seed, 10, centroids=256)
    alone = found_cells(first[row : row + 1], second[row : row + 1], probes=12, depth=4)
    assert found_cells(first, second, probes=12, depth=4)[row : row + 1] == alone


def test_the_nearest_may_all_be_in_one_lane() -> None:
    first = np.full((1, 256), 9, np.float32)
    first[0, 5::LANES][:4] = [3, 1, 2, 0]
    found = found_cells(first, first, probes=4, depth=4)
    assert set(found[0]) == expected_cells(first, first, probes=4, depth=4)[0]
    assert found[0][0] == (5 + 3 * LANES, 5 + 3 * LANES)


@pytest.mark.parametrize("probes", [1, 12])
def test_no_rows_have_no_cells(probes: int) -> None:
    nothing = np.zeros((0, 256), np.float32)
    assert found_cells(nothing, nothing, probes=probes, depth=4) == []
