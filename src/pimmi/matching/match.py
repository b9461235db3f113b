"""One matching task: the links among the images of one block, or between those of two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pimmi.features.selection import select
from pimmi.features.sift import Features
from pimmi.index.codebook import Codebook, load_codebook
from pimmi.index.points import Keypoints, Points, encode_points, offsets_of
from pimmi.matching.blocks import LOOKED_AT, PARTS, RELATIONS, ImageBlock, KnownCopies, Links
from pimmi.matching.confidence import confidence
from pimmi.matching.confirm import PART_COLUMNS, PIXEL_COLUMNS, confirm
from pimmi.matching.join import TooManyMatches, change_masks, look_up, sign_limits
from pimmi.matching.lists import FEW_POINTS, make_lists
from pimmi.matching.matches import MAX_IMAGES, SECOND_SHIFT, by_pair, matched_places, unpack
from pimmi.matching.near import aligned_matches, near_pairs
from pimmi.matching.promise import SURE, may_be_copies, promise
from pimmi.matching.sampling import levels_of
from pimmi.matching.second_look import look_again
from pimmi.matching.verify import LINK_COLUMNS, verify
from pimmi.settings import MatchingSettings

CERTAIN_SCORE = 12.0
FEWEST_WINDOWS = 4
"""From so high a score, and so many windows that agree, on a link is kept whatever its confidence: the two images share
something, were it an emoji, and grouping wants to know what many images share."""
MOST_MATCHES = 18_000_000
"""Matches of a task that are held in memory at once, at 16 bytes each."""
NEAR_CONFIDENCE = 0.9
"""Confidence from which on a link of near-exact copies is one."""
AT_ONCE = 8
"""Links that a thread looks at at once: few, for some take ten times as long as others."""
WHOLE_AREA = 0.8
"""Share of an image's area from which on the overlap is nearly the whole of it."""
WHOLE_AGREEMENT = 0.7
"""Share, of what agrees or conflicts, that must agree for an image to be shown whole."""


@dataclass(frozen=True, slots=True)
class _Union:
    """The images of the blocks of a task; an image's place is its rank by id among them.

    `rows` int64 (n,), row of the image at a place, those of the second block counted on from the first's length;
    `places` int32, for each block, the places of its images.
    """

    blocks: list[ImageBlock]
    rows: NDArray[np.int64]
    places: list[NDArray[np.int32]]

    @classmethod
    def of(cls, blocks: list[ImageBlock]) -> _Union:
        ids = [image_id for block in blocks for image_id in block.ids]
        if len(ids) > MAX_IMAGES:
            raise ValueError(f"a task has at most {MAX_IMAGES} images, not {len(ids)}")
        rows = np.argsort(np.array(ids, dtype=np.bytes_), kind="stable")
        place = np.empty(len(ids), np.int32)
        place[rows] = np.arange(len(ids), dtype=np.int32)
        return cls(blocks, rows, np.split(place, np.cumsum([len(block) for block in blocks])[:-1]))

    def arranged(self, field: str) -> NDArray[Any]:
        """A field that has a row for each image, by place."""
        return np.concatenate([getattr(block, field) for block in self.blocks])[self.rows]

    def points_of(self, places: NDArray[np.int64]) -> tuple[Keypoints, NDArray[np.int64]]:
        """The points of the images at some places, and the first of each image; int64 (n + 1,), none for others."""
        counts = np.zeros(len(self.rows), np.int64)
        for block, places_of_block in zip(self.blocks, self.places, strict=True):
            inside = np.isin(places_of_block, places)
            counts[places_of_block[inside]] = np.diff(block.offsets)[inside]
        offsets = offsets_of(counts)
        count = int(offsets[-1])
        points = Keypoints(
            positions=np.empty((2, count), np.float32).T,
            scales=np.empty(count, np.uint8),
            angles=np.empty(count, np.uint8),
            changes=np.empty(count, np.uint8),
            codes=np.empty((count, 4), np.uint64),
        )
        for block, places_of_block in zip(self.blocks, self.places, strict=True):
            unpack(
                block.points.records, block.offsets, places_of_block, offsets, points.positions, points.scales,
                points.angles, points.changes, points.codes,
            )  # fmt: skip
        return points, offsets

    def thumbnails_of(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The thumbnails of the images at some places, uint8 (n, pixels of the largest), each from the start."""
        rows = self.rows[places]
        sizes = self.arranged("thumbnail_sizes").prod(axis=1)[places]
        found = np.zeros((len(places), int(sizes.max(initial=1))), np.uint8)
        first = len(self.blocks[0])
        for row, size, pixels in zip(rows.tolist(), sizes.tolist(), found, strict=True):
            block, own = (self.blocks[0], row) if row < first else (self.blocks[1], row - first)
            start = block.thumbnail_offsets[own]
            pixels[:size] = block.thumbnails[start : start + size]
        return found


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of images with a common transform, before their confidence is judged.

    `links` float64 (m, LINK_COLUMNS), `pixels` float64 (m, PIXEL_COLUMNS) and `parts` uint64 (m, PART_COLUMNS) as
    `verify` and `confirm` fill them; `areas` float64 (m, 2), share of the first and of the second image that the
    overlap takes; `rows` int64 (m, 2), rows of the images in the blocks, the second block's counted on from the
    first's length; `working_sizes` and `original_sizes` float64 (m, 2, 2), width and height of both images.
    """

    links: NDArray[np.float64]
    pixels: NDArray[np.float64]
    parts: NDArray[np.uint64]
    areas: NDArray[np.float64]
    rows: NDArray[np.int64]
    working_sizes: NDArray[np.float64]
    original_sizes: NDArray[np.float64]


def find_candidates(
    first: ImageBlock,
    second: ImageBlock | None,
    *,
    settings: MatchingSettings,
    codebook: Codebook,
    threads: Executor | None = None,
) -> Iterator[Candidates]:
    """The pairs of images, of one block or between two, that at least `minimum_inliers` points put together.

    Where these have more than MOST_MATCHES matches, some of the images are compared at a time, and what is found of
    them is given apart. Pixels are compared in `threads`, if there are any.
    """
    try:
        found = _find(first, second, settings=settings, codebook=codebook, most=MOST_MATCHES, threads=threads)
    except TooManyMatches:
        yield from _find_in_parts(first, second, settings=settings, codebook=codebook)
    else:
        yield found


def _find(
    first: ImageBlock,
    second: ImageBlock | None,
    *,
    settings: MatchingSettings,
    codebook: Codebook,
    most: int,
    threads: Executor | None = None,
) -> Candidates:
    blocks = [first] if second is None else [first, second]
    union = _Union.of(blocks)
    masks = change_masks(codebook)
    limits = codebook.limits_within(settings.code_distance)
    signs = sign_limits(sign_distance=settings.sign_distance, code_distance=settings.code_distance)
    found: list[NDArray[np.uint64]] = []
    for query, base in [(0, 0)] if second is None else [(0, 1), (1, 0)]:
        found += look_up(
            blocks[query].lists,
            blocks[base].lists,
            query_places=union.places[query],
            base_places=union.places[base],
            masks=masks,
            limits=limits,
            sign_limits=signs,
            most=most - sum(map(len, found)),
        )
    matches = by_pair(found, at_least=settings.minimum_inliers)
    return _candidates(union, matches, settings=settings, masks=masks, threads=threads)


def _find_in_parts(
    first: ImageBlock,
    second: ImageBlock | None,
    *,
    settings: MatchingSettings,
    codebook: Codebook,
) -> Iterator[Candidates]:
    """The candidates of the halves of a block, with each other or with the second block."""
    if len(first) == 1 and second is not None:
        if len(second) == 1:
            most = np.iinfo(np.int64).max
            yield _find(first, second, settings=settings, codebook=codebook, most=most)
            return
        for turned in _find_in_parts(second, first, settings=settings, codebook=codebook):
            rows = turned.rows
            yield replace(turned, rows=np.where(rows < len(second), rows + len(first), rows - len(second)))
        return
    halves = np.array_split(np.arange(len(first)), 2)
    parts = [first.taken(rows, codebook=codebook, probes=settings.probes) for rows in halves]
    pairs: list[tuple[int, int | None]] = (
        [(0, None), (1, None), (0, 1)] if second is None else [(0, 2), (1, 2)]
    )
    blocks = parts if second is None else [*parts, second]
    starts = np.cumsum([0, *map(len, blocks)])
    for one, other in pairs:
        with_other = None if other is None else blocks[other]
        ahead = 0 if other is None else starts[other] - len(blocks[one])
        for candidates in find_candidates(blocks[one], with_other, settings=settings, codebook=codebook):
            beyond = candidates.rows >= len(blocks[one])
            yield replace(candidates, rows=candidates.rows + np.where(beyond, ahead, starts[one]))


def find_near_candidates(
    first: ImageBlock,
    second: ImageBlock | None,
    *,
    settings: MatchingSettings,
    codebook: Codebook,
    known: Sequence[KnownCopies] = (),
) -> Candidates:
    """The pairs of images whose pixels are nearly the same, for each image those with the smallest others.

    `known` is what is known of the images of each block, if anything is.
    """
    blocks = [first] if second is None else [first, second]
    union = _Union.of(blocks)
    rows = []
    for one, other in [(0, 0)] if second is None else [(0, 1), (1, 0)]:
        pairs = np.empty((LOOKED_AT * len(blocks[one]), 2), np.int64)
        told = known[one] if known else KnownCopies.none(len(blocks[one]))
        starts = np.cumsum(np.append(0, told.counts), dtype=np.int64)
        arrays: tuple[Any, ...] = (
            *_near_arrays(union, one),
            *_near_arrays(union, other),
            starts,
            told.rows,
            pairs,
        )
        count = near_pairs(*arrays)
        rows.append(
            np.stack(
                [union.places[other][pairs[:count, 0]], union.places[one][pairs[:count, 1]]], axis=1
            ).astype(np.int64)
        )
    found = np.concatenate(rows)
    points, offsets = union.points_of(np.unique(found))
    matches = aligned_matches(
        found,
        offsets,
        union.arranged("working_sizes").astype(np.float32),
        np.ascontiguousarray(points.positions[:, 0]),
        np.ascontiguousarray(points.positions[:, 1]),
        points.changes,
        points.codes,
        settings.sign_distance,
        settings.code_distance,
    )
    return _candidates(union, matches, settings=settings, masks=change_masks(codebook))


def _near_arrays(union: _Union, number: int) -> tuple[NDArray[Any], ...]:
    block = union.blocks[number]
    return (
        block.signatures, union.places[number], block.thumbnails, block.thumbnail_offsets, block.thumbnail_sizes,
    )  # fmt: skip


def _candidates(
    union: _Union,
    matches: NDArray[np.uint64],
    *,
    settings: MatchingSettings,
    masks: NDArray[np.uint64],
    threads: Executor | None = None,
) -> Candidates:
    """What geometry and pixels say of the pairs of images that matches put together."""
    working = union.arranged("working_sizes").astype(np.float32)
    pairs_of_images = np.count_nonzero(np.diff(matches >> np.uint64(SECOND_SHIFT))) + 1
    links = np.empty((pairs_of_images, LINK_COLUMNS))
    points, offsets = union.points_of(matched_places(matches))
    count = verify(
        matches,
        offsets,
        working,
        np.ascontiguousarray(points.positions[:, 0]),
        np.ascontiguousarray(points.positions[:, 1]),
        points.scales,
        points.angles,
        points.changes,
        points.codes,
        masks,
        settings.position_tolerance,
        settings.minimum_inliers,
        links,
    )
    links = links[:count].copy()
    pairs = links[:, :2].astype(np.int64)
    sizes = union.arranged("thumbnail_sizes").astype(np.int32)
    linked, places = np.unique(pairs, return_inverse=True)
    compact = np.concatenate([places.reshape(-1, 2).astype(np.float64), links[:, 2:]], axis=1)
    shown = (working[linked], levels_of(union.thumbnails_of(linked), sizes[linked]), sizes[linked])
    pixels = np.empty((count, PIXEL_COLUMNS))
    parts = np.empty((count, PART_COLUMNS), np.uint64)
    _in_shares(count, lambda own: confirm(compact[own], *shown, pixels[own], parts[own]), threads)
    working_pairs = working[pairs].astype(np.float64)
    shrink = (sizes.max(axis=1)[pairs] / working_pairs.max(axis=2))[:, ::-1]
    grown = (
        np.abs(links[:, 6] * links[:, 10] - links[:, 7] * links[:, 9]) * (shrink[:, 0] / shrink[:, 1]) ** 2
    )
    overlap = pixels[:, 5:6] * np.stack([np.ones(count), grown], axis=1)
    areas = np.minimum(overlap / sizes.prod(axis=1)[pairs].astype(np.float64), 1.0)
    possible = may_be_copies(links, pixels, areas)
    unsure = possible & (promise(links, pixels, areas) < SURE)
    _in_shares(
        count, lambda own: look_again(compact[own], possible[own], unsure[own], *shown, pixels[own]), threads
    )
    return Candidates(
        links=links,
        pixels=pixels,
        parts=parts,
        areas=areas,
        rows=union.rows[pairs],
        working_sizes=working_pairs,
        original_sizes=union.arranged("original_sizes").astype(np.float64)[pairs],
    )


def _in_shares(count: int, look: Callable[[slice], None], threads: Executor | None) -> None:
    """Look at so many links, in `threads` if there are any."""
    if threads is None:
        look(slice(count))
    else:
        list(threads.map(look, [slice(first, first + AT_ONCE) for first in range(0, count, AT_ONCE)]))


def _relations(areas: NDArray[np.float64], pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    agree, conflict = pixels[:, 0], pixels[:, 1]
    agreeing = agree >= WHOLE_AGREEMENT * (agree + conflict)
    query, result = ((areas[:, end] >= WHOLE_AREA) & agreeing for end in range(2))
    return np.select([query & result, result, query], [0, 1, 2], default=3).astype(np.uint8)


def match_blocks(
    first: ImageBlock,
    second: ImageBlock | None,
    *,
    settings: MatchingSettings,
    codebook: Codebook,
    threads: Executor | None = None,
) -> Iterator[Links]:
    """The links among the images of a block, or between those of two; no image may be in both.

    Kept are those of `stored_confidence` or more, and those that certainly share something (CERTAIN_SCORE). They are
    given in parts, and `threads` are, as in `find_candidates`.
    """
    for found in find_candidates(first, second, settings=settings, codebook=codebook, threads=threads):
        sure = confidence(found.links, found.pixels, found.areas)
        certain = (found.links[:, 3] >= CERTAIN_SCORE) & (found.pixels[:, 0] >= FEWEST_WINDOWS)
        yield _links(found, sure, np.flatnonzero((sure >= settings.stored_confidence) | certain))


def match_near(
    first: ImageBlock,
    second: ImageBlock | None,
    *,
    settings: MatchingSettings,
    codebook: Codebook,
    known: Sequence[KnownCopies] = (),
) -> Links:
    """The links of near-exact copies (`pimmi.matching.near`); both ends show the same, and nothing differs.

    For each image those with its smallest copies, LOOKED_AT at most together with those that are `known`, as in
    `find_near_candidates`.
    """
    found = find_near_candidates(first, second, settings=settings, codebook=codebook, known=known)
    sure = confidence(found.links, found.pixels, found.areas)
    whole = _relations(found.areas, found.pixels) == RELATIONS.index("same")
    plain = (found.links[:, 2] == 0) & (found.pixels[:, 1] == 0)
    return _links(found, sure, np.flatnonzero((sure >= NEAR_CONFIDENCE) & whole & plain))


def _links(found: Candidates, sure: NDArray[np.float64], kept: NDArray[np.intp]) -> Links:
    links, pixels = found.links[kept], found.pixels[kept]
    compared = np.maximum(pixels[:, 3], 1)
    agreement = pixels[:, 0] / compared
    shared = found.areas[kept] * (pixels[:, 0] / np.maximum(pixels[:, 2], 1))[:, None]
    return Links(
        query=found.rows[kept, 0],
        result=found.rows[kept, 1],
        change=links[:, 2].astype(np.uint8),
        score=links[:, 3],
        inliers=links[:, 4].astype(np.int64),
        transform=_in_original_pixels(links[:, 6:12], found.working_sizes[kept], found.original_sizes[kept]),
        query_coverage=shared[:, 0],
        result_coverage=shared[:, 1],
        relation=_relations(found.areas[kept], pixels),
        agreement=agreement,
        conflict=pixels[:, 1] / compared,
        **dict(zip(PARTS, found.parts[kept].T, strict=True)),
        confidence=sure[kept],
    )


def _in_original_pixels(
    transforms: NDArray[np.float64], working: NDArray[np.float64], original: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Transforms (m, 6) between working images as transforms between the files; pixel centres are at .0 in both."""
    enlarged = original / working
    result = transforms.reshape(-1, 2, 3).copy()
    linear = result[:, :, :2] * (enlarged[:, 1, :, None] / enlarged[:, 0, None, :])
    centre_from = (enlarged[:, 0] - 1) / 2
    centre_to = (enlarged[:, 1] - 1) / 2
    shift = result[:, :, 2] * enlarged[:, 1] + centre_to - np.einsum("mij,mj->mi", linear, centre_from)
    return np.concatenate([linear, shift[:, :, None]], axis=2).reshape(-1, 6)


def compile_all() -> None:
    """Compile the hot loops, or load them if an earlier process has: takes seconds once, then much less."""
    codebook = load_codebook("small")
    points = encode_points(_some_features(), codebook=codebook, probes=1)
    both = Points(*(np.tile(getattr(points, field.name), (2, 1)) for field in fields(Points)))
    sizes = np.full((2, 2), FEW_POINTS, np.int32)
    offsets = np.array([0, len(points), 2 * len(points)])
    block = ImageBlock(
        ids=["0", "1"],
        points=both,
        lists=make_lists(both, offsets=offsets, codebook=codebook, probes=1),
        offsets=offsets,
        original_sizes=sizes,
        working_sizes=sizes,
        signatures=np.zeros((2, 2), np.uint64),
        thumbnails=np.zeros(2 * FEW_POINTS**2, np.uint8),
        thumbnail_sizes=sizes,
    )
    match_near(block, None, settings=MatchingSettings(), codebook=codebook)
    list(match_blocks(block, None, settings=MatchingSettings(), codebook=codebook))
    select(np.zeros((2, 2), np.float32), np.zeros(2, np.float32), count=1)


def _some_features() -> Features:
    """So many that they make a match with themselves."""
    drawn = np.random.default_rng(0)
    return Features(
        positions=drawn.uniform(0, FEW_POINTS, (FEW_POINTS, 2)).astype(np.float32),
        sigmas=np.full(FEW_POINTS, 2, np.float32),
        angles=np.zeros(FEW_POINTS, np.float32),
        descriptors=np.sqrt(drawn.dirichlet(np.ones(128), FEW_POINTS)).astype(np.float32),
    )
