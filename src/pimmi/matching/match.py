"""One matching task: the links among the images of one block, or between those of two."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pimmi.features.selection import select
from pimmi.features.sift import NO_FEATURES
from pimmi.index.codebook import Codebook, load_codebook
from pimmi.index.points import POSITION_UNIT, encode_points
from pimmi.matching.blocks import PARTS, ImageBlock, Links
from pimmi.matching.confidence import confidence
from pimmi.matching.confirm import PART_COLUMNS, PIXEL_COLUMNS, confirm
from pimmi.matching.join import MAX_IMAGES, by_pair, change_masks, look_up, make_lists
from pimmi.matching.verify import LINK_COLUMNS, verify
from pimmi.settings import MatchingSettings

CERTAIN_SCORE = 12.0
FEWEST_WINDOWS = 4
"""From so high a score, and so many windows that agree, on a link is kept whatever its confidence: the two images share
something, were it an emoji, and grouping wants to know what many images share."""
WHOLE_AREA = 0.8
"""Share of an image's area from which on the overlap is nearly the whole of it."""
WHOLE_AGREEMENT = 0.7
"""Share, of what agrees or conflicts, that must agree for an image to be shown whole."""


@dataclass(frozen=True, slots=True)
class _Union:
    """The images of the blocks of a task in the order of their ids; `rows` int64 (n,), row of the image at a place."""

    rows: NDArray[np.int64]
    places: list[NDArray[np.int32]]
    offsets: NDArray[np.int64]
    order: NDArray[np.int64]


def _union(blocks: list[ImageBlock]) -> _Union:
    ids = [image_id for block in blocks for image_id in block.ids]
    if len(ids) > MAX_IMAGES:
        raise ValueError(f"a task has at most {MAX_IMAGES} images, not {len(ids)}")
    rows = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
    place = np.empty(len(ids), np.int32)
    place[rows] = np.arange(len(ids), dtype=np.int32)
    counts = np.concatenate([np.diff(block.offsets) for block in blocks])
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    offsets = np.concatenate([[0], np.cumsum(counts[rows])]).astype(np.int64)
    order = np.repeat(starts[rows] - offsets[:-1], counts[rows]) + np.arange(offsets[-1])
    return _Union(rows, np.split(place, np.cumsum([len(block) for block in blocks])[:-1]), offsets, order)


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
    first: ImageBlock, second: ImageBlock | None, *, settings: MatchingSettings, codebook: Codebook
) -> Candidates:
    """The pairs of images, of one block or between two, that at least `minimum_inliers` points put together."""
    blocks = [first] if second is None else [first, second]
    union = _union(blocks)
    masks = change_masks(codebook)
    lists = [
        make_lists(block.points, offsets=block.offsets, places=places)
        for block, places in zip(blocks, union.places, strict=True)
    ]
    found = []
    for query, base in [(0, 0)] if second is None else [(0, 1), (1, 0)]:
        found += look_up(
            lists[query],
            lists[base],
            masks=masks,
            sign_distance=settings.sign_distance,
            code_distance=settings.code_distance,
        )
    del lists
    matches = by_pair(found)
    del found

    def placed(field: str) -> NDArray[Any]:
        return np.concatenate([getattr(block.points, field) for block in blocks])[union.order]

    def arranged(field: str) -> NDArray[Any]:
        return np.concatenate([getattr(block, field) for block in blocks])[union.rows]

    working = arranged("working_sizes").astype(np.float32)
    links = np.empty((len(matches) // settings.minimum_inliers + 1, LINK_COLUMNS))
    positions = placed("positions").astype(np.float32) * np.float32(POSITION_UNIT)
    count = verify(
        matches,
        union.offsets,
        working,
        np.ascontiguousarray(positions[:, 0]),
        np.ascontiguousarray(positions[:, 1]),
        placed("scales"),
        placed("angles"),
        placed("changes"),
        placed("codes"),
        masks,
        settings.position_tolerance,
        settings.minimum_inliers,
        links,
    )
    links = links[:count].copy()
    thumbnail_sizes = arranged("thumbnail_sizes").astype(np.int32)
    pixels = np.empty((count, PIXEL_COLUMNS))
    parts = np.empty((count, PART_COLUMNS), np.uint64)
    confirm(links, working, arranged("thumbnails"), thumbnail_sizes, pixels, parts)
    pairs = links[:, :2].astype(np.int64)
    thumbnail_areas = thumbnail_sizes.prod(axis=1)[pairs].astype(np.float64)
    working_pairs = working[pairs].astype(np.float64)
    shrink = (thumbnail_sizes.max(axis=1)[pairs] / working_pairs.max(axis=2))[:, ::-1]
    grown = (
        np.abs(links[:, 6] * links[:, 10] - links[:, 7] * links[:, 9]) * (shrink[:, 0] / shrink[:, 1]) ** 2
    )
    overlap = pixels[:, 5:6] * np.stack([np.ones(count), grown], axis=1)
    return Candidates(
        links=links,
        pixels=pixels,
        parts=parts,
        areas=np.minimum(overlap / thumbnail_areas, 1.0),
        rows=union.rows[pairs],
        working_sizes=working_pairs,
        original_sizes=arranged("original_sizes").astype(np.float64)[pairs],
    )


def _relations(areas: NDArray[np.float64], pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    agree, conflict = pixels[:, 0], pixels[:, 1]
    agreeing = agree >= WHOLE_AGREEMENT * (agree + conflict)
    query, result = ((areas[:, end] >= WHOLE_AREA) & agreeing for end in range(2))
    return np.select([query & result, result, query], [0, 1, 2], default=3).astype(np.uint8)


def match_blocks(
    first: ImageBlock, second: ImageBlock | None, *, settings: MatchingSettings, codebook: Codebook
) -> Links:
    """The links among the images of a block, or between those of two; no image may be in both.

    Kept are those of `stored_confidence` or more, and those that certainly share something (CERTAIN_SCORE).
    """
    found = find_candidates(first, second, settings=settings, codebook=codebook)
    sure = confidence(found.links, found.pixels, found.areas)
    certain = (found.links[:, 3] >= CERTAIN_SCORE) & (found.pixels[:, 0] >= FEWEST_WINDOWS)
    kept = np.flatnonzero((sure >= settings.stored_confidence) | certain)
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
    codebook = load_codebook()
    points = encode_points(NO_FEATURES, codebook=codebook, probes=1)
    one = np.ones((2, 2), np.int32)
    block = ImageBlock(
        ids=["0", "1"],
        points=points,
        offsets=np.zeros(3, np.int64),
        original_sizes=one,
        working_sizes=one,
        thumbnails=np.zeros((2, 1), np.uint8),
        thumbnail_sizes=one,
    )
    match_blocks(block, None, settings=MatchingSettings(), codebook=codebook)
    select(np.zeros((2, 2), np.float32), np.zeros(2, np.float32), count=1)
