import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.matching.packed import ones


@settings(deadline=None)
@given(word=st.integers(0, 2**64 - 1))
def test_ones_counts_bits(word: int) -> None:
    assert ones(np.uint64(word)) == word.bit_count()
