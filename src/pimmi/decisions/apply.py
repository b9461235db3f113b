"""What decisions do to links, and to the clusters made of them.

1. A *rejected* link is dropped. A *confirmed* link is certain: the two images then agree everywhere.
2. An image that was *removed* from the cluster of another one, its anchor, loses its links with the anchor and with all
   images that are linked with the anchor. If they are in one cluster all the same, by a chain of other links, the image
   is taken out of it and left alone.
3. Two images that are *together* are in one cluster: their clusters become one, and take the smaller id.

The first two are applied to links, before they are grouped; then what is left of the second, and the third, to the
clusters. Nothing here depends on other components than those of the images that are named, so that grouping one
component again gives what grouping all gives. A study without decisions is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.decisions.model import CONFIRMED, REJECTED, Decisions, Pair
from pimmi.study.catalogue import Ids, Links

Ranks = NDArray[np.int64]
EVERYWHERE = np.uint64(2**64 - 1)
CERTAIN: dict[str, Any] = {
    "agreement": 1.0,
    "conflict": 0.0,
    "confidence": 1.0,
    "query_part": EVERYWHERE,
    "result_part": EVERYWHERE,
    "query_other": np.uint64(0),
    "result_other": np.uint64(0),
}
"""What a confirmed link says: the two images agree everywhere."""


def decided_links(links: Links, *, ids: Ids, decisions: Decisions) -> Links:
    """The links with the decisions applied, whichever columns their rows have.

    `ids` are those of the images, sorted, of which links hold the ranks.
    """
    if not (decisions.links or decisions.apart):
        return links
    confirmed, kept = judged(links.query, links.result, ids=ids, decisions=decisions)
    rows = links.rows
    for name in CERTAIN.keys() & set(rows.column_names):
        value = np.where(confirmed, CERTAIN[name], rows.column(name).to_numpy())
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), pa.array(value))
    places = np.flatnonzero(kept)
    return replace(links, query=links.query[places], result=links.result[places], rows=rows.take(places))


def judged(
    query: Ranks, result: Ranks, *, ids: Ids, decisions: Decisions
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each link between two ranks, whether it was confirmed, and whether it is kept."""
    keys = _keys(query, result, count=len(ids))
    verdicts = {verdict: _keys_of(decisions, verdict, ids) for verdict in (CONFIRMED, REJECTED)}
    confirmed = np.isin(keys, verdicts[CONFIRMED])
    dropped = np.isin(keys, verdicts[REJECTED])
    if decisions.apart:
        alive = ~dropped
        both = np.concatenate([query[alive], result[alive]]), np.concatenate([result[alive], query[alive]])
        for removed, anchor in known_pairs(decisions.apart, ids):
            near = np.append(both[1][both[0] == anchor], anchor)
            dropped |= (query == removed) & np.isin(result, near)
            dropped |= (result == removed) & np.isin(query, near)
    return confirmed, ~dropped


def decided_labels(labels: Ranks, *, ids: Ids, decisions: Decisions) -> Ranks:
    """Labels of the images' clusters (int64, one for each of `ids`) with the decisions applied.

    Labels are numbers from 0; an image that is in no cluster has one of its own. Those that are joined take the
    smallest, and an image that is left alone gets a new one.
    """
    labels = labels.copy()
    for removed, anchor in known_pairs(decisions.apart, ids):
        if labels[removed] == labels[anchor]:
            labels[removed] = labels.max() + 1
    for first, second in known_pairs(decisions.together, ids):
        low, high = sorted((int(labels[first]), int(labels[second])))
        labels[labels == high] = low
    return labels


def known_pairs(pairs: Iterable[Pair], ids: Ids) -> list[tuple[int, int]]:
    """The ranks of pairs of ids, sorted; those that hold an unknown id are left out."""
    wanted = sorted(pairs)
    if not wanted or not len(ids):
        return []
    names = np.array(wanted, dtype="S32")
    places = np.minimum(np.searchsorted(ids, names), len(ids) - 1)
    known = (ids[places] == names).all(axis=1)
    return [(int(first), int(second)) for first, second in places[known]]


def _keys_of(decisions: Decisions, verdict: str, ids: Ids) -> Ranks:
    pairs = known_pairs((pair for pair, said in decisions.links.items() if said == verdict), ids)
    ends: Any = np.array(pairs, np.int64).reshape(-1, 2)
    return _keys(ends[:, 0], ends[:, 1], count=len(ids))


def _keys(query: Ranks, result: Ranks, *, count: int) -> Ranks:
    keys: Ranks = np.minimum(query, result).astype(np.int64) * count + np.maximum(query, result)
    return keys
