"""What grouping knows of links, and what it makes of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Masks = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Judged:
    """m links between images, of which is known what they show; as in `Evidence`."""

    queries: Ints
    results: Ints
    weak: Flags
    near: Flags


@dataclass(frozen=True, slots=True)
class Evidence:
    """m links between n images, by the numbers of the images: what grouping knows of each.

    `queries`, `results` int64 (m,); `agreement`, `conflict` float64 (m,), shares of the overlap; `confidence` float64
    (m,), 0 to 1; `weak` bool (m,), links that share something, but are too unsure to show a copy; `near` bool (m,),
    those of near-exact copies that were found before matching. `query_part`, `result_part`, `query_other`,
    `result_other` uint64 (m,), the cells of each image where the two agree, and where they differ.
    """

    images: int
    queries: Ints
    results: Ints
    agreement: Floats
    conflict: Floats
    confidence: Floats
    weak: Flags
    near: Flags
    query_part: Masks
    result_part: Masks
    query_other: Masks
    result_other: Masks

    def __len__(self) -> int:
        return len(self.queries)

    def taken(self, places: Ints) -> Evidence:
        """Some of the links."""
        columns = {name: getattr(self, name)[places] for name in LINK_COLUMNS}
        return Evidence(images=self.images, **columns)

    @property
    def judged(self) -> Judged:
        """What is left to know of the links once they are grouped."""
        return Judged(queries=self.queries, results=self.results, weak=self.weak, near=self.near)

    @property
    def purity(self) -> Floats:
        """float64 (m,): of what agrees or conflicts, the share that agrees."""
        return self.agreement / np.maximum(self.agreement + self.conflict, 1e-9)

    @property
    def weights(self) -> Floats:
        """float64 (m,): how much a link holds two images together."""
        return np.clip(self.purity, 0.05, 1.0)


LINK_COLUMNS = tuple(field.name for field in fields(Evidence) if field.name != "images")


@dataclass(frozen=True, slots=True)
class Groups:
    """What grouping finds in m links between n images.

    `clusters` int64 (n,), a label for each image, its own if it is in no cluster. `copy` bool (m,), the links that show
    a copy. p parts that are in an element: `part_images` int64 (p,), `part_masks` uint64 (p,), `part_elements` int64
    (p,), `part_main` bool (p,), whether it is its image's main one. `common` bool (e,), for each element. `of_query`,
    `of_result` int64 (m,), the part at each end of a link, -1 where it is in no element.
    """

    clusters: Ints
    copy: Flags
    part_images: Ints
    part_masks: Masks
    part_elements: Ints
    part_main: Flags
    common: Flags
    of_query: Ints
    of_result: Ints
