"""How closely inliers follow a transform, on pairings whose errors are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.index.points import ANGLE_STEPS
from pimmi.matching.scatter import count_within, scatter
from pimmi.matching.transforms import PAIRING_COLUMNS

Floats = NDArray[np.float64]

STEP = 360 / ANGLE_STEPS
seeds = st.integers(0, 2**32 - 1)
turns = st.integers(0, ANGLE_STEPS - 1)
octaves = st.floats(-3, 3)
mirrors = st.sampled_from([1.0, -1.0])


def similarity(turn: int, octaves: float, mirror: float, shift: tuple[float, float] = (7.0, -3.0)) -> Floats:
    angle, scale = 2 * np.pi * turn / ANGLE_STEPS, 2.0**octaves
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([cosine, -sine * mirror, shift[0], sine, cosine * mirror, shift[1]])


def moved(model: Floats, places: Floats) -> Floats:
    return places @ model.reshape(2, 3)[:, :2].T + model.reshape(2, 3)[:, 2]


def pairings(seed: int, model: Floats, turn: int, octaves: float, number: int = 20) -> Floats:
    """Points that the model moves, with its turn and scale."""
    found = np.zeros((number, PAIRING_COLUMNS))
    found[:, :2] = np.random.default_rng(seed).uniform(0, 500, (number, 2))
    found[:, 2:4] = moved(model, found[:, :2])
    found[:, 4:6] = octaves, turn
    return found


@settings(deadline=None)
@given(seed=seeds, turn=turns, octaves=octaves, mirror=mirrors)
def test_those_that_follow_it_have_none(seed: int, turn: int, octaves: float, mirror: float) -> None:
    model = similarity(turn, octaves, mirror)
    found = pairings(seed, model, turn, octaves)
    assert scatter(found, len(found), mirror, model) == pytest.approx((0, 0, 0), abs=1e-4)


@settings(deadline=None)
@given(
    seed=seeds,
    turn=turns,
    octaves=octaves,
    mirror=mirrors,
    steps=st.integers(-20, 20),
    beyond=st.floats(0, 1),
    off=st.floats(0, 9),
)
def test_it_is_how_far_they_are_off_in_turn_scale_and_place(
    seed: int, turn: int, octaves: float, mirror: float, steps: int, beyond: float, off: float
) -> None:
    model = similarity(turn, octaves, mirror)
    found = pairings(seed, model, (turn + steps) % ANGLE_STEPS, octaves + beyond)
    direction = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(found))
    found[:, 2:4] += off * np.stack([np.cos(direction), np.sin(direction)], axis=1)
    turned, scaled, moved_by = scatter(found, len(found), mirror, model)
    assert turned == pytest.approx(abs(steps) * STEP, abs=1e-4)
    assert scaled == pytest.approx(beyond, abs=1e-4)
    assert moved_by == pytest.approx(off / max(1.0, 2.0**octaves), abs=1e-4)


@settings(deadline=None)
@given(seed=seeds, turn=turns, octaves=octaves, mirror=mirrors)
def test_points_within_are_those_that_show_a_place_of_the_first_image(
    seed: int, turn: int, octaves: float, mirror: float
) -> None:
    model = similarity(turn, octaves, mirror)
    size = np.array([300.0, 200.0])
    places = np.random.default_rng(seed).uniform(-0.5, 1.5, (60, 2)) * size
    edges = np.stack([np.zeros(2), size])
    places = places[np.abs(places - edges[:, None]).min(axis=(0, 2)) > 0.05]
    inside = ((places >= 0) & (places <= size)).all(axis=1)
    xs, ys = moved(model, places).T
    assert count_within(0, len(places), xs, ys, model, size) == inside.sum()
    assert count_within(5, 5, xs, ys, model, size) == 0
