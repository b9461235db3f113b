from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.matching.matches import by_pair


@settings(deadline=None)
@given(data=st.data())
def test_matches_are_sorted_by_pair_and_small_pairs_left_out(data: st.DataObject) -> None:
    pair = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2**36 - 1))
    drawn = data.draw(st.lists(st.lists(pair, max_size=12), min_size=1, max_size=3))
    at_least = data.draw(st.integers(1, 3))
    pieces = [
        np.array([one << 50 | other << 36 | rest for one, other, rest in piece], np.uint64) for piece in drawn
    ]
    flat = [match for piece in drawn for match in piece]
    counts = Counter(match[:2] for match in flat)
    expected = sorted((match for match in flat if counts[match[:2]] >= at_least), key=lambda match: match[:2])
    found = by_pair(pieces, at_least=at_least)
    assert found.tolist() == [one << 50 | other << 36 | rest for one, other, rest in expected]
