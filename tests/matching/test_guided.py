"""The squares by which the points near a place are found."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pimmi.matching.guided import SQUARE, make_squares

SIDES = st.integers(1, 60)
IMAGES = st.lists(
    st.tuples(SIDES, SIDES, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12)),
    min_size=1,
    max_size=4,
)


@given(IMAGES)
def test_each_point_is_in_the_square_in_which_it_lies(
    images: list[tuple[int, int, list[tuple[float, float]]]],
) -> None:
    sizes = np.array([(width, height) for width, height, _ in images], np.float32)
    places = [
        np.array(shares, np.float32).reshape(-1, 2) * size
        for size, (_, _, shares) in zip(sizes, images, strict=True)
    ]
    offsets = np.cumsum([0, *map(len, places)])
    xs, ys = np.ascontiguousarray(np.concatenate(places).T)
    starts, firsts, across, listed = make_squares(offsets, sizes, xs, ys)
    assert firsts[-1] == len(starts)
    for image, (start, end) in enumerate(pairwise(offsets)):
        own = starts[firsts[image] : firsts[image + 1]]
        if start == end:
            assert not len(own)
            continue
        assert own[0] == 0
        assert own[-1] == end - start
        assert sorted(listed[start:end]) == list(range(start, end))
        for square, (first, last) in enumerate(pairwise(own)):
            row, column = divmod(square, int(across[image]))
            for point in listed[start + first : start + last]:
                assert (int(xs[point] / SQUARE), int(ys[point] / SQUARE)) == (column, row)
