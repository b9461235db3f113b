"""Clustering here, or in a worker, which has the compiled code that it takes at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.errors import PimmiError
from pimmi.pipeline.crew import local_pool
from pimmi.settings import GroupingSettings
from pimmi.workers.outcome import Crashed, Failed


@dataclass(frozen=True, slots=True)
class ClusterTask:
    """What `pimmi.grouping.clusters.cluster` makes clusters of."""

    image_ids: list[str]
    queries: NDArray[np.int64]
    results: NDArray[np.int64]
    weights: NDArray[np.float64]
    settings: GroupingSettings


def cluster_here(task: ClusterTask) -> pa.Table:
    """The clusters, made in this process."""
    from pimmi.grouping.clusters import cluster

    return cluster(
        task.image_ids,
        task.queries,
        task.results,
        task.weights,
        algorithm=task.settings.algorithm,
        resolution=task.settings.resolution,
    )


def cluster_apart(task: ClusterTask) -> pa.Table:
    """The clusters, made by a worker; raises PimmiError if it dies."""
    with local_pool(1) as pool:
        (outcome,) = pool.map_unordered(cluster_here, [task])
    if isinstance(outcome, Failed):
        raise outcome.error
    if isinstance(outcome, Crashed):
        raise PimmiError(f"grouping failed, as {outcome.reason}: use a machine with more memory")
    return outcome.result
