"""The clusters table after decisions on clusters."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.decisions.apply import decided_labels
from pimmi.decisions.model import Decisions
from pimmi.study.catalogue import Ids, id_array

Ranks = NDArray[np.int64]


def decided_clusters(
    clusters: pa.Table, *, ids: Ids, queries: Ranks, results: Ranks, decisions: Decisions
) -> pa.Table:
    """The clusters with the removals and merges applied.

    `clusters` are rows as `pimmi.grouping.clusters.cluster_rows` gives them, of images whose `ids` are distinct and
    sorted; `queries` and `results` are the links between them, as ranks. The same table comes back if no decision
    changes it.
    """
    if not (decisions.apart or decisions.together):
        return clusters
    before = _labels(clusters, ids)
    labels = decided_labels(before, ids=ids, decisions=decisions)
    if np.array_equal(labels, before):
        return clusters
    return _table(labels, ids=ids, queries=queries, results=results, schema=clusters.schema)


def _labels(clusters: pa.Table, ids: Ids) -> Ranks:
    """The rank of the first image of each image's cluster; its own for an image in none."""
    labels = np.arange(len(ids))
    labels[np.searchsorted(ids, id_array(clusters))] = np.searchsorted(ids, id_array(clusters, "cluster_id"))
    return labels


def _table(labels: Ranks, *, ids: Ids, queries: Ranks, results: Ranks, schema: pa.Schema) -> pa.Table:
    _, first, label, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    ranks = np.empty(len(sizes), np.int64)
    ranks[np.lexsort((first, -sizes))] = np.arange(1, len(sizes) + 1)
    inside = label[queries] == label[results]
    ends = np.column_stack([queries[inside], results[inside]])
    pairs = np.unique(np.sort(ends, axis=1), axis=0)
    degrees = np.bincount(pairs.ravel(), minlength=len(label))
    linked = np.bincount(label, degrees, minlength=len(sizes)) / 2
    members = np.flatnonzero(sizes[label] > 1)
    members = members[np.argsort(ranks[label[members]], kind="stable")]
    cluster = label[members]
    columns = {
        "image_id": ids[members].astype(str).tolist(),
        "cluster_id": ids[first[cluster]].astype(str).tolist(),
        "cluster_rank": ranks[cluster],
        "cluster_size": sizes[cluster],
        "degree": degrees[members],
        "quality": linked[cluster] / (sizes[cluster] * (sizes[cluster] - 1) / 2),
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
