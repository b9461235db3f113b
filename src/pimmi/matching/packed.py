"""Numbers packed in the bits of words and records, as compiled code reads them."""

import numpy as np
from numba import njit, uint64


@njit("int64(uint64)", cache=True, nogil=True, inline="always")
def ones(word):  # type: ignore[no-untyped-def]
    """The number of bits set in a uint64."""
    word = word - ((word >> uint64(1)) & uint64(0x5555555555555555))
    word = (word & uint64(0x3333333333333333)) + ((word >> uint64(2)) & uint64(0x3333333333333333))
    word = (word + (word >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    return (word * uint64(0x0101010101010101)) >> uint64(56)


@njit(cache=True, nogil=True, inline="always")
def word_at(record, start, length):  # type: ignore[no-untyped-def]
    """The number that `length` bytes from `start` on are, lowest first."""
    word = uint64(0)
    for k in range(length):
        word |= uint64(record[start + k]) << uint64(8 * k)
    return word


@njit(cache=True, nogil=True, inline="always")
def centroid(nearest, place, bits):  # type: ignore[no-untyped-def]
    """The number of the centroid at a place among nearest ones, of that many bits each."""
    return np.int64((nearest >> uint64(bits * place)) & ((uint64(1) << uint64(bits)) - uint64(1)))


@njit(cache=True, nogil=True, inline="always")
def nearest_cell(nearest, bits, depth):  # type: ignore[no-untyped-def]
    """The cell of the first of `depth` nearest centroids of either half."""
    return (centroid(nearest, 0, bits) << bits) + centroid(nearest, depth, bits)


@njit(cache=True, nogil=True, inline="always")
def doubt_of(record):  # type: ignore[no-untyped-def]
    """The changes of a point that are in doubt, as bits."""
    return np.int64((word_at(record, 0, 6) >> uint64(43)) & uint64(3))
