"""The searchable form of an image: what is stored of each of its keypoints.

A *point* is a keypoint in canonical form. A *form* is a point under one of the changes that its doubtful sums leave
open: every point has the plain form, and a point in doubt has one more form, or three. A form has the cells in which
it looks for points of other images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pimmi.features.symmetry import INVERTED, canonical_changes

if TYPE_CHECKING:
    from pimmi.features.sift import Features
    from pimmi.index.codebook import Codebook

POSITION_UNIT = 1 / 64
"""Pixels of the working image."""
SCALE_STEPS = 16
"""Steps an octave of the stored scale, log2(sigma in pixels)."""
ANGLE_STEPS = 256
"""Steps a turn of the stored angle."""


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one or more images; n points, f forms.

    `positions` uint16 (n, 2), x and y in 1/64 pixel of the working image; `scales` uint8 (n,), 16 log2(sigma) + 16;
    `angles` uint8 (n,), the canonical frame's angle in 1/256 turn; `changes` uint8 (n,), changes that were applied
    (`pimmi.features.symmetry`); `codes` uint64 (n, 4); `cells` uint16 (n,), the nearest cell; `form_points` int32
    (f,), row of the form's point; `form_changes` uint8 (f,); `form_cells` uint16 (f, probes).
    """

    positions: NDArray[np.uint16]
    scales: NDArray[np.uint8]
    angles: NDArray[np.uint8]
    changes: NDArray[np.uint8]
    codes: NDArray[np.uint64]
    cells: NDArray[np.uint16]
    form_points: NDArray[np.int32]
    form_changes: NDArray[np.uint8]
    form_cells: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.positions)


POINT_FIELDS = ("positions", "scales", "angles", "changes", "codes", "cells")
FORM_FIELDS = ("form_points", "form_changes", "form_cells")


def encode_points(features: Features, *, codebook: Codebook, probes: int) -> Points:
    """The searchable form of an image's features."""
    changes = canonical_changes(features.descriptors, weak=codebook.weak_sums)
    applied, doubtful = changes[:, 0], changes[:, 1]
    coordinates = codebook.coordinates(features.descriptors) * codebook.flips(applied)
    points = [np.arange(len(features))]
    forms = [np.zeros(len(features), np.uint8)]
    for change in (1, 2, 3):
        rows = np.flatnonzero((doubtful & change) == change)
        points.append(rows)
        forms.append(np.full(len(rows), change, np.uint8))
    form_points = np.concatenate(points).astype(np.int32)
    form_changes = np.concatenate(forms)
    form_cells = codebook.cells(coordinates[form_points] * codebook.flips(form_changes), probes=probes)
    turned = np.where((applied & INVERTED) != 0, np.pi, 0.0)
    angles = np.rint((features.angles + turned) * (ANGLE_STEPS / (2 * np.pi))).astype(np.int64) % ANGLE_STEPS
    return Points(
        positions=np.rint(np.maximum(features.positions, 0) / POSITION_UNIT).astype(np.uint16),
        scales=np.clip(np.rint(SCALE_STEPS * (np.log2(features.sigmas) + 1)), 0, 255).astype(np.uint8),
        angles=angles.astype(np.uint8),
        changes=applied,
        codes=codebook.encode(coordinates),
        cells=np.ascontiguousarray(form_cells[: len(features), 0]),
        form_points=form_points,
        form_changes=form_changes,
        form_cells=form_cells,
    )
