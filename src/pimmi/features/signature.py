"""A short signature of an image as a whole, nearly the same for copies that were only saved anew or resized."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 8
STEP = 2
"""Grey levels by which a place must be lighter than its neighbour: noise on flat places then changes no bit."""
WORDS = 2


def signature(grey: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """uint64 (WORDS,): which of 8 x 8 places are lighter than their left neighbour, and which than their upper one.

    `grey` uint8 (height, width). A difference hash in two directions.
    """
    small = cv2.resize(grey, (SIDE + 1, SIDE + 1), interpolation=cv2.INTER_AREA).astype(np.int16)
    lighter = [small[1:, 1:] - small[1:, :-1] > STEP, small[1:, 1:] - small[:-1, 1:] > STEP]
    return np.packbits(np.concatenate([bits.ravel() for bits in lighter]), bitorder="little").view("<u8")
