"""The tables of a study (`pimmi.outputs.tables`): the same for the same files and settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.matching.blocks import RELATIONS
from pimmi.outputs.tables import TABLES
from pimmi.study.catalogue import Catalogue, LinkEnds, id_array
from pimmi.study.groups import is_grouped, read_clusters, read_group
from pimmi.study.links import TRANSFORM
from pimmi.study.reading import values
from pimmi.study.sorting import sorted_by

Ints = NDArray[np.int64]

COPY, COMMON = "copy", "common"
IDENTICAL = "identical"
"""The relation of files that are the same byte for byte."""
VARIANTS = ("plain", "mirror", "negative", "mirror-negative")
"""The names of the changes, by number (`pimmi.matching.blocks.Links`)."""
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SCORE_OF_EXACT_COPIES = 10_000.0
ROWS_AT_ONCE = 500_000
"""Rows of the links table that are in memory at once while it is written."""
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


def link_batches(
    catalogue: Catalogue, *, minimum_confidence: float, rows: int = ROWS_AT_ONCE
) -> Iterator[pa.Table]:
    """One row for each pair of linked images, under their first paths, and for each byte-identical file.

    So many rows are in memory at a time; there is one batch, without rows, if there are no links.
    """
    ends = catalogue.link_ends(minimum_confidence=minimum_confidence)
    later, firsts, count = catalogue.later_files, catalogue.first_files, len(ends.query)
    queries = np.concatenate([firsts[ends.query], firsts[catalogue.file_ranks[later]]])
    results = np.concatenate([firsts[ends.result], later])
    order = np.lexsort((results, queries))
    paths = catalogue.readable_files.column("path")
    for start in range(0, max(1, len(order)), rows):
        batch = order[start : start + rows]
        linked, exact = np.flatnonzero(batch < count), np.flatnonzero(batch >= count)
        columns = _of_linked(catalogue, ends, batch[linked], minimum_confidence=minimum_confidence)
        more = _of_exact_copies(catalogue, later[batch[exact] - count])
        places = np.argsort(np.concatenate([linked, exact]))
        table = _table(
            "links",
            {
                "query_path": paths.take(queries[batch]),
                "result_path": paths.take(results[batch]),
                **{name: _joined(columns.pop(name), more.pop(name)).take(places) for name in list(columns)},
            },
        )
        yield table
        del table


def _of_linked(
    catalogue: Catalogue, ends: LinkEnds, links: Ints, *, minimum_confidence: float
) -> dict[str, Any]:
    """The columns of the links table, but for the paths, of some links."""
    same = ("score", *TRANSFORM, "query_coverage", "result_coverage", "agreement", "conflict", "confidence")
    rows = catalogue.link_rows(
        ends.stored[links],
        minimum_confidence=minimum_confidence,
        columns=("relation", "change", "inliers", *same),
    )
    return {
        "type": _types(catalogue, ends.query[links], ends.result[links]),
        "relation": pa.array(RELATIONS).take(rows.column("relation").cast(pa.int64())),
        "variant": pa.array(VARIANTS).take(rows.column("change").cast(pa.int64())),
        "nb_match_ransac": rows.column("inliers"),
        **{name: rows.column(name) for name in same},
    }


def count_links(catalogue: Catalogue, *, minimum_confidence: float) -> tuple[int, int]:
    """How many rows of the links table are copies, and how many are common; raises StudyError if it isn't grouped."""
    ends = catalogue.link_ends(minimum_confidence=minimum_confidence)
    grouped = read_group(catalogue.folder, "links")
    common = int(np.count_nonzero(are_common(catalogue, ends.query, ends.result, grouped)))
    return len(ends.query) - common + len(catalogue.later_files), common


def _types(catalogue: Catalogue, queries: Ints, results: Ints) -> pa.Array[Any]:
    """copy or common, for each link between two ranks; null if the study isn't grouped."""
    if not is_grouped(catalogue.folder):
        return pa.nulls(len(queries), pa.string())
    common = are_common(catalogue, queries, results, read_group(catalogue.folder, "links"))
    return pa.array(np.where(common, COMMON, COPY))


def are_common(catalogue: Catalogue, queries: Ints, results: Ints, common: pa.Table) -> NDArray[np.bool_]:
    """Whether each link between two ranks is among the `common` ones, rows of `pimmi.study.groups.COMMON_SCHEMA`."""
    known = catalogue.images.column("image_id").combine_chunks()
    ends = [
        np.asarray(pc.index_in(common.column(name), value_set=known).to_numpy(), np.int64)
        for name in ("query_id", "result_id")
    ]
    count = len(catalogue.images)
    found: NDArray[np.bool_] = np.isin(queries * count + results, ends[0] * count + ends[1])
    return found


def elements_table(catalogue: Catalogue) -> pa.Table:
    """Every element, the largest first, then by id; raises StudyError if the study isn't grouped."""
    elements = read_group(catalogue.folder, "elements")
    ranks = np.searchsorted(catalogue.ids, id_array(elements, "representative"))
    columns: dict[str, Any] = {name: elements.column(name) for name in elements.column_names}
    columns["representative_path"] = _first_paths(catalogue).take(ranks)
    return sorted_by(_table("elements", columns), ("size", "descending"), "element_id")


def memberships_table(catalogue: Catalogue) -> pa.Table:
    """Every image of every element, by path; raises StudyError if the study isn't grouped."""
    members = read_group(catalogue.folder, "memberships")
    columns: dict[str, Any] = {name: members.column(name) for name in members.column_names}
    columns["path"] = _first_paths(catalogue).take(np.searchsorted(catalogue.ids, id_array(members)))
    return sorted_by(_table("memberships", columns), "path", "element_id")


def _first_paths(catalogue: Catalogue) -> pa.ChunkedArray[Any]:
    return catalogue.readable_files.column("path").take(catalogue.first_files)


def clusters_table(catalogue: Catalogue) -> pa.Table:
    """Every file of a cluster, the largest cluster first, then by path.

    Byte-identical files count as linked with each other. Raises StudyError if the study isn't grouped.
    """
    grouped = read_clusters(catalogue.folder)
    names, cluster, degree, quality = clusters_of_images(catalogue, grouped)
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
        "representative": pa.array(_stands(catalogue, grouped, image, files)),
        "also_in": pa.array(_also_in(catalogue, cluster, names)).take(image),
    }
    return _table("clusters", columns)


def _stands(catalogue: Catalogue, grouped: pa.Table, image: Ints, files: Ints) -> NDArray[np.bool_]:
    """Whether each file is the first one of its cluster's representative."""
    stands = np.ones(len(catalogue.images), bool)
    stands[np.searchsorted(catalogue.ids, id_array(grouped))] = grouped.column("representative").to_numpy()
    first: NDArray[np.bool_] = catalogue.first_files[image] == files
    return stands[image] & first


def _also_in(catalogue: Catalogue, cluster: Ints, names: NDArray[np.bytes_]) -> list[str | None]:
    """For each image, the ids of the other clusters of whose main elements it shows a part."""
    members = read_group(catalogue.folder, "memberships")
    ranks = np.searchsorted(catalogue.ids, id_array(members))
    elements, element = np.unique(np.array(values(members, "element_id"), dtype="S"), return_inverse=True)
    main = members.column("main").to_numpy()
    there = home_clusters(element, main, cluster[ranks], elements=len(elements))[element]
    (guest,) = np.nonzero((there >= 0) & (there != cluster[ranks]))
    found: list[set[str]] = [set() for _ in range(len(catalogue.images))]
    for rank, other in zip(ranks[guest].tolist(), there[guest].tolist(), strict=True):
        found[rank].add(names[other].decode())
    return [" ".join(sorted(others)) or None for others in found]


def home_clusters(element: Ints, main: NDArray[np.bool_], cluster: Ints, *, elements: int) -> Ints:
    """For each element, the cluster of which it is the main one (-1: none).

    `element`, `main` and `cluster` are of memberships: the element, whether it is the image's main one, and the cluster
    of the image, -1 for none.
    """
    home = np.full(elements, -1)
    (own,) = np.nonzero(main & (cluster >= 0))
    home[element[own][::-1]] = cluster[own][::-1]
    return home


def clusters_of_images(
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


def _joined(found: Any, exact: Any) -> pa.Array[Any]:
    chunks = found.chunks if isinstance(found, pa.ChunkedArray) else [found]
    more = exact.chunks if isinstance(exact, pa.ChunkedArray) else [exact]
    return pa.concat_arrays([*chunks, *more])


def _of_exact_copies(catalogue: Catalogue, files: Ints) -> dict[str, Any]:
    """The same columns of some byte-identical files, each linked with the first of them."""
    ranks = catalogue.file_ranks[files]
    ones = pa.array(np.ones(len(files)))
    return {
        "type": pa.array([COPY] * len(files), pa.string()),
        "relation": pa.array([IDENTICAL] * len(files), pa.string()),
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


def _table(name: str, columns: dict[str, pa.ChunkedArray[Any] | pa.Array[Any]]) -> pa.Table:
    """The columns in the order in which they are described."""
    return pa.table({column: columns[column] for column in TABLES[name].columns})
