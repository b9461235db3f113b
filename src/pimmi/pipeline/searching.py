"""Searching: the copies of one image among those of a study."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimmi.images.identify import image_id, read_file
from pimmi.index.codebook import load_codebook
from pimmi.index.points import offsets_of
from pimmi.matching.blocks import RELATIONS, ImageBlock, Links
from pimmi.matching.join import sign_limits
from pimmi.matching.match import match_blocks
from pimmi.matching.presearch import (
    CellLists,
    cell_places,
    make_cell_lists,
    matches_in_lists,
    matches_in_records,
    promising,
    wanted,
)
from pimmi.pipeline.comparing import image_block
from pimmi.pipeline.reading import describe
from pimmi.pipeline.shelf import Shelf, block_of
from pimmi.settings import Settings
from pimmi.study.catalogue import Catalogue
from pimmi.study.files import paths_of
from pimmi.study.layout import StudyFolder
from pimmi.study.shards import Shard, read_offsets, record_pieces
from pimmi.study.tables import IDENTICAL, IDENTITY, SCORE_OF_EXACT_COPIES, VARIANTS
from pimmi.workers.cores import default_workers
from pimmi.workers.one_thread import one_thread

LOOKED_AT = 64
"""Images, those that promise most, that are compared as matching does; twice as many as are wanted, if that is more."""
SHARES = 16
"""Of the cells that are looked through by threads: some have longer lists than others."""
Transform = tuple[float, float, float, float, float, float]
Matching = Callable[..., tuple[NDArray[np.uint64], NDArray[np.int64]]]


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
    them in memory, 28 bytes a point; from then on a search takes some hundredths of a second. `catalogue` is that of
    the study, if it is read already.
    """

    def __init__(
        self, folder: StudyFolder, *, settings: Settings, catalogue: Catalogue | None = None
    ) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._settings = settings.matching
        self._codebook = load_codebook(settings.matching.codebook)
        self._lists: CellLists | None = None
        self._shelves: dict[int, Shelf] = {}
        self._forms: dict[int, NDArray[np.int64]] = {}

    @cached_property
    def _offsets(self) -> dict[int, NDArray[np.int64]]:
        """The offsets of each shard, by its number."""
        return {number: read_offsets(self._folder.shard(number)) for number in self._folder.shard_numbers()}

    def _shelf(self, number: int) -> Shelf:
        if number not in self._shelves:
            self._shelves[number] = Shelf.read(self._folder.shard(number), forms=self._forms.get(number))
        return self._shelves[number]

    def prepare(self) -> None:
        """Make the lists."""
        if self._catalogue is None:
            self._catalogue = Catalogue.read(self._folder)
        if self._lists is None:
            parts = [
                (self._shelf(number).points.records, offsets) for number, offsets in self._offsets.items()
            ]
            self._lists = make_cell_lists(parts, codebook=self._codebook)

    def search(self, query: Shard, *, limit: int) -> list[Hit]:
        """What `search_image` gives for the image in `query`, a shard of one."""
        hits = sorted(
            self._hits(query, limit=limit),
            key=lambda hit: (hit.image_id != query.ids[0], -hit.score, hit.path),
        )
        return hits[:limit]

    def _hits(self, query: Shard, *, limit: int) -> Iterator[Hit]:
        (own,) = query.ids
        found = self._linked(query, limit=limit)
        paths = self._paths({own, *(image for image, _, _ in found)})
        yield from (_exact_copy(query, path) for path in paths[own])
        for image, links, link in found:
            yield from (_hit(links, link, path=path, image_id=image) for path in paths[image])

    def _linked(self, query: Shard, *, limit: int) -> list[tuple[str, Links, np.intp]]:
        """The images of the study, but for the query itself, that are linked to it, each with its link."""
        with ThreadPoolExecutor(default_workers()) as threads:
            found = self._candidates(query, threads, limit=limit)
            if found is None:
                return []
            parts = match_blocks(
                image_block(query, settings=self._settings),
                found,
                settings=self._settings,
                codebook=self._codebook,
                threads=threads,
            )
            links = Links.joined(parts)
        ids = found.ids
        ends = np.maximum(links.query, links.result)
        (sure,) = np.nonzero(links.confidence >= self._settings.confidence_among(1))
        return [(ids[ends[link] - 1], links, link) for link in sure]

    def _candidates(self, query: Shard, threads: Executor, *, limit: int) -> ImageBlock | None:
        """The images of the study, but for the query itself, that promise most; None if there are none."""
        firsts = offsets_of(np.array([len(offsets) - 1 for offsets in self._offsets.values()], np.int64))
        chosen = promising(
            self._matches(query, firsts, threads),
            images=int(firsts[-1]),
            points=len(query.points),
            fewest=self._settings.minimum_inliers - 1,
            most=max(LOOKED_AT, 2 * limit),
        )
        bounds = pairwise(np.searchsorted(chosen, firsts).tolist())
        rows = {
            number: (chosen[start:stop] - first).tolist()
            for number, first, (start, stop) in zip(self._offsets, firsts.tolist(), bounds, strict=False)
            if start < stop
        }
        shelves = zip(threads.map(self._shelf, rows), rows.values(), strict=True)
        others = {shelf.ids[row]: (shelf, row) for shelf, own in shelves for row in own}
        others.pop(query.ids[0].encode(), None)
        if not others:
            return None
        return block_of([others[name] for name in sorted(others)], settings=self._settings)

    def _matches(self, query: Shard, firsts: NDArray[np.int64], threads: Executor) -> NDArray[np.uint64]:
        """Which images match which points of the query; images are numbered shard by shard."""
        farthest = self._settings.code_distance
        signs = sign_limits(sign_distance=self._settings.sign_distance, code_distance=farthest)
        forms = wanted(query.points, codebook=self._codebook, code_distance=farthest)
        if self._lists is None:
            places = cell_places(forms, codebook=self._codebook)
            inside = partial(
                matches_in_records, forms, places=places, codebook=self._codebook, sign_limits=signs
            )
            found = threads.map(partial(self._read_through, inside), self._offsets, firsts.tolist())
        else:
            within = partial(matches_in_lists, forms, self._lists, sign_limits=signs)
            bounds = np.linspace(0, len(forms.cells), SHARES + 1).astype(int).tolist()
            found = threads.map(lambda start, stop: within(share=slice(start, stop)), bounds, bounds[1:])
        return np.concatenate([np.zeros(0, np.uint64), *found])

    def _read_through(self, inside: Matching, number: int, first: int) -> NDArray[np.uint64]:
        """The matches in a shard; the first further form of each image is kept for its shelf."""
        offsets = self._offsets[number]
        matches, forms = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for images, records in record_pieces(self._folder.shard(number), offsets):
            bounds = offsets[images.start : images.stop + 1]
            found = inside(records, bounds - bounds[0], first=first + images.start)
            matches.append(found[0])
            forms.append(found[1])
        self._forms[number] = offsets_of(np.concatenate(forms))
        return np.concatenate(matches)

    def _paths(self, images: Collection[str]) -> dict[str, list[str]]:
        """The files that hold each of some images."""
        if self._catalogue is None:
            return paths_of(self._folder, images)
        return {image: self._catalogue.paths_of(image) for image in images}


def search_image(searcher: Searcher, image: Path, *, settings: Settings, limit: int) -> list[Hit]:
    """The files that show the same as `image`, exact copies first, then by falling score, then by path.

    Raises UnreadableImage if the image can't be read.
    """
    data = read_file(image, max_bytes=settings.images.max_bytes)
    with one_thread():
        query = describe(data, image_id(data), settings=settings)
    return searcher.search(query, limit=limit)


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
