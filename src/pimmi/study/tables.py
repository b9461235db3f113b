"""The three tables of a study (`pimmi.outputs.tables`): the same for the same files and settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.outputs.tables import TABLES
from pimmi.study.catalogue import Catalogue, id_array
from pimmi.study.groups import read_clusters
from pimmi.study.links import TRANSFORM

VARIANTS = ("plain", "mirror", "negative", "mirror-negative")
"""The names of the changes, by number (`pimmi.matching.blocks.Links`)."""
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SCORE_OF_EXACT_COPIES = 10_000.0
FEWEST_POINTS = 8
"""An image with fewer keypoints has too little information to be matched with confidence."""


def images_table(catalogue: Catalogue) -> pa.Table:
    """Every file, sorted by path."""
    files = catalogue.files
    readable = pc.is_valid(files.column("image_id")).to_numpy()
    places = np.full(len(files), -1)
    places[readable] = catalogue.file_ranks
    ranks: Any = pa.array(places, pa.int64(), mask=~readable)
    about = {
        name: catalogue.images.column(name).take(ranks) for name in ("width", "height", "format", "nb_points")
    }
    plain: Any = pc.less(about["nb_points"], pa.scalar(FEWEST_POINTS))
    status: Any = pc.if_else(pc.is_null(plain), "unreadable", pc.if_else(plain, "low-information", "ok"))
    paths = catalogue.readable_files.column("path")
    firsts = np.full(len(files), -1)
    later = np.flatnonzero(readable)[catalogue.later_files]
    firsts[later] = catalogue.first_files[catalogue.file_ranks[catalogue.later_files]]
    duplicated: Any = pa.array(firsts, pa.int64(), mask=firsts < 0)
    columns: dict[str, Any] = {
        **{name: files.column(name) for name in ("path", "image_id", "bytes", "reason")},
        **about,
        "status": status,
        "duplicate_of": paths.take(duplicated),
    }
    return _table("images", columns)


def links_table(catalogue: Catalogue, *, minimum_confidence: float) -> pa.Table:
    """One row for each pair of linked images, under their first paths, and for each byte-identical file."""
    links = catalogue.links(minimum_confidence=minimum_confidence)
    first_paths = catalogue.readable_files.column("path").take(catalogue.first_files)
    found: dict[str, Any] = {
        "query_path": first_paths.take(links.query),
        "result_path": first_paths.take(links.result),
        "variant": pa.array(VARIANTS).take(links.rows.column("change").cast(pa.int64())),
        "nb_match_ransac": links.rows.column("inliers"),
    }
    same = ("score", *TRANSFORM, "query_coverage", "result_coverage", "agreement", "conflict", "confidence")
    found |= {name: links.rows.column(name) for name in same}
    table = pa.concat_tables([_table("links", found), _exact_copies(catalogue, first_paths)])
    return table.sort_by([("query_path", "ascending"), ("result_path", "ascending")])


def clusters_table(catalogue: Catalogue) -> pa.Table:
    """Every file of a cluster, the largest cluster first, then by path.

    Byte-identical files count as linked with each other. Raises StudyError if the study isn't grouped.
    """
    grouped = read_clusters(catalogue.folder)
    names, cluster, degree, quality = _clusters_of_images(catalogue, grouped)
    sizes = np.bincount(cluster[cluster >= 0], catalogue.nb_files[cluster >= 0], minlength=len(names))
    ranks = np.empty(len(names), np.int64)
    ranks[np.lexsort((names, -sizes))] = np.arange(1, len(names) + 1)

    files = np.flatnonzero(cluster[catalogue.file_ranks] >= 0)
    files = files[np.argsort(ranks[cluster[catalogue.file_ranks[files]]], kind="stable")]
    image = catalogue.file_ranks[files]
    of_file = cluster[image]
    held = catalogue.readable_files.take(files)
    columns: dict[str, Any] = {
        "path": held.column("path"),
        "image_id": held.column("image_id"),
        "cluster_id": pa.array(names[of_file].astype(str).tolist(), pa.string()),
        "cluster_rank": pa.array(ranks[of_file], pa.int32()),
        "cluster_size": pa.array(sizes[of_file].astype(np.int32)),
        "nb_points": catalogue.images.column("nb_points").take(image),
        "degree": pa.array(degree[image], pa.int32()),
        "quality": pa.array(quality[image], pa.float64()),
    }
    return _table("clusters", columns)


def _clusters_of_images(
    catalogue: Catalogue, grouped: pa.Table
) -> tuple[NDArray[np.bytes_], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The ids of the clusters, sorted; and for each image its cluster (-1: none), degree and quality."""
    count = len(catalogue.images)
    members = np.searchsorted(catalogue.ids, id_array(grouped))
    cluster_ids = np.zeros(count, "S32")
    cluster_ids[members] = id_array(grouped, "cluster_id")
    degree, quality = catalogue.nb_files - 1, np.ones(count)
    degree[members] = grouped.column("degree").to_numpy()
    quality[members] = grouped.column("quality").to_numpy()
    alone = (cluster_ids == b"") & (catalogue.nb_files > 1)
    cluster_ids[alone] = catalogue.ids[alone]
    names = np.unique(cluster_ids[cluster_ids != b""])
    cluster = np.where(cluster_ids != b"", np.searchsorted(names, cluster_ids), -1)
    return names, cluster, degree, quality


def _exact_copies(catalogue: Catalogue, first_paths: pa.ChunkedArray[Any]) -> pa.Table:
    files = catalogue.later_files
    ranks = catalogue.file_ranks[files]
    ones = pa.array(np.ones(len(files)))
    columns: dict[str, Any] = {
        "query_path": first_paths.take(ranks),
        "result_path": catalogue.readable_files.column("path").take(files),
        "variant": pa.array([VARIANTS[0]] * len(files), pa.string()),
        "score": pa.array(np.full(len(files), SCORE_OF_EXACT_COPIES)),
        "nb_match_ransac": catalogue.images.column("nb_points").take(ranks),
        **{
            name: pa.array(np.full(len(files), value))
            for name, value in zip(TRANSFORM, IDENTITY, strict=True)
        },
        **dict.fromkeys(("query_coverage", "result_coverage", "agreement", "confidence"), ones),
        "conflict": pa.array(np.zeros(len(files))),
    }
    return _table("links", columns)


def _table(name: str, columns: dict[str, pa.ChunkedArray[Any] | pa.Array[Any]]) -> pa.Table:
    """The columns in the order in which they are described."""
    return pa.table({column: columns[column] for column in TABLES[name].columns})
