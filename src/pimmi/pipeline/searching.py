"""Searching: the copies of one image among those of a study."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimmi.images.identify import image_id, read_file
from pimmi.index.codebook import load_codebook
from pimmi.index.points import form_offsets
from pimmi.matching.blocks import RELATIONS, Links
from pimmi.matching.join import Lists, make_lists
from pimmi.matching.match import match_blocks
from pimmi.matching.presearch import Wanted, count_in_lists, count_in_records, wanted
from pimmi.pipeline.comparing import image_block
from pimmi.pipeline.reading import describe
from pimmi.settings import Settings
from pimmi.study.catalogue import Catalogue
from pimmi.study.reading import values
from pimmi.study.shards import Shard, joined, read_shard, taken
from pimmi.study.tables import IDENTICAL, IDENTITY, SCORE_OF_EXACT_COPIES, VARIANTS
from pimmi.workers.cores import default_workers

MOST_LOOKED_AT = 128
"""Images, those with which most points match, that are compared as matching does."""
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


class Searcher:
    """Searches a study as it is now.

    The first search reads the points of all images once, which takes a while in a large study. `prepare` makes lists of
    them in memory, about 40 bytes a point; from then on a search takes some hundredths of a second.
    """

    def __init__(self, catalogue: Catalogue, *, settings: Settings) -> None:
        self._catalogue = catalogue
        self._settings = settings.matching
        self._codebook = load_codebook(settings.matching.codebook)
        self._lists: dict[int, Lists] = {}
        self._forms: dict[int, NDArray[np.int64]] = {}

    @cached_property
    def _shards(self) -> dict[int, Shard]:
        folder = self._catalogue.folder
        return {number: read_shard(folder.shard(number)) for number in folder.shard_numbers()}

    def prepare(self) -> None:
        """Make the lists of all shards."""
        for number, shard in self._shards.items():
            if number in self._lists:
                continue
            self._lists[number] = make_lists(
                shard.points, offsets=shard.offsets, codebook=self._codebook, probes=self._settings.probes
            )

    def search(self, query: Shard, *, limit: int) -> list[Hit]:
        """What `search_image` gives for the image in `query`, a shard of one."""
        hits = sorted(self._hits(query), key=lambda hit: (hit.image_id != query.ids[0], -hit.score, hit.path))
        return hits[:limit]

    def _hits(self, query: Shard) -> Iterator[Hit]:
        (query_id,) = query.ids
        yield from (_exact_copy(query, path) for path in self._paths(query_id))
        parts = self._candidates(query)
        if not parts:
            return
        found = joined(parts)
        links = match_blocks(
            image_block(query, settings=self._settings),
            image_block(found, settings=self._settings),
            settings=self._settings,
            codebook=self._codebook,
        )
        for link in np.flatnonzero(links.confidence >= self._settings.minimum_confidence):
            result_id = found.ids[max(links.query[link], links.result[link]) - 1]
            for path in self._paths(result_id):
                yield _hit(links, link, path=path, image_id=result_id)

    def _candidates(self, query: Shard) -> list[Shard]:
        """The images of the study, but for the query itself, of which the most points match."""
        distance = self._settings.code_distance
        forms = wanted(query.points, codebook=self._codebook, code_distance=distance)
        with ThreadPoolExecutor(default_workers()) as threads:
            counted = list(threads.map(lambda number: self._counts(forms, number), self._shards))
            every = np.sort(np.concatenate([np.zeros(1, np.int32), *counted]))
            fewest = max(self._settings.minimum_inliers - 1, int(every[-min(MOST_LOOKED_AT, len(every))]))
            rows = [np.flatnonzero(counts >= fewest) for counts in counted]
            (own,) = query.ids
            parts = threads.map(
                lambda number, found: self._taken(number, found, without=own), self._shards, rows
            )
            return [part for part in parts if part is not None]

    def _taken(self, number: int, rows: NDArray[np.int64], *, without: str) -> Shard | None:
        """The images of some rows of a shard, without the one of an id."""
        shard = self._shards[number]
        ids = shard.images.column("image_id").take(rows).to_pylist()
        rows = rows[np.array([name != without for name in ids], bool)]
        if not len(rows):
            return None
        if number not in self._forms:
            self._forms[number] = form_offsets(shard.points, shard.offsets)
        return taken(shard, rows, forms=self._forms[number])

    def _counts(self, forms: Wanted, number: int) -> NDArray[np.int32]:
        shard = self._shards[number]
        signs = self._settings.sign_distance
        if number in self._lists:
            return count_in_lists(forms, self._lists[number], images=len(shard), sign_distance=signs)
        return count_in_records(
            forms, shard.points.records, shard.offsets, codebook=self._codebook, sign_distance=signs
        )

    def _paths(self, image: str) -> list[str]:
        """The files that hold an image."""
        ids = self._catalogue.ids
        rank = np.searchsorted(ids, image.encode())
        if rank == len(ids) or ids[rank] != image.encode():
            return []
        files = np.flatnonzero(self._catalogue.file_ranks == rank)
        return values(self._catalogue.readable_files.take(files), "path")


def search_image(searcher: Searcher, image: Path, *, settings: Settings, limit: int) -> list[Hit]:
    """The files that show the same as `image`, exact copies first, then by falling score, then by path.

    Raises UnreadableImage if the image can't be read.
    """
    data = read_file(image, max_bytes=settings.images.max_bytes)
    return searcher.search(describe(data, image_id(data), settings=settings), limit=limit)


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
