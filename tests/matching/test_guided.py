"""The squares by which the points near a place are found."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.matching.guided import SQUARE, fill_squares, most_squares

SIDES = st.integers(1, 60)
IMAGES = st.lists(
    st.tuples(SIDES, SIDES, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12)),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
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
    starts = np.full(most_squares(sizes) + 2, -1, np.int32)
    listed = np.full(max(map(len, places)), -1, np.int32)
    for size, (start, end) in zip(sizes, pairwise(offsets), strict=True):
        across, down = fill_squares(start, end, size, xs, ys, starts, listed)
        assert (across * SQUARE > size[0], down * SQUARE > size[1]) == (True, True)
        own = starts[: across * down + 1]
        assert (own[0], own[-1]) == (0, end - start)
        assert sorted(listed[: end - start]) == list(range(start, end))
        for square, (first, last) in enumerate(pairwise(own)):
            row, column = divmod(square, across)
            for point in listed[first:last]:
                assert (int(xs[point] / SQUARE), int(ys[point] / SQUARE)) == (column, row)
