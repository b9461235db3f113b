"""The clusters table: which images hold together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Labels = NDArray[np.int64]

COLUMNS: dict[str, pa.DataType] = {
    "image_id": pa.string(),
    "cluster_id": pa.string(),
    "cluster_rank": pa.int32(),
    "cluster_size": pa.int32(),
    "degree": pa.int32(),
    "quality": pa.float64(),
}
CLUSTERS_SCHEMA = pa.schema(COLUMNS)


def cluster_rows(
    image_ids: Sequence[str],
    labels: Labels,
    queries: Labels,
    results: Labels,
    *,
    collapsed: NDArray[np.bool_],
) -> pa.Table:
    """One row for each image of a cluster, sorted by rank, then image; a cluster has two images or more.

    `image_ids` are distinct and sorted; `labels` int64, one for each image, equal for those of one cluster, numbered by
    first image; `queries` and `results` (int64, one for each link) are places in `image_ids`; `collapsed` bool, images
    for which near-exact copies stand. A pair of images may have
    several links: it counts once in `degree` and `quality`. The columns are those of `CLUSTERS_SCHEMA`:

    - cluster_id: the smallest image_id of the cluster;
    - cluster_rank: 1 for the cluster of most images; of two with as many, the smaller cluster_id is first;
    - cluster_size: how many images it has;
    - degree: with how many images of its cluster this one is linked;
    - quality: the share of the cluster's pairs of images that are linked, from near 0 (a chain) to 1 (all); those that
      are collapsed don't count, as they have few links by intention.
    """
    sizes = np.bincount(labels)
    first = np.unique(labels, return_index=True)[1]
    ranks = np.empty(len(sizes), np.int64)
    ranks[np.argsort(-sizes, kind="stable")] = np.arange(1, len(sizes) + 1)

    degrees = _degrees(queries, results, labels)
    stands = ~(collapsed[queries] | collapsed[results])
    inside = _degrees(queries[stands], results[stands], labels)
    linked_pairs = np.bincount(labels, inside, minlength=len(sizes)) / 2
    standing = np.bincount(labels, ~collapsed, minlength=len(sizes))
    pairs = standing * (standing - 1) / 2
    quality = np.divide(linked_pairs, pairs, out=np.ones(len(sizes)), where=pairs > 0)

    members = np.flatnonzero(sizes[labels] > 1)
    members = members[np.argsort(ranks[labels[members]], kind="stable")]
    of_member = labels[members]
    ids = pa.array(image_ids, pa.string())
    return pa.table(
        [
            ids.take(members),
            ids.take(first[of_member]),
            ranks[of_member],
            sizes[of_member],
            degrees[members],
            quality[of_member],
        ],
        schema=CLUSTERS_SCHEMA,
    )


def _degrees(queries: Labels, results: Labels, labels: Labels) -> NDArray[np.int64]:
    inside = (labels[queries] == labels[results]) & (queries != results)
    queries, results = queries[inside], results[inside]
    count = max(len(labels), 1)
    pairs = np.sort(np.minimum(queries, results) * count + np.maximum(queries, results))
    low, high = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], count)
    return np.bincount(low, minlength=len(labels)) + np.bincount(high, minlength=len(labels))
