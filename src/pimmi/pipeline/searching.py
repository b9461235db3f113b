"""Searching: the copies of one image among those of a study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimmi.images.identify import image_id, read_file
from pimmi.index.codebook import load_codebook
from pimmi.matching.blocks import RELATIONS, Links
from pimmi.matching.match import match_blocks
from pimmi.pipeline.comparing import image_block
from pimmi.pipeline.reading import describe
from pimmi.settings import Settings
from pimmi.study.catalogue import Catalogue
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values
from pimmi.study.shards import Shard, read_shard, taken
from pimmi.study.tables import IDENTICAL, IDENTITY, SCORE_OF_EXACT_COPIES, VARIANTS

Transform = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A file of the study that shows a part, or all, of the image that was searched (the query).

    `transform` is a11, a12, tx, a21, a22, ty: the pixel (x, y) of the query lies at (a11 x + a12 y + tx,
    a21 x + a22 y + ty) of the file, both at full size and upright. The rest is as in the links table.
    """

    path: str
    image_id: str
    relation: str
    variant: str
    score: float
    nb_match_ransac: int
    transform: Transform
    query_coverage: float
    result_coverage: float
    agreement: float
    conflict: float


def search_image(folder: StudyFolder, image: Path, *, settings: Settings, limit: int) -> list[Hit]:
    """The files that show the same as `image`, exact copies first, then by falling score, then by path.

    Raises UnreadableImage if the image can't be read.
    """
    data = read_file(image, max_bytes=settings.images.max_bytes)
    query = describe(data, image_id(data), settings=settings)
    return search_described(Catalogue.read(folder), query, settings=settings, limit=limit)


def search_described(catalogue: Catalogue, query: Shard, *, settings: Settings, limit: int) -> list[Hit]:
    """What `search_image` gives for the image in `query`, a shard of one."""
    folder = catalogue.folder
    paths = _paths_by_image(catalogue)
    hits = [
        hit
        for number in folder.shard_numbers()
        for hit in _hits_in(read_shard(folder.shard(number)), query, paths, settings=settings)
    ]
    (same,) = query.ids
    return sorted(hits, key=lambda hit: (hit.image_id != same, -hit.score, hit.path))[:limit]


def _paths_by_image(catalogue: Catalogue) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {}
    files = catalogue.readable_files
    for path, name in zip(values(files, "path"), values(files, "image_id"), strict=True):
        paths.setdefault(name, []).append(path)
    return paths


def _hits_in(shard: Shard, query: Shard, paths: dict[str, list[str]], *, settings: Settings) -> Iterator[Hit]:
    (query_id,) = query.ids
    if query_id in shard.ids:
        yield from (_exact_copy(query, path) for path in paths.get(query_id, ()))
        shard = taken(shard, np.flatnonzero(np.array(shard.ids) != query_id))
    links = match_blocks(
        image_block(query, settings=settings.matching),
        image_block(shard, settings=settings.matching),
        settings=settings.matching,
        codebook=load_codebook(settings.matching.codebook),
    )
    ids = shard.ids
    for link in np.flatnonzero(links.confidence >= settings.matching.minimum_confidence):
        result_id = ids[max(links.query[link], links.result[link]) - 1]
        for path in paths.get(result_id, ()):
            yield _hit(links, link, path=path, image_id=result_id)


def _hit(links: Links, link: np.intp, *, path: str, image_id: str) -> Hit:
    asked = links.query[link] == 0
    transform = links.transform[link] if asked else inverted(links.transform[link])
    a11, a12, tx, a21, a22, ty = transform.tolist()
    relation = RELATIONS[links.relation[link]]
    coverages = [float(links.query_coverage[link]), float(links.result_coverage[link])]
    return Hit(
        path=path,
        image_id=image_id,
        relation=relation if asked else converse(relation),
        variant=VARIANTS[links.change[link]],
        score=float(links.score[link]),
        nb_match_ransac=int(links.inliers[link]),
        transform=(a11, a12, tx, a21, a22, ty),
        query_coverage=coverages[0 if asked else 1],
        result_coverage=coverages[1 if asked else 0],
        agreement=float(links.agreement[link]),
        conflict=float(links.conflict[link]),
    )


def _exact_copy(query: Shard, path: str) -> Hit:
    return Hit(
        path=path,
        image_id=query.ids[0],
        relation=IDENTICAL,
        variant=VARIANTS[0],
        score=SCORE_OF_EXACT_COPIES,
        nb_match_ransac=len(query.points),
        transform=IDENTITY,
        query_coverage=1.0,
        result_coverage=1.0,
        agreement=1.0,
        conflict=0.0,
    )


def converse(relation: str) -> str:
    """What the result of a link is to the query, from what the query is to it."""
    return {"contains": "contained", "contained": "contains"}.get(relation, relation)


def inverted(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of an affine transform a11, a12, tx, a21, a22, ty."""
    square = np.vstack([transform.reshape(2, 3), [0.0, 0.0, 1.0]])
    inverse: NDArray[np.float64] = np.linalg.inv(square)[:2].ravel()
    return inverse
