"""Votes for hypotheses, and the bound on them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.index.points import ANGLE_STEPS
from pimmi.matching.hypotheses import (
    BUCKETS,
    SCALE_CLASSES,
    bucket_of,
    into_buckets,
    may_agree,
    scale_class,
    vote,
)
from pimmi.matching.transforms import PAIRING_COLUMNS, fill_pairing

WIDE = 1e9
"""A tolerance, in pixels, within which all places agree."""


def may(pairings: list[tuple[int, int, int]], least: int) -> bool:
    """Whether pairings, by change, turn and difference of stored scales, could have so many votes."""
    keys = np.array([bucket_of(change, turn) for change, turn, _ in pairings])
    classes = np.array([scale_class(steps) for _, _, steps in pairings])
    kinds = np.zeros((BUCKETS, SCALE_CLASSES + 2), np.int64)
    return bool(may_agree(keys, classes, len(pairings), least, kinds))


@pytest.mark.parametrize("apart", [(1, 0, 0), (0, ANGLE_STEPS // 4, 0), (0, 0, 40)])
def test_what_differs_in_change_turn_or_scale_may_not_agree(apart: tuple[int, int, int]) -> None:
    same = (0, 0, 0)
    assert may([same] * 3, 3)
    assert may([same, apart] * 3, 3)
    assert not may([same, same, apart, apart], 3)


@settings(deadline=None)
@given(
    drawn=st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, ANGLE_STEPS - 1), st.integers(0, 127), st.integers(0, 127)
        ),
        min_size=1,
        max_size=30,
    ),
    least=st.integers(2, 8),
)
def test_what_may_not_agree_has_too_few_votes(drawn: list[tuple[int, int, int, int]], least: int) -> None:
    """Even where all points lie at one place, and so agree."""
    drawn = sorted(drawn, key=lambda each: bucket_of(each[0], each[1]))
    n = len(drawn)
    keys = np.array([bucket_of(change, turn) for change, turn, _, _ in drawn])
    classes = np.array([scale_class(second - first) for _, _, first, second in drawn])
    scales = np.array([[first, second] for _, _, first, second in drawn], np.uint8).ravel()
    kinds = np.zeros((BUCKETS, SCALE_CLASSES + 2), np.int64)
    may = may_agree(keys, classes, n, least, kinds)
    assert not kinds.any()

    pairings = np.empty((n, PAIRING_COLUMNS))
    places = np.zeros(2 * n, np.float32)
    for row, (_, turn, _, _) in enumerate(drawn):
        fill_pairing(2 * row, 2 * row + 1, turn, places, places, scales, pairings, row)
    buckets = np.empty(BUCKETS + 1, np.int64)
    into_buckets(keys, n, buckets)
    taken = np.zeros(n, np.int64)
    votes = [
        vote(row, keys[row], pairings, np.arange(n), buckets, WIDE, 0, taken, row + 1) for row in range(n)
    ]
    assert max(votes) >= 1
    assert may or max(votes) < least
