"""Grouping: from all links to clusters; or again for some images, after a decision on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.decisions.apply import decided_links
from pimmi.decisions.clusters import decided_clusters
from pimmi.decisions.model import Decisions
from pimmi.decisions.store import read_decisions
from pimmi.pipeline.clustering import ClusterTask, cluster_apart, cluster_here
from pimmi.progress import Progress
from pimmi.settings import GroupingSettings, Settings
from pimmi.study.catalogue import Catalogue, Links, id_array
from pimmi.study.groups import check_matched, grouped_with, read_clusters, write_clusters
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values

LEAST_WEIGHT = 0.05


def group_images(folder: StudyFolder, *, settings: Settings, progress: Progress) -> None:
    """Write the clusters of a study whose images are all compared; raises StudyError if some are not.

    A link weighs as much as its images agree. What a person decided is applied. The caller holds the study's lock.
    """
    check_matched(folder)
    with progress.stage("Grouping", total=None, unit="links") as stage:
        catalogue = Catalogue.read(folder)
        links = catalogue.links(minimum_confidence=settings.matching.minimum_confidence)
        clusters = _grouped(
            catalogue,
            links,
            images=np.arange(len(catalogue.images)),
            settings=settings.grouping,
            decisions=read_decisions(folder),
            cluster=cluster_apart,
        )
        _write(clusters, folder, settings.grouping)
        stage.advance(len(links))


def regroup_images(catalogue: Catalogue, links: Links, *, images: NDArray[np.int64]) -> None:
    """Group some images again, in the way in which all were, and leave the clusters of the others.

    `images` are ranks, rising; with an image, all that chains of links or decisions join to it must be there, and
    `links` must be all links between them, before decisions. The clusters are then those that grouping all would
    give. The caller holds the study's lock.
    """
    folder = catalogue.folder
    clusters = read_clusters(folder)
    settings = grouped_with(clusters)
    renewed = _grouped(
        catalogue,
        links,
        images=images,
        settings=settings,
        decisions=read_decisions(folder),
        cluster=cluster_here,
    )
    ids: Any = pa.array(catalogue.ids[images].astype(str).tolist(), pa.string())
    kept = clusters.filter(pc.invert(pc.is_in(clusters.column("image_id"), value_set=ids)))
    together = pa.concat_tables([kept.select(clusters.column_names), renewed.select(clusters.column_names)])
    _write(_largest_first(together.replace_schema_metadata(None)), folder, settings)


def _grouped(
    catalogue: Catalogue,
    links: Links,
    *,
    images: NDArray[np.int64],
    settings: GroupingSettings,
    decisions: Decisions,
    cluster: Callable[[ClusterTask], pa.Table],
) -> pa.Table:
    """The clusters of the images of some ranks, with degrees in files."""
    links = decided_links(links, ids=catalogue.ids, decisions=decisions)
    ids = catalogue.ids[images]
    queries, results = np.searchsorted(images, links.query), np.searchsorted(images, links.result)
    clusters = cluster(
        ClusterTask(
            values(catalogue.images.take(images), "image_id"),
            queries,
            results,
            np.clip(links.rows.column("agreement").to_numpy(), LEAST_WEIGHT, 1.0),
            settings,
        )
    )
    clusters = decided_clusters(clusters, ids=ids, queries=queries, results=results, decisions=decisions)
    places = clusters.column_names.index("degree"), "degree"
    return clusters.set_column(*places, _degrees_in_files(clusters, links, catalogue))


def _write(clusters: pa.Table, folder: StudyFolder, settings: GroupingSettings) -> None:
    write_clusters(clusters, folder, algorithm=settings.algorithm, resolution=settings.resolution)


def _largest_first(clusters: pa.Table) -> pa.Table:
    """Sorted as `cluster` sorts them: the cluster of most images first, then by its id, then by image."""
    names = id_array(clusters, "cluster_id")
    _, label, sizes = np.unique(names, return_inverse=True, return_counts=True)
    return clusters.take(np.lexsort((id_array(clusters), names, -sizes[label])))


def _degrees_in_files(clusters: pa.Table, links: Links, catalogue: Catalogue) -> pa.Array[Any]:
    """With how many files of its cluster each image is linked; byte-identical files are linked as well."""
    count = len(catalogue.images)
    members = np.searchsorted(catalogue.ids, id_array(clusters))
    rank = np.zeros(count, np.int64)
    rank[members] = clusters.column("cluster_rank").to_numpy()
    inside = (rank[links.query] == rank[links.result]) & (rank[links.query] > 0)
    degrees = catalogue.nb_files - 1
    for ends in ((links.query, links.result), (links.result, links.query)):
        one, other = (end[inside] for end in ends)
        degrees = degrees + np.bincount(one, catalogue.nb_files[other], minlength=count).astype(np.int64)
    return pa.array(degrees[members], pa.int32())
