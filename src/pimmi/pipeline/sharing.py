"""What two studies share: links between the images of one and those of the other; neither of them changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pimmi.errors import PimmiError
from pimmi.index.codebook import load_codebook
from pimmi.matching.blocks import RELATIONS, Links
from pimmi.outputs.tables import SHARED
from pimmi.pipeline.comparing import image_block
from pimmi.pipeline.crew import crew
from pimmi.pipeline.searching import converse, inverted
from pimmi.progress import Progress
from pimmi.settings import MatchingSettings
from pimmi.study.catalogue import Catalogue, id_array
from pimmi.study.layout import ShardPair, StudyFolder
from pimmi.study.links import TRANSFORM
from pimmi.study.shards import Shard, read_shard, taken
from pimmi.study.sorting import sorted_by
from pimmi.study.tables import IDENTICAL, IDENTITY, SCORE_OF_EXACT_COPIES, VARIANTS
from pimmi.workers.outcome import Crashed, Failed, Pool

Rows = NDArray[np.int64]
ENDS = ("query_id", "result_id")
_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys((*ENDS, "relation", "variant"), pa.string()),
    "nb_match_ransac": pa.int32(),
    **dict.fromkeys(("score", *TRANSFORM, "query_coverage", "result_coverage"), pa.float64()),
    **dict.fromkeys(("agreement", "conflict", "confidence"), pa.float64()),
}
_SCHEMA = pa.schema(_COLUMNS)


@dataclass(frozen=True, slots=True)
class ShareTask:
    """A shard of one study and one of the other, and the rows of each whose images a file holds."""

    folders: tuple[StudyFolder, StudyFolder]
    pair: ShardPair
    rows: tuple[Rows, Rows]
    settings: MatchingSettings


def shared_table(
    folder: StudyFolder,
    other: StudyFolder,
    *,
    settings: MatchingSettings,
    workers: int | Pool | None,
    progress: Progress,
) -> pa.Table:
    """The table `SHARED` (`pimmi.outputs.tables`).

    The caller has compared settings and codebooks, and keeps others from changing the studies: shards come and go when
    they are, and what says that workers on Dask are wanted lies in the first study.
    """
    catalogues = Catalogue.read(folder), Catalogue.read(other)
    images = sum(len(catalogue.images) for catalogue in catalogues)
    asked = replace(settings, minimum_confidence=settings.confidence_among(images))
    tasks = list(_tasks(catalogues, asked))
    total = sum(len(task.rows[0]) * len(task.rows[1]) for task in tasks)
    tables = [_identical(catalogues)]
    if tasks:
        with (
            crew(workers, progress) as pool,
            progress.stage("Matching", total=total, unit="pairs of images") as stage,
        ):
            for outcome in pool.map_unordered(shared_links, tasks):
                if isinstance(outcome, Failed):
                    raise outcome.error
                task = tasks[outcome.index]
                if isinstance(outcome, Crashed):
                    raise PimmiError(
                        f"comparing the shards {task.pair[0]} of {folder.root} and {task.pair[1]} of {other.root} "
                        f"failed, as {outcome.reason}: use fewer --workers, or a machine with more memory"
                    )
                tables.append(outcome.result)
                stage.advance(len(task.rows[0]) * len(task.rows[1]))
    found = pa.concat_tables(tables)
    columns: dict[str, Any] = {name: found.column(name) for name in found.column_names}
    for end, catalogue in zip(("query", "result"), catalogues, strict=True):
        ranks: Any = pa.array(np.searchsorted(catalogue.ids, id_array(found, f"{end}_id")))
        columns[f"{end}_path"] = (
            catalogue.readable_files.column("path").take(catalogue.first_files).take(ranks)
        )
    table = pa.table({name: columns[name] for name in SHARED.columns})
    return sorted_by(table, "query_path", "result_path")


def _tasks(catalogues: tuple[Catalogue, Catalogue], settings: MatchingSettings) -> Iterator[ShareTask]:
    """The largest first."""
    folders = catalogues[0].folder.absolute(), catalogues[1].folder.absolute()
    rows = [catalogue.rows_by_shard for catalogue in catalogues]
    pairs = [(first, second) for first in rows[0] for second in rows[1]]
    for first, second in sorted(
        pairs, key=lambda pair: (-len(rows[0][pair[0]]) * len(rows[1][pair[1]]), pair)
    ):
        yield ShareTask(folders, (first, second), (rows[0][first], rows[1][second]), settings)


def shared_links(task: ShareTask) -> pa.Table:
    """The links between the images of two shards of two studies, under the ids of their images.

    An image that is in both is compared with all others of both: that it links images of one study, too, is nothing
    to the rest.
    """
    first, second = (
        taken(read_shard(folder.shard(number)), rows)
        for folder, number, rows in zip(task.folders, task.pair, task.rows, strict=True)
    )
    ids = [np.array(shard.ids) for shard in (first, second)]
    twins = [np.flatnonzero(np.isin(own, other)) for own, other in ((ids[0], ids[1]), (ids[1], ids[0]))]
    if not len(twins[0]):
        return _links(first, second, task.settings)
    others = [np.setdiff1d(np.arange(len(own)), twin) for own, twin in zip(ids, twins, strict=True)]
    both = taken(first, twins[0])
    tables = [
        _links(first, taken(second, others[1]), task.settings),
        _links(taken(first, others[0]), both, task.settings),
    ]
    return pa.concat_tables([*tables, *_links_among(both, task.settings)])


def _links(first: Shard, second: Shard, settings: MatchingSettings) -> pa.Table:
    """The links from images of one shard to those of another, which has none of them."""
    from pimmi.matching.match import match_blocks

    if not len(first) or not len(second):
        return _SCHEMA.empty_table()
    blocks = [image_block(shard, settings=settings) for shard in (first, second)]
    ids = first.ids + second.ids
    return pa.concat_tables(
        _described(links, ids, turned=links.query >= len(first), settings=settings)
        for links in match_blocks(*blocks, settings=settings, codebook=load_codebook(settings.codebook))
    )


def _links_among(shard: Shard, settings: MatchingSettings) -> list[pa.Table]:
    """The links inside a shard, in both directions: each of its images is in both studies."""
    from pimmi.matching.match import match_blocks

    block = image_block(shard, settings=settings)
    return [
        _described(links, shard.ids, turned=np.full(len(links), turned), settings=settings)
        for links in match_blocks(block, None, settings=settings, codebook=load_codebook(settings.codebook))
        for turned in (False, True)
    ]


def _described(
    links: Links, ids: list[str], *, turned: NDArray[np.bool_], settings: MatchingSettings
) -> pa.Table:
    """The links that are sure enough, with query and result changed where `turned`."""
    kept = np.flatnonzero(links.confidence >= settings.minimum_confidence)
    turned = turned[kept]
    ends = np.stack([links.query[kept], links.result[kept]])
    coverages = np.stack([links.query_coverage[kept], links.result_coverage[kept]])
    places, transforms = np.arange(len(kept)), links.transform[kept].copy()
    for row in np.flatnonzero(turned).tolist():
        transforms[row] = inverted(transforms[row])
    relations = [RELATIONS[number] for number in links.relation[kept].tolist()]
    columns: dict[str, Any] = {
        "query_id": [ids[row] for row in ends[turned.astype(int), places]],
        "result_id": [ids[row] for row in ends[1 - turned.astype(int), places]],
        "relation": [
            converse(relation) if turn else relation
            for relation, turn in zip(relations, turned.tolist(), strict=True)
        ],
        "variant": [VARIANTS[number] for number in links.change[kept].tolist()],
        "score": links.score[kept],
        "nb_match_ransac": links.inliers[kept],
        **{name: transforms[:, place] for place, name in enumerate(TRANSFORM)},
        "query_coverage": coverages[turned.astype(int), places],
        "result_coverage": coverages[1 - turned.astype(int), places],
        **{name: getattr(links, name)[kept] for name in ("agreement", "conflict", "confidence")},
    }
    return _table(columns)


def _identical(catalogues: tuple[Catalogue, Catalogue]) -> pa.Table:
    """A row for each image that is in both studies, byte for byte."""
    first, second = catalogues
    same = np.flatnonzero(np.isin(first.ids, second.ids))
    ids = first.ids[same].astype(str).tolist()
    columns: dict[str, Any] = {name: np.full(len(ids), 1.0) for name in _SCHEMA.names}
    columns |= dict.fromkeys(ENDS, ids)
    columns |= {"relation": [IDENTICAL] * len(ids), "variant": [VARIANTS[0]] * len(ids)}
    columns |= {"score": np.full(len(ids), SCORE_OF_EXACT_COPIES), "conflict": np.zeros(len(ids))}
    columns["nb_match_ransac"] = first.images.column("nb_points").to_numpy()[same]
    columns |= {name: np.full(len(ids), value) for name, value in zip(TRANSFORM, IDENTITY, strict=True)}
    return _table(columns)


def _table(columns: dict[str, Any]) -> pa.Table:
    return pa.table([pa.array(columns[field.name], field.type) for field in _SCHEMA], schema=_SCHEMA)
