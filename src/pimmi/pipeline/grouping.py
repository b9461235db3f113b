"""Grouping: from all links to clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pimmi.grouping.clusters import cluster
from pimmi.progress import Progress
from pimmi.settings import Settings
from pimmi.study.catalogue import Catalogue, Links, id_array
from pimmi.study.groups import check_matched, write_clusters
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values

LEAST_WEIGHT = 0.05


def group_images(folder: StudyFolder, *, settings: Settings, progress: Progress) -> None:
    """Write the clusters of a study whose images are all compared; raises StudyError if some are not.

    A link weighs as much as its images agree. The caller holds the study's lock.
    """
    check_matched(folder)
    grouping = settings.grouping
    with progress.stage("Grouping", total=None, unit="links") as stage:
        catalogue = Catalogue.read(folder)
        links = catalogue.links(minimum_confidence=settings.matching.minimum_confidence)
        clusters = cluster(
            values(catalogue.images, "image_id"),
            links.query,
            links.result,
            np.clip(links.rows.column("agreement").to_numpy(), LEAST_WEIGHT, 1.0),
            algorithm=grouping.algorithm,
            resolution=grouping.resolution,
        )
        places = clusters.column_names.index("degree"), "degree"
        clusters = clusters.set_column(*places, _degrees_in_files(clusters, links, catalogue))
        write_clusters(clusters, folder, algorithm=grouping.algorithm, resolution=grouping.resolution)
        stage.advance(len(links))


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
