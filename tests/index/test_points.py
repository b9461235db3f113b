"""What is stored of the keypoints of real pictures."""

from dataclasses import fields

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.features.sift import NO_FEATURES, Features, extract
from pimmi.features.signature import signature
from pimmi.features.symmetry import INVERTED, MIRRORED, canonical_changes
from pimmi.index.cells import shapes
from pimmi.index.codebook import Codebook, load_codebook
from pimmi.index.points import (
    ANGLE_STEPS,
    GEOMETRY,
    OTHER,
    OTHER_DEPTH,
    POINT_FIELDS,
    POSITION_UNIT,
    RECORD,
    SCALE_STEPS,
    Points,
    encode_points,
    full_codes,
    keypoints,
    offsets_of,
    runs,
    taken_points,
)
from pimmi.settings import CODEBOOKS, FeatureSettings

PROBES = 6

Grey = NDArray[np.uint8]


@pytest.fixture(scope="module")
def grey() -> Grey:
    grey = cv2.cvtColor(load_picture("coffee"), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (256, 171), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def features(grey: Grey) -> Features:
    return extract(grey, settings=FeatureSettings())


@pytest.fixture(scope="module", params=CODEBOOKS)
def codebook(request: pytest.FixtureRequest) -> Codebook:
    return load_codebook(request.param)


@pytest.fixture(scope="module")
def points(features: Features, codebook: Codebook) -> Points:
    return encode_points(features, codebook=codebook, probes=PROBES)


def number(content: NDArray[np.uint8], *, start: int, bits: int) -> NDArray[np.int64]:
    """Some bits of each row of bytes (n, b), from the lowest bit of the first byte on, as a number."""
    found = np.unpackbits(content, axis=1, bitorder="little")[:, start : start + bits].astype(np.int64)
    return found @ (1 << np.arange(bits))


def stored_centroids(content: NDArray[np.uint8], *, start: int, bits: int, depth: int) -> NDArray[np.int64]:
    """int64 (n, 2, depth)."""
    columns = [number(content, start=start + bits * place, bits=bits) for place in range(2 * depth)]
    return np.stack(columns, axis=1).reshape(-1, 2, depth)


def test_arrays_are_as_documented(points: Points, features: Features) -> None:
    assert [field.name for field in fields(Points)] == list(POINT_FIELDS)
    assert points.records.shape == (len(features), RECORD)
    assert points.others.shape == (points.other_counts.sum(), OTHER)
    assert points.records.dtype == points.others.dtype == np.uint8
    assert sum(GEOMETRY.values()) == 48


def test_the_image_takes_less_than_12_000_bytes(grey: Grey, points: Points) -> None:
    assert len(points) >= 300
    stored = points.records.nbytes + points.others.nbytes
    own = signature(grey).nbytes + np.dtype(np.int64).itemsize
    assert (stored + own) * 300 / len(points) <= 12_000


def test_positions_scales_and_angles_are_kept_to_a_step(points: Points, features: Features) -> None:
    found = keypoints(points.records)
    assert np.abs(found.positions - features.positions).max() <= POSITION_UNIT / 2
    octaves = found.scales / SCALE_STEPS - 1
    assert np.abs(octaves - np.log2(features.sigmas)).max() <= 0.51 / SCALE_STEPS
    turned = np.where((found.changes & INVERTED) != 0, np.pi, 0)
    away = found.angles * (2 * np.pi / ANGLE_STEPS) - features.angles - turned
    assert np.abs((away + np.pi) % (2 * np.pi) - np.pi).max() <= 0.51 * 2 * np.pi / ANGLE_STEPS


def test_changes_codes_and_cells_come_back(points: Points, features: Features, codebook: Codebook) -> None:
    changes = canonical_changes(features.descriptors, weak=codebook.weak_sums)
    coordinates = codebook.coordinates(features.descriptors) * codebook.flips(changes[:, 0])
    centroids, numbers = codebook.nearest(coordinates, probes=PROBES, depth=codebook.depth)
    found = keypoints(points.records)
    assert np.array_equal(found.changes, changes[:, 0])
    assert np.array_equal(found.codes, full_codes(codebook.encode(coordinates)))
    kept = stored_centroids(points.records, start=240, bits=codebook.centroid_bits, depth=codebook.depth)
    assert np.array_equal(kept, centroids)
    assert np.array_equal(number(points.records, start=43, bits=2), changes[:, 1])
    assert np.array_equal(number(points.records, start=45, bits=3), numbers)
    assert numbers.max() < len(shapes(PROBES, codebook.depth))


def test_a_point_has_a_further_form_for_each_change_left_open(
    points: Points, features: Features, codebook: Codebook
) -> None:
    """In the order of the points, then of the changes; in the cells of the changed point."""
    changes = canonical_changes(features.descriptors, weak=codebook.weak_sums)
    forms = [
        (point, change)
        for point, (_, doubtful) in enumerate(changes.tolist())
        for change in range(1, 4)
        if change | doubtful == doubtful
    ]
    owners, further = np.array(forms).T
    assert {1, 2, 3} == set(further.tolist())
    assert np.array_equal(points.other_counts, np.bincount(owners, minlength=len(features)))
    coordinates = codebook.coordinates(features.descriptors)[owners]
    flips = codebook.flips(changes[owners, 0] ^ further.astype(np.uint8))
    centroids, _ = codebook.nearest(coordinates * flips, probes=4, depth=OTHER_DEPTH)
    kept = stored_centroids(points.others, start=0, bits=codebook.centroid_bits, depth=OTHER_DEPTH)
    assert np.array_equal(kept, centroids)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 20))
def test_the_extremes_are_kept(seed: int, count: int) -> None:
    """Anything that a working image may hold: positions to 1,022 pixels, all scales and angles."""
    rng = np.random.default_rng(seed)
    descriptors = rng.random((count, 128)).astype(np.float32)
    features = Features(
        positions=rng.choice([0.0, 0.4, 255.3, 511.8, 512.0, 1021.5], (count, 2)).astype(np.float32),
        sigmas=rng.choice([0.8, 1.6, 40.0, 90.0], count).astype(np.float32),
        angles=rng.choice([0.0, 1.0, 6.28], count).astype(np.float32),
        descriptors=descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True),
    )
    points = encode_points(features, codebook=load_codebook(), probes=PROBES)
    found = keypoints(points.records)
    assert np.abs(found.positions - features.positions).max() <= POSITION_UNIT / 2
    assert np.abs(found.scales / SCALE_STEPS - 1 - np.log2(features.sigmas)).max() <= 0.51 / SCALE_STEPS


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(0, 6), max_size=8), data=st.data())
def test_taken_points_are_those_of_the_images(
    features: Features, counts: list[int], data: st.DataObject
) -> None:
    everything = encode_points(features, codebook=load_codebook(), probes=PROBES)
    first = data.draw(st.integers(0, 200))
    total = offsets_of(np.array(counts, np.int64))
    forms = offsets_of(everything.other_counts)
    held = Points(
        everything.records[first : first + total[-1]],
        everything.others[forms[first] : forms[first + total[-1]]],
    )
    rows = np.array(
        data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=6) if counts else st.just([]))
    )
    found, offsets = taken_points(held, total, rows.astype(np.int64))
    expected = [
        place for row in rows.astype(int) for place in range(first + total[row], first + total[row + 1])
    ]
    others = [form for place in expected for form in range(forms[place], forms[place + 1])]
    assert np.array_equal(found.records, everything.records[expected])
    assert np.array_equal(found.others, everything.others[others])
    assert np.array_equal(np.diff(offsets), [counts[row] for row in rows.astype(int)])


@given(counts=st.lists(st.integers(0, 5), min_size=1, max_size=8), data=st.data())
def test_runs_are_put_one_after_the_other(counts: list[int], data: st.DataObject) -> None:
    offsets = offsets_of(np.array(counts, np.int64))
    assert offsets.tolist() == [sum(counts[:place]) for place in range(len(counts) + 1)]
    rows = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=6))
    expected = [place for row in rows for place in range(offsets[row], offsets[row + 1])]
    assert runs(np.arange(offsets[-1]), offsets, np.array(rows, np.int64)).tolist() == expected


@pytest.mark.parametrize("change", [MIRRORED, INVERTED, MIRRORED | INVERTED])
def test_copies_have_the_same_codes_and_say_what_was_changed(grey: Grey, points: Points, change: int) -> None:
    copy = 255 - grey if change & INVERTED else grey
    copy = copy[:, ::-1] if change & MIRRORED else copy
    encoded = encode_points(
        extract(np.ascontiguousarray(copy), settings=FeatureSettings()),
        codebook=load_codebook(),
        probes=PROBES,
    )
    original, found = keypoints(points.records), keypoints(encoded.records)
    places = found.positions.copy()
    if change & MIRRORED:
        places[:, 0] = grey.shape[1] - 1 - places[:, 0]
    distance = np.bitwise_count(original.codes[:, None] ^ found.codes[None]).sum(axis=2, dtype=np.int64)
    best = distance.argmin(axis=1)
    near = np.linalg.norm(original.positions - places[best], axis=1) < 0.5
    assert near.mean() > 0.6
    assert np.median(distance.min(axis=1)[near]) < 10
    assert ((original.changes ^ found.changes[best])[near] == change).mean() > 0.95


def test_an_image_without_features_has_no_points(codebook: Codebook) -> None:
    points = encode_points(NO_FEATURES, codebook=codebook, probes=PROBES)
    assert len(points) == 0
    assert points.records.shape == (0, RECORD)
    assert points.others.shape == (0, OTHER)
    assert points.records.dtype == points.others.dtype == np.uint8
    assert len(points.other_counts) == len(keypoints(points.records).positions) == 0
