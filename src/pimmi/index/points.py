"""The searchable form of an image: what is stored of each of its keypoints.

A *point* is a keypoint in canonical form. A *form* is a point under one of the changes that its doubtful sums leave
open: every point has the plain form, and a point in doubt has one more form, or three. A form has the cells in which
it looks for points of other images.

A point takes RECORD bytes, and each further form OTHER bytes:

    bytes 0..5    48 bits, from the lowest: x and y (13 each, 1/8 pixel), angle (8), scale (7), changes (2), doubts (2),
                  shape (3)
    bytes 6..29   code: 128 bits of signs, 64 of whether the wide axes are beyond the threshold, on either side
    bytes 30..37  nearest centroids of the plain form: DEPTH of the first half, then of the second, as many bits each as
                  the codebook's centroids take

A further form has OTHER_DEPTH nearest centroids of each half in its 5 bytes, and looks in all their pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pimmi.features.symmetry import INVERTED, canonical_changes

if TYPE_CHECKING:
    from pimmi.features.sift import Features
    from pimmi.index.codebook import Codebook

POSITION_UNIT = 1 / 8
"""Pixels of the working image."""
SCALE_STEPS = 16
"""Steps an octave of the stored scale, log2(sigma in pixels)."""
ANGLE_STEPS = 256
"""Steps a turn of the stored angle."""
RECORD = 38
NEAREST = 8
"""Bytes of a record, the last ones, for the nearest centroids."""
OTHER = 5
OTHER_DEPTH = 2
GEOMETRY = {"x": 13, "y": 13, "angle": 8, "scale": 7, "change": 2, "doubt": 2, "shape": 3}
"""Bits of each field of the first six bytes; a long working image has up to 1,022 pixels."""
FORMS_OF_DOUBT = np.array([0, 1, 1, 3], np.int64)
"""Further forms of a point, by the bits of its doubts."""


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one or more images; n points, f further forms.

    `records` uint8 (n, RECORD); `others` uint8 (f, OTHER), the further forms, in the order of their points, and for
    each point in the order of the changes.
    """

    records: NDArray[np.uint8]
    others: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.records)

    @property
    def doubts(self) -> NDArray[np.int64]:
        """int64 (n,): the changes that are in doubt, as bits."""
        return _field(self.records, "doubt").astype(np.int64)

    @property
    def other_counts(self) -> NDArray[np.int64]:
        """int64 (n,): further forms of each point."""
        counts: NDArray[np.int64] = FORMS_OF_DOUBT[self.doubts]
        return counts


@dataclass(frozen=True, slots=True)
class Keypoints:
    """What geometry needs of n points.

    `positions` float32 (n, 2), x and y in pixels of the working image; `scales` uint8 (n,), 16 log2(sigma) + 16;
    `angles` uint8 (n,), the canonical frame's angle in 1/256 turn; `changes` uint8 (n,), changes that were applied
    (`pimmi.features.symmetry`); `codes` uint64 (n, 4), two words of signs, one of "above the threshold", one of "above
    its negative".
    """

    positions: NDArray[np.float32]
    scales: NDArray[np.uint8]
    angles: NDArray[np.uint8]
    changes: NDArray[np.uint8]
    codes: NDArray[np.uint64]


POINT_FIELDS = ("records", "others")


def encode_points(features: Features, *, codebook: Codebook, probes: int) -> Points:
    """The searchable form of an image's features; `probes` cells for each plain form."""
    changes = canonical_changes(features.descriptors, weak=codebook.weak_sums)
    applied, doubtful = changes[:, 0], changes[:, 1]
    coordinates = codebook.coordinates(features.descriptors) * codebook.flips(applied)
    owners, others = further_forms(doubtful)
    centroids, shape = codebook.nearest(coordinates, probes=probes, depth=codebook.depth)
    further, _ = codebook.nearest(
        coordinates[owners] * codebook.flips(others), probes=OTHER_DEPTH * OTHER_DEPTH, depth=OTHER_DEPTH
    )
    turned = np.where((applied & INVERTED) != 0, np.pi, 0.0)
    places = np.clip(np.rint(features.positions / POSITION_UNIT), 0, (1 << GEOMETRY["x"]) - 1)
    most_scale = (1 << GEOMETRY["scale"]) - 1
    geometry = {
        "x": places[:, 0],
        "y": places[:, 1],
        "angle": np.rint((features.angles + turned) * (ANGLE_STEPS / (2 * np.pi))).astype(np.int64)
        % ANGLE_STEPS,
        "scale": np.clip(np.rint(SCALE_STEPS * (np.log2(features.sigmas) + 1)), 0, most_scale),
        "change": applied,
        "doubt": doubtful,
        "shape": shape,
    }
    records = np.empty((len(features), RECORD), np.uint8)
    records[:, :6] = _bytes_of(_packed(geometry))[:, :6]
    records[:, 6:30] = codebook.encode(coordinates).view(np.uint8).reshape(-1, 24)
    records[:, 30:] = _bytes_of(_joined_ids(centroids, bits=codebook.centroid_bits))
    return Points(records, _bytes_of(_joined_ids(further, bits=codebook.centroid_bits))[:, :OTHER].copy())


def keypoints(records: NDArray[np.uint8]) -> Keypoints:
    """Records as geometry needs them."""
    positions = np.empty((len(records), 2), np.float32)
    for axis, name in enumerate(("x", "y")):
        positions[:, axis] = _field(records, name) * np.float32(POSITION_UNIT)
    return Keypoints(
        positions=positions,
        scales=_field(records, "scale").astype(np.uint8),
        angles=_field(records, "angle").astype(np.uint8),
        changes=_field(records, "change").astype(np.uint8),
        codes=full_codes(stored_codes(records)),
    )


def form_offsets(points: Points, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 (n + 1,): the first further form of each image, and their number; `offsets` are those of its points."""
    return offsets_of(points.other_counts)[offsets]


def taken_points(
    points: Points, offsets: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[Points, NDArray[np.int64]]:
    """The points of the images of some rows, in their order, and their offsets; `offsets` int64 (n + 1,) are those of
    all images, the first point of each."""
    forms = form_offsets(points, offsets)
    taken = Points(runs(points.records, offsets, rows), runs(points.others, forms, rows))
    return taken, offsets_of(np.diff(offsets)[rows])


def runs(array: NDArray[Any], offsets: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[Any]:
    """The runs of some rows of an array, one after the other; a run is from `offsets[row]` to `offsets[row + 1]`."""
    starts, stops = offsets[rows].tolist(), offsets[rows + 1].tolist()
    parts = [array[start:stop] for start, stop in zip(starts, stops, strict=True)]
    return np.concatenate([array[:0], *parts])


def offsets_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 (n + 1,): where each of n runs starts, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def stored_codes(records: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The codes uint64 (n, 3) of records, as `Codebook.encode` gives them."""
    return np.ascontiguousarray(records[:, 6 : RECORD - NEAREST]).view("<u8")


def words_of(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Rows of bytes uint8 (n, up to 8) as numbers, the lowest byte first."""
    padded = np.zeros((len(rows), 8), np.uint8)
    padded[:, : rows.shape[1]] = rows
    return padded.view("<u8")[:, 0]


def full_codes(stored: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Codes uint64 (n, 4), as in `Keypoints`, of stored ones (n, 3)."""
    wide, beyond = stored[:, 0], stored[:, 2]
    return np.stack([wide, stored[:, 1], wide & beyond, wide | ~beyond], axis=1)


def further_forms(doubtful: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The points of the further forms, rising, and their changes."""
    owners = np.repeat(np.arange(len(doubtful)), FORMS_OF_DOUBT[doubtful])
    first = np.searchsorted(owners, owners)
    place = (np.arange(len(owners)) - first).astype(np.uint8)
    return owners, np.where(doubtful[owners] == 3, place + 1, doubtful[owners]).astype(np.uint8)


def _packed(fields: dict[str, Any]) -> NDArray[np.uint64]:
    word = np.zeros(len(fields["shape"]), np.uint64)
    shift = 0
    for name, bits in GEOMETRY.items():
        word |= np.asarray(fields[name]).astype(np.uint64) << np.uint64(shift)
        shift += bits
    return word


def _field(records: NDArray[np.uint8], name: str) -> NDArray[np.uint16]:
    """One of the fields of GEOMETRY, uint16 (n,)."""
    start = sum(bits for bits, _ in zip(GEOMETRY.values(), takewhile(name.__ne__, GEOMETRY), strict=False))
    first, shift = divmod(start, 8)
    word = np.zeros(len(records), np.uint32)
    for place in range(-(-(shift + GEOMETRY[name]) // 8)):
        word |= records[:, first + place].astype(np.uint32) << np.uint32(8 * place)
    return ((word >> np.uint32(shift)) & np.uint32((1 << GEOMETRY[name]) - 1)).astype(np.uint16)


def _joined_ids(centroids: NDArray[np.uint16], *, bits: int) -> NDArray[np.uint64]:
    """uint64 (n,): the centroids (n, 2, depth), the first half's in the lowest bits."""
    word = np.zeros(len(centroids), np.uint64)
    places = np.ndindex(centroids.shape[1:])
    for place, (half, rank) in enumerate(places):
        word |= centroids[:, half, rank].astype(np.uint64) << np.uint64(bits * place)
    return word


def _bytes_of(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(words, "<u8").view(np.uint8).reshape(-1, 8)
