"""Signatures of real pictures, of their copies, and of others."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.features.signature import SIDE, STEP, WORDS, signature
from pimmi.matching.near import SIGNATURE_BITS

NAMES = ("astronaut", "cat", "coffee", "rocket", "page", "brick", "moon", "coins", "temple", "motorcycle")

Grey = NDArray[np.uint8]


def grey_of(name: str, *, width: int = 256) -> Grey:
    grey = cv2.cvtColor(load_picture(name), cv2.COLOR_RGB2GRAY)
    height = round(grey.shape[0] * width / grey.shape[1])
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def apart(one: Grey, other: Grey) -> int:
    return int(np.bitwise_count(signature(one) ^ signature(other)).sum())


@pytest.mark.parametrize("name", NAMES)
def test_copies_have_nearly_the_same(name: str) -> None:
    grey = grey_of(name)
    for width in (130, 200, 380):
        assert apart(grey, grey_of(name, width=width)) <= SIGNATURE_BITS
    saved = cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_GRAYSCALE)
    assert apart(grey, np.asarray(saved, np.uint8)) <= SIGNATURE_BITS
    assert apart(grey, np.asarray(cv2.GaussianBlur(grey, (0, 0), 1), np.uint8)) <= SIGNATURE_BITS


def test_different_pictures_have_different_ones() -> None:
    signatures = np.stack([signature(grey_of(name)) for name in NAMES])
    differing = np.bitwise_count(signatures[:, None] ^ signatures[None]).sum(axis=2)
    assert differing[~np.eye(len(NAMES), dtype=bool)].min() > SIGNATURE_BITS


@settings(deadline=None)
@given(width=st.integers(1, 60), height=st.integers(1, 60), level=st.integers(0, 255))
def test_a_flat_image_has_no_bits(width: int, height: int, level: int) -> None:
    found = signature(np.full((height, width), level, np.uint8))
    assert found.tolist() == [0] * WORDS
    assert found.dtype == np.uint64


def test_bits_tell_where_it_gets_lighter() -> None:
    """The first word from left to right, the second from top to bottom."""
    ramp = np.repeat(np.arange(SIDE + 1, dtype=np.uint8) * (STEP + 1), 4)
    across = np.tile(ramp, (4 * (SIDE + 1), 1))
    every = 2**64 - 1
    assert signature(across).tolist() == [every, 0]
    assert signature(np.ascontiguousarray(across.T)).tolist() == [0, every]
    assert signature(np.ascontiguousarray(across[:, ::-1])).tolist() == [0, 0]


def test_a_step_that_may_be_noise_is_no_bit() -> None:
    across = np.tile(np.repeat(np.arange(SIDE + 1, dtype=np.uint8) * STEP, 4), (36, 1))
    assert signature(across).tolist() == [0, 0]
