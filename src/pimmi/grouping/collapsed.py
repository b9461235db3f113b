"""Images for which near-exact copies stand: they join the groups of those.

n near-exact copies of one picture have few links for their number, since only some of them are matched. So they take
no part in grouping. Afterwards each gets the main element of the smallest of those that stand for it, and is in its
cluster.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pimmi.grouping.communities import renumbered
from pimmi.grouping.evidence import Evidence, Groups
from pimmi.study.standing import stood_for

Ints = NDArray[np.int64]


def visible_links(evidence: Evidence) -> Ints:
    """The places of the links with no end for which others stand."""
    away = stood_for(evidence.results[evidence.near], images=evidence.images)
    return np.flatnonzero(~away[evidence.queries] & ~away[evidence.results])


def with_collapsed(groups: Groups, evidence: Evidence, visible: Ints) -> Groups:
    """The groups with the images of the other links; `groups` are those of the `visible` links of the evidence.

    All other links are of near-exact copies, and copies therefore.
    """
    is_hidden = np.ones(len(evidence), bool)
    is_hidden[visible] = False
    (hidden,) = np.nonzero(is_hidden)
    hidden = hidden[np.lexsort((evidence.queries[hidden], evidence.results[hidden]))]
    of_link = np.full((2, len(evidence)), -1)
    of_link[:, visible] = groups.of_query, groups.of_result
    copy = np.ones(len(evidence), bool)
    copy[visible] = groups.copy
    main = np.full(evidence.images, -1)
    (mains,) = np.nonzero(groups.part_main)
    main[groups.part_images[mains]] = mains
    main_elements = np.full(evidence.images, -1)
    main_elements[groups.part_images[mains]] = groups.part_elements[mains]
    clusters = groups.clusters.copy()
    room = 2 * len(hidden)
    images, masks, elements = np.empty(room, np.int64), np.empty(room, np.uint64), np.empty(room, np.int64)
    ends = np.empty((2, len(hidden)), np.int64)
    parts, founded = _attach(
        evidence.queries[hidden], evidence.results[hidden], evidence.query_part[hidden],
        evidence.result_part[hidden], len(groups.part_elements), len(groups.common), main, main_elements, clusters,
        images, masks, elements, ends,
    )  # fmt: skip
    of_link[:, hidden] = ends
    return replace(
        groups,
        clusters=renumbered(clusters),
        copy=copy,
        part_images=np.concatenate([groups.part_images, images[:parts]]),
        part_masks=np.concatenate([groups.part_masks, masks[:parts]]),
        part_elements=np.concatenate([groups.part_elements, elements[:parts]]),
        part_main=np.concatenate([groups.part_main, np.ones(parts, bool)]),
        common=np.concatenate([groups.common, np.zeros(founded, bool)]),
        of_query=of_link[0],
        of_result=of_link[1],
    )


@njit(cache=True, nogil=True)
def _attach(  # type: ignore[no-untyped-def]
    queries, results, query_masks, result_masks, parts_before, elements_before, main, main_elements, clusters,
    images, masks, elements, ends,
):  # fmt: skip
    """Give a main part to the images that have none; returns how many parts and elements are new.

    `main` is the main part of each image, -1 for none, and `main_elements` its element; new parts and elements are
    numbered on from the others.
    """
    parts = founded = 0
    for link in range(len(queries)):
        query, result = queries[link], results[link]
        if main[query] < 0 and main[result] < 0:
            images[parts], masks[parts] = query, query_masks[link]
            elements[parts] = main_elements[query] = elements_before + founded
            main[query] = parts_before + parts
            founded += 1
            parts += 1
        if main[query] < 0 or main[result] < 0:
            has, lacks, mask = query, result, result_masks[link]
            if main[query] < 0:
                has, lacks, mask = result, query, query_masks[link]
            images[parts], masks[parts] = lacks, mask
            elements[parts] = main_elements[lacks] = main_elements[has]
            main[lacks] = parts_before + parts
            clusters[lacks] = clusters[has]
            parts += 1
        same = main_elements[query] == main_elements[result]
        ends[0, link] = main[query] if same else -1
        ends[1, link] = main[result] if same else -1
    return parts, founded
