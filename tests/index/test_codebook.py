"""The codebook that ships with the package, and what it makes of descriptors."""

import hashlib
import io
from importlib.resources import files

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.demo.pictures import load_picture
from pimmi.errors import PimmiError
from pimmi.features.sift import extract
from pimmi.features.symmetry import (
    INVERSION_PERMUTATION,
    MIRROR_PERMUTATION,
    SUMS,
    canonical_changes,
)
from pimmi.index.cells import shapes
from pimmi.index.codebook import FEW_POINTS_LIMIT, WIDE_AXES, Codebook, load_codebook, parse_codebook
from pimmi.index.points import full_codes
from pimmi.settings import CODEBOOKS, FeatureSettings

PERMUTATIONS = {1: MIRROR_PERMUTATION, 2: INVERSION_PERMUTATION, 3: MIRROR_PERMUTATION[INVERSION_PERMUTATION]}
ROUNDING = 2e-4


@pytest.fixture(scope="module")
def content() -> bytes:
    return files("pimmi.index").joinpath("codebook-small.npz").read_bytes()


@pytest.fixture(scope="module")
def descriptors() -> NDArray[np.float32]:
    grey = cv2.cvtColor(load_picture("temple"), cv2.COLOR_RGB2GRAY)
    return extract(np.asarray(cv2.resize(grey, (256, 171))), settings=FeatureSettings()).descriptors


def bits(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    return np.unpackbits(codes.view(np.uint8), axis=1, bitorder="little").astype(bool)


def test_the_file_is_small(content: bytes) -> None:
    assert len(content) < 2_000_000


def test_the_hash_is_of_the_file_and_stays(content: bytes) -> None:
    expected = hashlib.blake2b(content, digest_size=16).hexdigest()
    assert load_codebook().hash == parse_codebook(content).hash == expected
    load_codebook().coordinates(np.zeros((3, 128), np.float32))
    assert load_codebook().hash == expected


def test_another_codebook_has_another_hash(content: bytes) -> None:
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    changed = io.BytesIO()
    np.savez_compressed(changed, **{**arrays, "mean": arrays["mean"] + np.float32(0.001)})
    assert parse_codebook(changed.getvalue()).hash != load_codebook().hash


@pytest.mark.parametrize("kept", [0, 10, 1000, 0.5, 0.999])
def test_a_cut_file_is_refused(content: bytes, kept: float) -> None:
    end = kept if isinstance(kept, int) else int(kept * len(content))
    with pytest.raises(PimmiError, match="damaged"):
        parse_codebook(content[:end])


def test_a_file_with_wrong_bytes_is_refused(content: bytes) -> None:
    middle = len(content) // 2
    changed = (
        content[:middle]
        + bytes(255 - byte for byte in content[middle : middle + 50])
        + content[middle + 50 :]
    )
    with pytest.raises(PimmiError, match="damaged"):
        parse_codebook(changed)


@pytest.mark.parametrize("missing", ["mean", "mirror_flips", "centroids", "threshold", "limits"])
def test_a_file_that_lacks_an_array_is_refused(content: bytes, missing: str) -> None:
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: array for name, array in file.items() if name != missing}
    rest = io.BytesIO()
    np.savez(rest, **arrays)
    with pytest.raises(PimmiError, match="damaged"):
        parse_codebook(rest.getvalue())


@pytest.mark.parametrize("name", CODEBOOKS)
def test_few_cells_are_so_crowded_that_codes_must_be_nearer(name: str) -> None:
    codebook = load_codebook(name)
    assert codebook.limits.shape == (codebook.cells,)
    assert codebook.limits.min() == 24
    for_many, for_few = codebook.limits_within(55)
    assert 0 < np.count_nonzero(for_many < 55) < codebook.cells / 20
    assert for_few.min() == FEW_POINTS_LIMIT
    assert for_many.max() == for_few.max() == 55
    assert codebook.limits_within(20).max() == 20


def test_something_else_is_refused() -> None:
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    for wrong in (b"not a codebook", array.getvalue()):
        with pytest.raises(PimmiError, match="damaged"):
            parse_codebook(wrong)


@pytest.fixture(scope="module", params=CODEBOOKS)
def codebook(request: pytest.FixtureRequest) -> Codebook:
    return load_codebook(request.param)


def test_the_axes_are_a_rotation_sorted_by_variance(codebook: Codebook) -> None:
    np.testing.assert_allclose(codebook.axes @ codebook.axes.T, np.eye(128), atol=1e-4)
    assert (np.diff(codebook.deviations) <= 0).all()
    assert sorted(codebook.halves.ravel()) == list(range(WIDE_AXES))


def test_codebooks_differ_only_in_their_cells() -> None:
    small, large = (load_codebook(name) for name in ("small", "large"))
    assert (small.cells, large.cells) == (256**2, 1024**2)
    assert (small.centroid_bits, small.depth) == (8, 4)
    assert (large.centroid_bits, large.depth) == (10, 3)
    assert small.hash != large.hash
    for name in ("mean", "axes", "deviations", "mirror_flips", "inversion_flips", "halves", "weak_sums"):
        assert np.array_equal(getattr(small, name), getattr(large, name))
    assert small.threshold == large.threshold


@pytest.mark.parametrize("change", [1, 2, 3])
def test_a_change_only_flips_coordinates(descriptors: NDArray[np.float32], change: int) -> None:
    codebook = load_codebook()
    flips = codebook.flips(np.full(len(descriptors), change, np.uint8))
    assert set(np.unique(flips)) == {-1, 1}
    np.testing.assert_allclose(
        codebook.coordinates(descriptors[:, PERMUTATIONS[change]]),
        codebook.coordinates(descriptors) * flips,
        atol=ROUNDING,
    )


@pytest.mark.parametrize("change", [1, 2, 3])
def test_all_variants_of_a_descriptor_have_one_code(descriptors: NDArray[np.float32], change: int) -> None:
    """Bit for bit, but where a sum or a coordinate lies on its threshold to within rounding."""
    codebook = load_codebook()
    clear = (np.abs(descriptors @ SUMS) > ROUNDING).all(axis=1)
    codes, levels = [], []
    for variant in (descriptors[clear], descriptors[clear][:, PERMUTATIONS[change]]):
        changes = canonical_changes(variant, weak=np.zeros(2, np.float32))[:, 0]
        coordinates = codebook.coordinates(variant) * codebook.flips(changes)
        codes.append(bits(full_codes(codebook.encode(coordinates))))
        wide = coordinates[:, :WIDE_AXES]
        above, below = wide - codebook.threshold, wide + codebook.threshold
        levels.append(np.concatenate([coordinates, above, below], axis=1))
    assert clear.mean() > 0.98
    tied = np.abs(levels[0]) < ROUNDING
    assert tied.mean() < 0.001
    assert np.array_equal(codes[0] | tied, codes[1] | tied)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_code_holds_signs_and_levels(seed: int) -> None:
    codebook = load_codebook()
    coordinates = np.random.default_rng(seed).normal(0, 1.5, (5, 128)).astype(np.float32)
    stored = codebook.encode(coordinates)
    code, wide = bits(stored), coordinates[:, :WIDE_AXES]
    above, below = wide > codebook.threshold, wide > -codebook.threshold
    assert np.array_equal(code[:, :128], coordinates > 0)
    assert np.array_equal(code[:, 128:], above | ~below)
    assert np.array_equal(bits(full_codes(stored)), np.concatenate([coordinates > 0, above, below], axis=1))


def test_the_nearest_cell_is_that_of_the_nearest_centroids(
    codebook: Codebook, descriptors: NDArray[np.float32]
) -> None:
    coordinates = codebook.coordinates(descriptors)
    scaled = (coordinates * codebook.deviations).astype(np.float64)
    nearest = [
        ((scaled[:, None, half] - centroids[None]) ** 2).sum(axis=2).argmin(axis=1)
        for half, centroids in zip(codebook.halves, codebook.centroids, strict=True)
    ]
    centroids, numbers = codebook.nearest(coordinates, probes=3, depth=codebook.depth)
    assert (centroids[:, :, 0] == np.stack(nearest, axis=1)).mean() > 0.99
    assert centroids.max() < codebook.centroids.shape[1] == 1 << codebook.centroid_bits
    assert 1 < len(np.unique(numbers)) <= len(shapes(3, codebook.depth))


def test_nothing_comes_of_nothing(codebook: Codebook) -> None:
    coordinates = codebook.coordinates(np.zeros((0, 128), np.float32))
    assert codebook.encode(coordinates).shape == (0, 3)
    centroids, numbers = codebook.nearest(coordinates, probes=5, depth=3)
    assert (centroids.shape, numbers.shape) == ((0, 2, 3), (0,))
