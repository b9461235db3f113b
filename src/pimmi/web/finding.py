"""Searching by a picture that is dropped on a page; nothing of it is kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from pimmi.images.identify import image_id
from pimmi.pipeline.reading import describe
from pimmi.pipeline.searching import Hit, Searcher
from pimmi.settings import Settings
from pimmi.study.tables import VARIANTS
from pimmi.web.clusters import Clusters
from pimmi.web.points import Described, agreeing
from pimmi.web.proof import geometry
from pimmi.web.show import image_shown

MOST_HITS = 24
MOST_COMPARED = 240
"""Hits, the surest, among which those that show most of the picture are chosen."""


def found(clusters: Clusters, data: bytes, *, settings: Settings) -> dict[str, Any]:
    """The images of a study that show a part, or all, of the picture in the bytes of a file, as proofs.

    The same file comes first, then those that show most of it, in steps of a tenth, then those that are neither
    mirrored nor negative, then representatives of clusters, from which the others are most likely made, then the
    surest. Raises UnreadableImage.
    """
    query = describe(data, image_id(data), settings=settings)
    (about,) = query.images.to_pylist()
    asked = {name: about[name] for name in ("width", "height", "format", "nb_points")}
    hits: dict[str, dict[str, Any]] = {}
    catalogue = clusters.catalogue
    searcher = Searcher(catalogue.folder, settings=settings, catalogue=catalogue)
    surest = searcher.search(query, limit=MOST_COMPARED)

    def stands(hit: Hit) -> bool:
        rank = clusters.rank(hit.image_id)
        return rank is not None and bool(clusters.stands[rank])

    def order(hit: Hit) -> tuple[bool, float, bool, bool]:
        return (
            hit.image_id != about["image_id"],
            -round(hit.query_coverage, 1),
            hit.variant != VARIANTS[0],
            not stands(hit),
        )

    for hit in sorted(surest, key=order):
        rank = clusters.rank(hit.image_id)
        if rank is None or hit.image_id in hits or len(hits) == MOST_HITS:
            continue
        transform = np.array(hit.transform)
        second = image_shown(clusters, rank)
        points = agreeing(
            Described.of(query),
            Described.stored(clusters.catalogue, rank),
            transform=transform,
            change=VARIANTS.index(hit.variant),
            tolerance=settings.matching.position_tolerance,
        )
        hits[hit.image_id] = {
            **{
                name: value
                for name, value in asdict(hit).items()
                if name in ("variant", "relation", "score", "agreement", "conflict")
            },
            "inliers": hit.nb_match_ransac,
            "first_coverage": hit.query_coverage,
            "second_coverage": hit.result_coverage,
            "first": asked,
            "second": second,
            **geometry(transform, points, asked, second),
        }
    total = len({hit.image_id for hit in surest})
    return {"image": asked, "total": total, "hits": list(hits.values())}
