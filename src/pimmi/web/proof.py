"""Why two images are linked: everything that a page needs to show it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pimmi.decisions.model import ordered
from pimmi.matching.blocks import RELATIONS
from pimmi.pipeline.searching import converse, inverted
from pimmi.settings import MatchingSettings
from pimmi.study.links import TRANSFORM
from pimmi.study.tables import COMMON, COPY, VARIANTS
from pimmi.web.clusters import Clusters
from pimmi.web.points import Described, agreeing
from pimmi.web.show import image_shown

Floats = NDArray[np.float64]

PARTS = ("query_part", "result_part")
"""Columns of the link files: bitmaps of 8 x 8 cells of each image where both agree."""


def proof(
    clusters: Clusters, first: int, second: int, *, settings: MatchingSettings
) -> dict[str, Any] | None:
    """The link of two images, by rank, seen from the first one; None if they aren't linked."""
    link = clusters.index.between(first, second)
    if link is None:
        return None
    (row,) = clusters.index.rows(np.array([link])).to_pylist()
    turned = int(clusters.index.query[link]) != first
    transform = np.array([row[name] for name in TRANSFORM])
    transform = inverted(transform) if turned else transform
    images = [image_shown(clusters, rank) for rank in (first, second)]
    coverages = [row["query_coverage"], row["result_coverage"]]
    pairs = agreeing(
        *(Described.stored(clusters.catalogue, rank) for rank in (first, second)),
        transform=transform,
        change=row["change"],
        tolerance=settings.position_tolerance,
    )
    names = ordered(images[0]["id"], images[1]["id"])
    relation = RELATIONS[row["relation"]]
    return {
        "first": images[0],
        "second": images[1],
        "variant": VARIANTS[row["change"]],
        "type": COMMON if clusters.common[link] else COPY,
        "relation": converse(relation) if turned else relation,
        **{name: row[name] for name in ("score", "inliers", "agreement", "conflict", "confidence")},
        "first_coverage": _seen(coverages, turned)[0],
        "second_coverage": _seen(coverages, turned)[1],
        "verdict": clusters.decisions.links.get(names),
        "first_part": cells(row[PARTS[turned]]),
        "second_part": cells(row[PARTS[not turned]]),
        **geometry(transform, pairs, images[0], images[1]),
    }


def geometry(
    transform: Floats, pairs: Floats, first: dict[str, Any], second: dict[str, Any]
) -> dict[str, Any]:
    """The transform, the points that agree, and the outline of what both images show, in pixels of their files."""
    outline = overlap(transform, (first["width"], first["height"]), (second["width"], second["height"]))
    there = outline @ transform.reshape(2, 3)[:, :2].T + transform.reshape(2, 3)[:, 2]
    return {
        "transform": transform.tolist(),
        "points": np.round(pairs, 1).tolist(),
        "first_outline": np.round(outline, 1).tolist(),
        "second_outline": np.round(there, 1).tolist(),
    }


def overlap(transform: Floats, first: tuple[int, int], second: tuple[int, int]) -> Floats:
    """The corners (n, 2), in the first image, of what the transform lays into the second; sizes are width, height."""
    back = inverted(transform).reshape(2, 3)
    seen = _corners(second) @ back[:, :2].T + back[:, 2]
    _, polygon = cv2.intersectConvexConvex(_corners(first).astype(np.float32), seen.astype(np.float32))
    return np.zeros((0, 2)) if polygon is None else np.asarray(polygon, np.float64).reshape(-1, 2)


def cells(part: int) -> list[int]:
    """The numbers of the cells of a bitmap that are set, row after row from the top left."""
    return [cell for cell in range(64) if part >> cell & 1]


def _corners(size: tuple[int, int]) -> Floats:
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def _seen(coverages: list[float], turned: bool) -> list[float]:
    return coverages[::-1] if turned else coverages
