"""What is stored of the keypoints of real pictures."""

from dataclasses import fields

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.features.sift import NO_FEATURES, Features, extract
from pimmi.features.symmetry import INVERTED, MIRRORED, canonical_changes
from pimmi.index.codebook import load_codebook
from pimmi.index.points import (
    ANGLE_STEPS,
    FORM_FIELDS,
    POINT_FIELDS,
    POSITION_UNIT,
    SCALE_STEPS,
    Points,
    encode_points,
)
from pimmi.settings import FeatureSettings

PROBES = 6

Grey = NDArray[np.uint8]


@pytest.fixture(scope="module")
def grey() -> Grey:
    grey = cv2.cvtColor(load_picture("coffee"), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (256, 171), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def features(grey: Grey) -> Features:
    return extract(grey, settings=FeatureSettings())


@pytest.fixture(scope="module")
def points(features: Features) -> Points:
    return encode_points(features, codebook=load_codebook(), probes=PROBES)


def test_fields_are_as_documented(points: Points, features: Features) -> None:
    count, forms = len(features), len(points.form_points)
    shapes = {field.name: getattr(points, field.name).shape for field in fields(Points)}
    assert set(shapes) == {*POINT_FIELDS, *FORM_FIELDS}
    assert shapes["positions"] == (count, 2)
    assert shapes["codes"] == (count, 4)
    assert shapes["scales"] == shapes["angles"] == shapes["changes"] == shapes["cells"] == (count,)
    assert shapes["form_points"] == shapes["form_changes"] == (forms,)
    assert shapes["form_cells"] == (forms, PROBES)


def test_positions_scales_and_angles_are_kept_to_a_step(points: Points, features: Features) -> None:
    assert np.abs(points.positions * POSITION_UNIT - features.positions).max() <= POSITION_UNIT / 2
    octaves = points.scales / SCALE_STEPS - 1
    assert np.abs(octaves - np.log2(features.sigmas)).max() <= 0.51 / SCALE_STEPS
    turned = np.where((points.changes & INVERTED) != 0, np.pi, 0)
    away = points.angles * (2 * np.pi / ANGLE_STEPS) - features.angles - turned
    assert np.abs((away + np.pi) % (2 * np.pi) - np.pi).max() <= 0.51 * 2 * np.pi / ANGLE_STEPS


def test_a_point_has_a_form_for_each_change_left_open(points: Points, features: Features) -> None:
    codebook = load_codebook()
    doubtful = canonical_changes(features.descriptors, weak=codebook.weak_sums)[:, 1]
    for point in range(len(features)):
        changes = points.form_changes[points.form_points == point]
        expected = [change for change in range(4) if change | doubtful[point] == doubtful[point]]
        assert sorted(changes) == expected
    assert len(points.form_points) > len(features)


def test_a_form_looks_where_the_changed_point_is(points: Points, features: Features) -> None:
    codebook = load_codebook()
    assert np.array_equal(points.form_cells[: len(features), 0], points.cells)
    assert not points.form_changes[: len(features)].any()
    coordinates = codebook.coordinates(features.descriptors)
    changes = points.changes[points.form_points] ^ points.form_changes
    expected = codebook.cells(coordinates[points.form_points] * codebook.flips(changes), probes=PROBES)
    assert np.array_equal(points.form_cells, expected)


@pytest.mark.parametrize("change", [MIRRORED, INVERTED, MIRRORED | INVERTED])
def test_copies_have_the_same_codes_and_say_what_was_changed(grey: Grey, points: Points, change: int) -> None:
    copy = 255 - grey if change & INVERTED else grey
    copy = copy[:, ::-1] if change & MIRRORED else copy
    found = encode_points(
        extract(np.ascontiguousarray(copy), settings=FeatureSettings()),
        codebook=load_codebook(),
        probes=PROBES,
    )
    places = found.positions * POSITION_UNIT
    if change & MIRRORED:
        places[:, 0] = grey.shape[1] - 1 - places[:, 0]
    distance = np.bitwise_count(points.codes[:, None] ^ found.codes[None]).sum(axis=2, dtype=np.int64)
    best = distance.argmin(axis=1)
    near = np.linalg.norm(points.positions * POSITION_UNIT - places[best], axis=1) < 0.5
    assert near.mean() > 0.6
    assert np.median(distance.min(axis=1)[near]) < 10
    assert ((points.changes ^ found.changes[best])[near] == change).mean() > 0.95


def test_an_image_without_features_has_no_points() -> None:
    points = encode_points(NO_FEATURES, codebook=load_codebook(), probes=PROBES)
    assert len(points) == 0
    assert points.form_cells.shape == (0, PROBES)
    full = encode_points(
        extract(
            np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8), settings=FeatureSettings()
        ),
        codebook=load_codebook(),
        probes=PROBES,
    )
    for field in fields(Points):
        assert getattr(points, field.name).dtype == getattr(full, field.name).dtype
