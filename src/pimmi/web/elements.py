"""The elements of a study: what recurs in several images, and where it is in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.decisions.elements import marked_elements
from pimmi.study.catalogue import id_array
from pimmi.study.groups import BOX, GroupTables
from pimmi.study.tables import home_clusters
from pimmi.web.clusters import Clusters, Flags, Floats, Ints

EXAMPLES = 6
"""Images of an element that are shown besides its representative."""


@dataclass(frozen=True)
class Elements:
    """e elements with k memberships in images, sorted by image, the larger elements of each first.

    `about` has the rows of the elements table, by id; `image` and `element` int64 (k,) are the rank of the image and
    the place of the element in `about`; `box` float64 (k, 4), in pixels of the file; `coverage` float64 and `main` bool
    (k,).
    """

    clusters: Clusters
    about: pa.Table
    image: Ints
    element: Ints
    box: Floats
    coverage: Floats
    main: Flags

    @classmethod
    def of(cls, clusters: Clusters, *, groups: GroupTables) -> Elements:
        """The elements of a study, with the clusters that belong to them."""
        about, members = groups.elements, groups.memberships
        element = _places(members.column("element_id"), about.column("element_id"))
        image = _places(members.column("image_id"), clusters.catalogue.images.column("image_id"))
        order = np.lexsort((element, -about.column("size").to_numpy()[element], image))
        return cls(
            clusters,
            about,
            image[order],
            element[order],
            np.column_stack([members.column(side).to_numpy() for side in BOX])[order],
            members.column("coverage").to_numpy()[order],
            members.column("main").to_numpy()[order],
        )

    @cached_property
    def common(self) -> Flags:
        """bool (e,)"""
        return np.asarray(self.about.column("common").to_numpy())

    @cached_property
    def sizes(self) -> Ints:
        """How many images show each element."""
        return np.asarray(self.about.column("size").to_numpy())

    @cached_property
    def representatives(self) -> Ints:
        """The rank of the image that shows each element most completely."""
        return np.searchsorted(self.clusters.catalogue.ids, id_array(self.about, "representative"))

    @cached_property
    def marked(self) -> Flags:
        """Whether a person has said that an element is common, or that it isn't; bool (e,)"""
        marked = np.zeros(len(self.about), bool)
        marked[self._marked] = True
        return marked

    @cached_property
    def listed(self) -> Ints:
        """The elements that are common, or that a person has said something about, the largest first."""
        found = np.flatnonzero(self.common | self.marked)
        return found[np.lexsort((found, -self.sizes[found]))]

    def of_image(self, image: int) -> list[dict[str, Any]]:
        """The elements in an image, the largest first, with the region of each in pixels."""
        rows = self._rows_of(image)
        return [
            {
                **about,
                "region": self.box[row].tolist(),
                "coverage": round(float(self.coverage[row]), 3),
                "main": bool(self.main[row]),
            }
            for row, about in zip(rows, self._named(self.element[rows.start : rows.stop]), strict=True)
        ]

    def also_in(self, image: int) -> list[int]:
        """The numbers of the other clusters of whose main elements an image shows a part."""
        own = int(self.clusters.cluster[image])
        homes = {int(self._homes[self.element[row]]) for row in self._rows_of(image)} - {-1, own}
        return sorted(homes)

    def held_by(self, images: Flags) -> Flags:
        """The elements that one of some images shows; `images` bool (n,), one for each image of the study."""
        found = np.zeros(len(self.about), bool)
        found[self.element[images[self.image]]] = True
        return found

    def shown(self, elements: Ints) -> list[dict[str, Any]]:
        """Some elements, each with its region in its representative and in a few other images."""
        named = zip(elements.tolist(), self._named(elements), strict=True)
        return [{**about, **self._shown(element)} for element, about in named]

    def _shown(self, element: int) -> dict[str, Any]:
        representative = int(self.representatives[element])
        rows = self._by_element[self._starts_of_elements[element] : self._starts_of_elements[element + 1]]
        others = rows[self.image[rows] != representative]
        few = others[np.unique(np.linspace(0, len(others) - 1, min(EXAMPLES, len(others))).astype(np.int64))]
        return {
            "marked": bool(self.marked[element]),
            "region": [self.about.column(side)[element].as_py() for side in BOX],
            "examples": [
                {
                    "image": int(self.image[row]),
                    "region": self.box[row].tolist(),
                    "linked": self.clusters.index.between(representative, int(self.image[row])) is not None,
                }
                for row in few.tolist()
            ],
        }

    def _named(self, elements: Ints) -> list[dict[str, Any]]:
        about = self.about.select(["element_id", "size", "kind", "common"]).take(elements)
        return [{"element": row.pop("element_id"), **row} for row in about.to_pylist()]

    def _rows_of(self, image: int) -> range:
        start, end = (int(np.searchsorted(self.image, image, side=side)) for side in ("left", "right"))
        return range(start, end)

    @cached_property
    def _homes(self) -> Ints:
        held = self.clusters.cluster[self.image]
        return home_clusters(self.element, self.main, held, elements=len(self.about))

    @cached_property
    def _by_element(self) -> Ints:
        return np.lexsort((self.image, self.element))

    @cached_property
    def _starts_of_elements(self) -> Ints:
        ordered = self.element[self._by_element]
        return np.searchsorted(ordered, np.arange(len(self.about) + 1)).astype(np.int64)

    @cached_property
    def _marked(self) -> list[int]:
        """The elements that a person has said to be common, or not."""
        decisions = self.clusters.decisions
        images = {mark.image_id for mark in decisions.elements}
        ranks = [rank for name in sorted(images) if (rank := self.clusters.rank(name)) is not None]
        rows = [row for rank in ranks for row in self._rows_of(rank)]
        parts = (
            (str(self.element[row]), self.clusters.image_id(int(self.image[row])), _region(self.box[row]))
            for row in rows
        )
        return sorted(int(element) for element in marked_elements(parts, decisions=decisions))


def _region(box: NDArray[np.float64]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box.tolist()
    return x0, y0, x1, y1


def _places(wanted: pa.ChunkedArray[Any], among: pa.ChunkedArray[Any]) -> Ints:
    """The place of each of some values, all of which are there, among distinct ones."""
    return np.asarray(pc.index_in(wanted, value_set=among.combine_chunks()).to_numpy(), np.int64)
