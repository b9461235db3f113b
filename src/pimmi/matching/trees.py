"""Regression trees that are added up (gradient boosting: Friedman 2001), as they were fitted elsewhere."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass, fields

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pimmi.errors import PimmiError


@njit(cache=True, nogil=True)
def _add_up(values, features, limits, following, roots, bias, totals):  # type: ignore[no-untyped-def]
    """Fill `totals` float64 (m,); one row after the other, so that none depends on how many there are."""
    for row in range(len(values)):
        total = bias
        for root in roots:
            node = root
            while features[node] >= 0:
                node = following[node, 0 if values[row, features[node]] <= limits[node] else 1]
            total += limits[node]
        totals[row] = total


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees over k measures, with n nodes in all.

    `features` int16 (n,), the measure that a node asks for, -1 in a leaf; `limits` float64 (n,), up to which the
    measure leads to the first of the nodes that follow, and in a leaf what it adds; `following` int32 (n, 2);
    `roots` int32 (trees,), the first node of each tree; `bias` float64 (1,), what the sum starts from.
    """

    features: NDArray[np.int16]
    limits: NDArray[np.float64]
    following: NDArray[np.int32]
    roots: NDArray[np.int32]
    bias: NDArray[np.float64]

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the trees add up to, float64 (m,), for measures float64 (m, k)."""
        totals = np.empty(len(values))
        rows = np.ascontiguousarray(values)
        _add_up(rows, self.features, self.limits, self.following, self.roots, self.bias[0], totals)
        return totals

    def packed(self) -> bytes:
        """The bytes of an .npz file."""
        file = io.BytesIO()
        np.savez_compressed(file, **{field.name: getattr(self, field.name) for field in fields(self)})
        return file.getvalue()


def parse_trees(content: bytes) -> Trees:
    """The trees in the bytes of an .npz file.

    Raises PimmiError if they are no such file, or a damaged one.
    """
    try:
        with np.load(io.BytesIO(content)) as file:
            return Trees(**{field.name: file[field.name] for field in fields(Trees)})
    except (TypeError, KeyError, OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise PimmiError("The trees of the confidence are damaged: install pimmi again.") from error
