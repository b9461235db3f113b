"""The tables of groups: clusters, elements, memberships, and which links are common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.decisions.apply import decided_labels
from pimmi.decisions.elements import marked_elements
from pimmi.decisions.model import Decisions
from pimmi.grouping.clusters import cluster_rows
from pimmi.grouping.communities import renumbered
from pimmi.grouping.evidence import Groups, Judged
from pimmi.grouping.members import Members, Shown, find_members, most_complete
from pimmi.matching.blocks import PART_SIDE
from pimmi.study.catalogue import Catalogue, Ids, id_array
from pimmi.study.groups import (
    BOX,
    CLUSTERS_SCHEMA,
    COMMON_SCHEMA,
    ELEMENTS_SCHEMA,
    MEMBERSHIPS_SCHEMA,
    VARIANT_COUNTS,
    GroupTables,
)
from pimmi.study.links import TRANSFORM
from pimmi.study.sorting import sorted_by
from pimmi.study.standing import stood_for

FRAME_SPAN = 0.75
"""Share of an image's width and height that a common element spans, in most images, if it is a frame."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def group_tables(
    groups: Groups,
    judged: Judged,
    rows: pa.Table,
    *,
    catalogue: Catalogue,
    images: Ints,
    decisions: Decisions,
) -> GroupTables:
    """The tables of the groups of the images of some ranks, with what a person decided.

    `rows` are those of the links in the link files, but for what has judged them.
    """
    ids = catalogue.ids[images]
    sides = np.column_stack(
        [catalogue.images.column(name).to_numpy()[images] for name in ("width", "height")]
    )
    pixels = sides.prod(axis=1).astype(np.float64)
    shown = _shown(judged, rows)
    bytes_ = _bytes(catalogue)[images]
    members = find_members(groups, shown, pixels=pixels, bytes_=bytes_)
    names = _element_names(members, groups, ids)
    boxes = _boxes(members.masks, sides[members.images])
    if decisions.elements:
        groups = _marked(groups, members, names=names, boxes=boxes, ids=ids, decisions=decisions)
        members = find_members(groups, shown, pixels=pixels, bytes_=bytes_)
    clusters = _clusters(groups, judged, shown, ids=ids, pixels=pixels, bytes_=bytes_, decisions=decisions)
    degrees = _degrees_in_files(clusters, judged, groups, catalogue.nb_files[images], ids=ids)
    clusters = clusters.set_column(clusters.column_names.index("degree"), "degree", degrees)
    common = np.flatnonzero(~groups.copy & ~judged.weak)
    return GroupTables(
        clusters=clusters.select(CLUSTERS_SCHEMA.names),
        elements=_elements(members, groups, names=names, boxes=boxes, ids=ids, sides=sides),
        memberships=_memberships(members, names=names, boxes=boxes, ids=ids),
        links=_table(
            COMMON_SCHEMA,
            query_id=_texts(ids[judged.queries[common]]),
            result_id=_texts(ids[judged.results[common]]),
        ),
    )


def _bytes(catalogue: Catalogue) -> Floats:
    """float64 (n,): the size of each image's file."""
    sizes: Floats = (
        catalogue.readable_files.column("bytes").to_numpy()[catalogue.first_files].astype(np.float64)
    )
    return sizes


def _shown(judged: Judged, rows: pa.Table) -> Shown:
    columns = {name: rows.column(name).to_numpy() for name in rows.column_names}
    return Shown(
        queries=judged.queries,
        results=judged.results,
        transforms=np.column_stack([columns[name] for name in TRANSFORM]),
        changes=columns["change"],
        scores=columns["score"],
        inliers=columns["inliers"].astype(np.int64),
        query_coverage=columns["query_coverage"],
        result_coverage=columns["result_coverage"],
    )


def _element_names(members: Members, groups: Groups, ids: Ids) -> list[str]:
    """The smallest image id of each element, and its number among the elements that have the same."""
    first = np.searchsorted(members.elements, np.arange(len(groups.common)))
    owner = members.images[first]
    order = np.lexsort((members.masks[first], groups.common, owner))
    starts = np.diff(owner[order], prepend=-1) > 0
    place = np.arange(len(order))
    number = place - np.maximum.accumulate(np.where(starts, place, 0)) + 1
    names = [""] * len(order)
    for element, each in zip(order.tolist(), number.tolist(), strict=True):
        names[element] = f"{ids[owner[element]].decode()}.{each}"
    return names


def _boxes(masks: NDArray[np.uint64], sides: NDArray[Any]) -> Floats:
    """float64 (k, 4), x0 y0 x1 y1 in pixels: the smallest box that holds all cells of a mask."""
    bits: NDArray[np.uint8] = np.unpackbits(
        np.ascontiguousarray(masks).view(np.uint8).reshape(-1, PART_SIDE), axis=1, bitorder="little"
    )
    cells = bits.reshape(-1, PART_SIDE, PART_SIDE).astype(bool)
    boxes = np.empty((len(masks), 4))
    for axis, (low, high) in enumerate(((0, 2), (1, 3))):
        used: NDArray[np.bool_] = np.any(cells, axis=1 + axis)
        boxes[:, low] = used.argmax(axis=1)
        boxes[:, high] = PART_SIDE - used[:, ::-1].argmax(axis=1)
    placed: Floats = np.round(boxes * np.tile(sides, 2) / PART_SIDE, 1)
    return placed


def _marked(
    groups: Groups, members: Members, *, names: list[str], boxes: Floats, ids: Ids, decisions: Decisions
) -> Groups:
    from pimmi.grouping.groups import with_common

    rows = zip(members.elements.tolist(), members.images.tolist(), boxes.tolist(), strict=True)
    marks = marked_elements(
        ((names[element], ids[image].decode(), tuple(box)) for element, image, box in rows),
        decisions=decisions,
    )
    common = np.array(
        [marks.get(name, found) for name, found in zip(names, groups.common.tolist(), strict=True)]
    )
    return with_common(groups, common.astype(bool))


def _clusters(
    groups: Groups,
    judged: Judged,
    shown: Shown,
    *,
    ids: Ids,
    pixels: Floats,
    bytes_: Floats,
    decisions: Decisions,
) -> pa.Table:
    copies = np.flatnonzero(groups.copy)
    queries, results = judged.queries[copies], judged.results[copies]
    labels = renumbered(decided_labels(groups.clusters, ids=ids, decisions=decisions))
    collapsed = stood_for(judged.results[judged.near], images=len(ids))
    clusters = cluster_rows(_texts(ids), labels, queries, results, collapsed=collapsed)
    members = np.searchsorted(ids, id_array(clusters))
    labels = np.full(len(ids), -1)
    labels[members] = np.unique(id_array(clusters, "cluster_id"), return_inverse=True)[1]
    inside = (labels[queries] == labels[results]) & (labels[queries] >= 0)
    best = most_complete(
        labels,
        queries[inside],
        results[inside],
        shown.shared[copies[inside]],
        shown.inliers[copies[inside]],
        pixels=pixels,
        bytes_=bytes_,
        groups=int(labels.max(initial=-1)) + 1,
    )
    return clusters.append_column("representative", pa.array(best[labels[members]] == members))


def _degrees_in_files(
    clusters: pa.Table, judged: Judged, groups: Groups, files: Ints, *, ids: Ids
) -> pa.Array[Any]:
    """With how many files of its cluster each image is linked; byte-identical files are linked as well."""
    members = np.searchsorted(ids, id_array(clusters))
    rank = np.zeros(len(ids), np.int64)
    rank[members] = clusters.column("cluster_rank").to_numpy()
    queries, results = judged.queries[groups.copy], judged.results[groups.copy]
    inside = (rank[queries] == rank[results]) & (rank[queries] > 0)
    degrees = files - 1
    for one, other in ((queries[inside], results[inside]), (results[inside], queries[inside])):
        degrees = degrees + np.bincount(one, files[other], minlength=len(ids)).astype(np.int64)
    return pa.array(degrees[members], pa.int32())


def _elements(
    members: Members, groups: Groups, *, names: list[str], boxes: Floats, ids: Ids, sides: NDArray[Any]
) -> pa.Table:
    count = len(names)
    sizes = np.bincount(members.elements, minlength=count)
    best = members.representatives
    variants = np.zeros((count, len(VARIANT_COUNTS)), np.int64)
    np.add.at(variants, (members.elements, members.changes), 1)
    table = _table(
        ELEMENTS_SCHEMA,
        element_id=names,
        size=sizes,
        kind=_kinds(members, groups, boxes, sides),
        common=groups.common,
        representative=_texts(ids[members.images[best]]),
        **{name: boxes[best, place] for place, name in enumerate(BOX)},
        **{name: variants[:, place] for place, name in enumerate(VARIANT_COUNTS)},
    )
    return sorted_by(table, "element_id")


def _kinds(members: Members, groups: Groups, boxes: Floats, sides: NDArray[Any]) -> list[str]:
    """frame or mark for a common element; picture for one that is the main one of an image, else part."""
    count = len(groups.common)
    spans = (boxes[:, 2:] - boxes[:, :2]) / sides[members.images]
    wide = np.bincount(members.elements, (spans >= FRAME_SPAN).all(axis=1), minlength=count)
    is_frame = 2 * wide > np.bincount(members.elements, minlength=count)
    is_main = np.bincount(members.elements, members.main, minlength=count) > 0
    kinds: list[str] = np.where(
        groups.common, np.where(is_frame, "frame", "mark"), np.where(is_main, "picture", "part")
    ).tolist()
    return kinds


def _memberships(members: Members, *, names: list[str], boxes: Floats, ids: Ids) -> pa.Table:
    table = _table(
        MEMBERSHIPS_SCHEMA,
        image_id=_texts(ids[members.images]),
        element_id=[names[element] for element in members.elements.tolist()],
        **{name: boxes[:, place] for place, name in enumerate(BOX)},
        coverage=members.coverage,
        **{name: members.transforms[:, place] for place, name in enumerate(TRANSFORM)},
        main=members.main,
    )
    return sorted_by(table, "element_id", "image_id")


def _table(schema: pa.Schema, **columns: Any) -> pa.Table:
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def _texts(ids: Ids) -> list[str]:
    texts: list[str] = ids.astype(str).tolist()
    return texts
