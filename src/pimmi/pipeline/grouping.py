"""Grouping: from all links to elements and clusters; or again for some images, after a decision on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.decisions.apply import decided_links, known_pairs
from pimmi.decisions.model import Decisions
from pimmi.decisions.store import read_decisions
from pimmi.grouping.evidence import Evidence
from pimmi.pipeline.apart import run_apart
from pimmi.pipeline.renewing import renew
from pimmi.pipeline.tabling import group_tables
from pimmi.progress import Progress
from pimmi.settings import GroupingSettings, MatchingSettings, Settings
from pimmi.study.catalogue import Catalogue, Links, id_array
from pimmi.study.groups import GroupTables, check_matched, grouped_with, read_groups, write_groups
from pimmi.study.layout import StudyFolder
from pimmi.study.links import TRANSFORM
from pimmi.study.sorting import sorted_by

EVIDENCE_COLUMNS = (
    "agreement", "conflict", "query_part", "result_part", "query_other", "result_other", "confidence", "near",
)  # fmt: skip
"""What tells which images belong together."""
SHOWN_COLUMNS = ("change", "score", "inliers", *TRANSFORM, "query_coverage", "result_coverage")
"""What the tables take of links, once that is known."""


@dataclass(frozen=True, slots=True)
class GroupTask:
    """A study whose images are all compared."""

    folder: StudyFolder
    settings: Settings


def group_images(folder: StudyFolder, *, settings: Settings, progress: Progress) -> None:
    """Write the groups of a study whose images are all compared; raises StudyError if some are not.

    What a person decided is applied. The caller holds the study's lock.
    """
    renew(folder)
    check_matched(folder)
    with progress.stage("Grouping", total=None, unit="links") as stage:
        stage.advance(run_apart(group_all, GroupTask(folder, settings), what="grouping"))


def group_all(task: GroupTask) -> int:
    """Write the groups; returns how many links the study has."""
    catalogue = Catalogue.read(task.folder)
    ends = catalogue.link_ends(minimum_confidence=0.0)

    def links_with(columns: Sequence[str]) -> Links:
        rows = catalogue.link_rows(ends.stored, minimum_confidence=0.0, columns=columns)
        return Links(query=ends.query, result=ends.result, rows=rows)

    matching = task.settings.matching
    tables = _grouped(
        catalogue,
        links_with,
        images=np.arange(len(catalogue.images)),
        matching=matching,
        settings=task.settings.grouping,
        decisions=read_decisions(task.folder),
    )
    write_groups(tables, task.folder, settings=task.settings.grouping, matching=matching)
    return len(ends.query)


def regroup_images(
    catalogue: Catalogue, links: Links, *, images: NDArray[np.int64], matching: MatchingSettings
) -> GroupTables:
    """Group some images again, in the way in which all were, with all that links or decisions join to them.

    `links` are all of the study, weak ones as well; `images` are ranks. The groups of all others stay, and the result
    is what grouping all would give: it is written, and returned. The caller holds the study's lock.
    """
    folder = catalogue.folder
    before = read_groups(folder)
    decisions = read_decisions(folder)
    images = _joined(images, links, catalogue=catalogue, decisions=decisions)
    inside = np.flatnonzero(np.isin(links.query, images))
    settings = grouped_with(before.clusters)
    query, result, rows = links.query[inside], links.result[inside], links.rows.take(inside)
    renewed = _grouped(
        catalogue,
        lambda columns: Links(query=query, result=result, rows=rows.select(list(columns))),
        images=images,
        matching=matching,
        settings=settings,
        decisions=decisions,
    )
    tables = _replaced(before, renewed, ids=catalogue.ids[images])
    write_groups(tables, folder, settings=settings, matching=matching)
    return tables


def _joined(
    images: NDArray[np.int64], links: Links, *, catalogue: Catalogue, decisions: Decisions
) -> NDArray[np.int64]:
    """The images that chains of links or decisions join to some images, with these; rising."""
    from pimmi.grouping.communities import connected_components

    together: Any = np.array(known_pairs(decisions.together, catalogue.ids), np.int64).reshape(-1, 2)
    labels = connected_components(
        np.concatenate([links.query, together[:, 0]]),
        np.concatenate([links.result, together[:, 1]]),
        nodes=len(catalogue.images),
    )
    return np.flatnonzero(np.isin(labels, labels[images]))


def _grouped(
    catalogue: Catalogue,
    links_with: Callable[[Sequence[str]], Links],
    *,
    images: NDArray[np.int64],
    matching: MatchingSettings,
    settings: GroupingSettings,
    decisions: Decisions,
) -> GroupTables:
    """The groups of the images of some ranks; `links_with` gives some columns of all links between them, undecided.

    Of many links, what has told which images belong together is dropped before the rest is read.
    """
    from pimmi.grouping.groups import find_groups

    evidence = _evidence(
        decided_links(links_with(EVIDENCE_COLUMNS), ids=catalogue.ids, decisions=decisions),
        images=images,
        minimum_confidence=matching.confidence_among(len(catalogue.images)),
    )
    groups = find_groups(evidence, algorithm=settings.algorithm, resolution=settings.resolution)
    judged = evidence.judged
    del evidence
    links = decided_links(links_with(SHOWN_COLUMNS), ids=catalogue.ids, decisions=decisions)
    return group_tables(groups, judged, links.rows, catalogue=catalogue, images=images, decisions=decisions)


def _evidence(links: Links, *, images: NDArray[np.int64], minimum_confidence: float) -> Evidence:
    """The links between images, by their place among `images`; a link below the minimum confidence is weak."""
    names = ("agreement", "conflict", "query_part", "result_part", "query_other", "result_other")
    confidence = links.rows.column("confidence").to_numpy()
    return Evidence(
        images=len(images),
        queries=np.searchsorted(images, links.query),
        results=np.searchsorted(images, links.result),
        confidence=confidence,
        weak=confidence < minimum_confidence,
        near=links.rows.column("near").to_numpy(),
        **{name: links.rows.column(name).to_numpy() for name in names},
    )


def _replaced(before: GroupTables, renewed: GroupTables, *, ids: NDArray[np.bytes_]) -> GroupTables:
    """The tables with the rows of some images, which no element or cluster shares with others, renewed."""
    changed: Any = pa.array(ids.astype(str).tolist(), pa.string())

    def merged(name: str, column: str) -> pa.Table:
        old, new = getattr(before, name), getattr(renewed, name)
        kept = old.filter(pc.invert(pc.is_in(old.column(column), value_set=changed)))
        tables = [kept.replace_schema_metadata(None), new.select(kept.column_names)]
        return pa.concat_tables(tables).combine_chunks()

    return replace(
        renewed,
        clusters=_largest_first(merged("clusters", "image_id")),
        elements=sorted_by(merged("elements", "representative"), "element_id"),
        memberships=sorted_by(merged("memberships", "image_id"), "element_id", "image_id"),
        links=sorted_by(merged("links", "query_id"), "query_id", "result_id"),
    )


def _largest_first(clusters: pa.Table) -> pa.Table:
    """The cluster of most images first, then by its id, then by image."""
    names = id_array(clusters, "cluster_id")
    _, label, sizes = np.unique(names, return_inverse=True, return_counts=True)
    return clusters.take(np.lexsort((id_array(clusters), names, -sizes[label])))
