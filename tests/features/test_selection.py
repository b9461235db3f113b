"""Which keypoints are kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.features.selection import select

Floats = NDArray[np.float32]


def drawn(seed: int, number: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 256, (number, 2)).astype(np.float32), rng.random(number).astype(np.float32)


seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("number", [0, 1, 5])
def test_all_are_kept_when_there_are_few(number: int) -> None:
    positions, responses = drawn(0, number)
    assert select(positions, responses, count=5).tolist() == list(range(number))


@settings(deadline=None)
@given(seed=seeds, number=st.integers(2, 120), count=st.integers(1, 60))
def test_as_many_as_asked_are_kept_once_and_in_order(seed: int, number: int, count: int) -> None:
    kept = select(*drawn(seed, number), count=count)
    assert len(kept) == min(number, count)
    assert (np.diff(kept) > 0).all()
    assert kept.min() >= 0
    assert kept.max() < number


@settings(deadline=None)
@given(seed=seeds, number=st.integers(2, 120), count=st.integers(2, 60))
def test_the_strongest_half_is_always_kept(seed: int, number: int, count: int) -> None:
    positions, responses = drawn(seed, number)
    strongest = np.argsort(-responses, kind="stable")[: count // 2]
    assert set(strongest) <= set(select(positions, responses, count=count))


@settings(max_examples=30, deadline=None)
@given(seed=seeds, number=st.integers(2, 80), count=st.integers(1, 40))
def test_the_order_of_the_keypoints_does_not_matter(seed: int, number: int, count: int) -> None:
    positions, responses = drawn(seed, number)
    order = np.random.default_rng(seed).permutation(number)
    kept = select(positions, responses, count=count)
    shuffled = select(positions[order], responses[order], count=count)
    assert set(order[shuffled]) == set(kept)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_a_weak_region_keeps_some(seed: int) -> None:
    positions, responses = drawn(seed, 400)
    weak = positions[:, 0] > 192
    responses[weak] *= 0.001
    kept = select(positions, responses, count=100)
    assert weak[kept].sum() >= 5
    assert not weak[np.argsort(-responses)[:100]].any()


def test_keypoints_on_one_spot_are_safe() -> None:
    positions = np.full((50, 2), 3, np.float32)
    assert len(select(positions, np.ones(50, np.float32), count=7)) == 7
