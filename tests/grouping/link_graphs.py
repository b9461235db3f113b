"""Made-up images of 8 x 8 cells, and the links that comparing them would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pimmi.grouping.evidence import Evidence

Grid = NDArray[np.int64]
"""(8, 8): what every cell of an image shows, 0 where it is blank."""

SIDE = 8
BLANK = np.zeros((SIDE, SIDE), np.int64)
INNER = np.zeros((SIDE, SIDE), bool)
INNER[1:7, 1:7] = True
WEAK_CELLS = 6


@dataclass(frozen=True)
class Link:
    """What two images share: the bitmaps of the cells, in each, where they agree, and where they differ."""

    query: int
    result: int
    same: tuple[int, int]
    other: tuple[int, int] = (0, 0)
    weak: bool = False
    near: bool = False

    def turned(self) -> Link:
        """With the other image as the query."""
        return replace(
            self, query=self.result, result=self.query, same=self.same[::-1], other=self.other[::-1]
        )


def bitmap(cells: NDArray[np.bool_]) -> int:
    """Bool (8, 8) as a bitmap: bit 0 is the top left cell."""
    return int(np.packbits(cells, bitorder="little").view(np.uint64)[0])


def box(*, rows: tuple[int, int] = (0, SIDE), columns: tuple[int, int] = (0, SIDE)) -> int:
    """The bitmap of some rows and columns, each from the first to before the last."""
    cells = np.zeros((SIDE, SIDE), bool)
    cells[slice(*rows), slice(*columns)] = True
    return bitmap(cells)


ALL = box()


def photo(number: int) -> Grid:
    """A picture no cell of which is in one of another number; from -9."""
    return np.arange(SIDE * SIDE).reshape(SIDE, SIDE) + (number + 10) * SIDE * SIDE


def framed(picture: Grid, *, frame: int) -> Grid:
    """The middle of a picture, in a frame that is around all pictures framed with that number."""
    return np.where(INNER, picture, photo(-frame))


def compared(images: Sequence[Grid], *, first: int = 0) -> list[Link]:
    """The links between all pairs of images that show something in the same cell; numbered from `first`."""
    links = []
    for (query, one), (result, other) in combinations(enumerate(images, first), 2):
        same = (one == other) & (one != 0)
        if same.any():
            shown, different = bitmap(same), bitmap(one != other)
            weak = bool(same.sum() <= WEAK_CELLS)
            links.append(Link(query, result, (shown, shown), (different, different), weak))
    return links


def evidence(links: Sequence[Link], *, images: int) -> Evidence:
    """The links as grouping reads them."""
    same = np.array([link.same for link in links], np.uint64).reshape(-1, 2)
    other = np.array([link.other for link in links], np.uint64).reshape(-1, 2)
    agreeing, differing = (np.bitwise_count(masks[:, 0]).astype(float) for masks in (same, other))
    return Evidence(
        images=images,
        queries=np.array([link.query for link in links], np.int64),
        results=np.array([link.result for link in links], np.int64),
        agreement=agreeing / np.maximum(agreeing + differing, 1),
        conflict=differing / np.maximum(agreeing + differing, 1),
        confidence=np.where([link.weak for link in links], 0.1, 0.9),
        weak=np.array([link.weak for link in links], bool),
        near=np.array([link.near for link in links], bool),
        query_part=same[:, 0],
        result_part=same[:, 1],
        query_other=other[:, 0],
        result_other=other[:, 1],
    )


def drawn_images(seed: int) -> list[Grid]:
    """Up to 14 images: pictures, in frames, side by side, or with stickers on them."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(rng.integers(2, 15)):
        image = photo(int(rng.integers(1, 6)))
        if rng.random() < 0.3:
            image = np.where(np.arange(SIDE) < rng.integers(3, 6), image, photo(int(rng.integers(1, 6))))
        if rng.random() < 0.5:
            image = framed(image, frame=int(rng.integers(1, 3)))
        if rng.random() < 0.3:
            at = int(rng.integers(0, 7))
            image = image.copy()
            image[at : at + 2, at : at + 2] = photo(-9)[:2, :2]
        images.append(image)
    return images


def drawn_links(seed: int) -> tuple[list[Link], int]:
    """Most of the links between drawn images, and how many images there are."""
    images = drawn_images(seed)
    rng = np.random.default_rng(seed)
    return [link for link in compared(images) if rng.random() < 0.9], len(images)
