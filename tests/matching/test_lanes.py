"""Codes compared many at a time, against one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from pimmi.matching.lanes import LANES, near_lanes

words = st.integers(0, 2**64 - 1)


@njit
def compared(first, second, start, one, other, most):  # type: ignore[no-untyped-def]
    return near_lanes(first, second, start, one, other, most)


def padded(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return np.concatenate([codes, np.zeros(LANES, np.uint64)])


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), count=st.integers(1, 3 * LANES), one=words, other=words, data=st.data()
)
def test_each_bit_tells_whether_a_code_is_near(
    seed: int, count: int, one: int, other: int, data: st.DataObject
) -> None:
    """Also where the codes end: what is behind them is compared with zeros."""
    rng = np.random.default_rng(seed)
    flips = [rng.integers(0, 2**64, count, np.uint64) for _ in range(4)]
    first, second = (
        np.uint64(word) ^ flips[place] & flips[place + 1] for place, word in ((0, one), (2, other))
    )
    start, most = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, 128))
    found = int(compared(padded(first), padded(second), start, np.uint64(one), np.uint64(other), most))
    expected = 0
    for lane in range(LANES):
        place = start + lane
        codes = (int(first[place]), int(second[place])) if place < count else (0, 0)
        differing = (codes[0] ^ one).bit_count() + (codes[1] ^ other).bit_count()
        expected |= (differing <= most) << lane
    assert found == expected


def test_the_bound_is_included() -> None:
    codes = padded(np.array([0b111, 0b1111], np.uint64))
    zero = np.uint64(0)
    assert [int(compared(codes, codes, 0, zero, zero, most)) & 3 for most in (5, 6, 7, 8)] == [0, 1, 1, 3]
