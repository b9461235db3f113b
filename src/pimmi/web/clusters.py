"""The clusters of a study as arrays, for the pages to filter, sort and show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pimmi.decisions.apply import judged
from pimmi.decisions.model import Decisions
from pimmi.matching.blocks import RELATIONS
from pimmi.study.catalogue import Catalogue, Ids, id_array
from pimmi.study.groups import GroupTables
from pimmi.study.tables import VARIANTS, are_common, clusters_of_images
from pimmi.web.links import LinkIndex

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Clusters:
    """k clusters of n images, with m links after decisions.

    `names` S32 (k,), sorted; `cluster` int64 (n,), -1 for none; `stands` bool (n,), whether an image is the
    representative of its cluster; `degree` int64 and `image_quality` float64 (n,). Bool (m,): `copies`, the links that
    show copies and were not rejected; `common`, those that share only what is common; `confirmed`.
    """

    catalogue: Catalogue
    index: LinkIndex
    decisions: Decisions
    names: Ids
    cluster: Ints
    stands: Flags
    degree: Ints
    image_quality: Floats
    copies: Flags
    common: Flags
    confirmed: Flags

    @classmethod
    def of(
        cls, catalogue: Catalogue, index: LinkIndex, *, groups: GroupTables, decisions: Decisions
    ) -> Clusters:
        """The clusters of a study; files of the same bytes are one, too."""
        names, cluster, degree, quality = clusters_of_images(catalogue, groups.clusters)
        stands = cluster >= 0
        members = np.searchsorted(catalogue.ids, id_array(groups.clusters))
        stands[members] = groups.clusters.column("representative").to_numpy()
        queries, results = index.query.astype(np.int64), index.result.astype(np.int64)
        confirmed, kept = judged(queries, results, ids=catalogue.ids, decisions=decisions)
        common = are_common(catalogue, queries, results, groups.links)
        return cls(
            catalogue,
            index,
            decisions,
            names,
            cluster,
            stands,
            degree,
            quality,
            copies=kept & ~common,
            common=common,
            confirmed=confirmed,
        )

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def members(self) -> Ints:
        """The images of all clusters, one cluster after the other.

        The representative of each comes first, then those that resemble most others.
        """
        held = np.flatnonzero(self.cluster >= 0)
        first_files, common = self.catalogue.first_files[held], self.resemblance[held]
        return held[np.lexsort((first_files, -common, ~self.stands[held], self.cluster[held]))]

    @cached_property
    def resemblance(self) -> Floats:
        """For each image, how much it has in common with the others of its cluster: shared parts, added up.

        It counts more the more keypoints the image has, so that a sharp picture goes before a blurred one.
        """
        index = self.index
        shared = index.columns["query_coverage"][self.inside] * index.columns["result_coverage"][self.inside]
        ends = np.concatenate([index.query[self.inside], index.result[self.inside]])
        common = np.bincount(ends, np.concatenate([shared, shared]), minlength=len(self.cluster))
        points = self.catalogue.images.column("nb_points").to_numpy()
        return np.round(common * np.log2(2.0 + points), 3)

    @cached_property
    def starts(self) -> Ints:
        """The first place of each cluster in `members`, and the end."""
        return np.searchsorted(self.cluster[self.members], np.arange(len(self) + 1)).astype(np.int64)

    def images_of(self, cluster: int) -> Ints:
        """The images of a cluster, the representative first."""
        return self.members[self.starts[cluster] : self.starts[cluster + 1]]

    @cached_property
    def representative(self) -> Ints:
        """The image of each cluster that the others are most likely made from."""
        return self.members[self.starts[:-1]]

    @cached_property
    def images(self) -> Ints:
        """How many images each cluster has."""
        return np.diff(self.starts)

    @cached_property
    def files(self) -> Ints:
        """How many files each cluster has."""
        return self.counted(self.catalogue.nb_files)

    @cached_property
    def quality(self) -> Floats:
        """The share of each cluster's pairs of images that are linked."""
        return self.image_quality[self.representative]

    @cached_property
    def inside(self) -> Ints:
        """The links that show copies between two images of one cluster."""
        own = self.cluster[self.index.query]
        return np.flatnonzero(self.copies & (own >= 0) & (own == self.cluster[self.index.result]))

    @cached_property
    def links(self) -> Ints:
        """How many links are inside each cluster."""
        return np.bincount(self.cluster[self.index.query[self.inside]], minlength=len(self))

    def linked_by(self, marked: Flags) -> Flags:
        """The clusters that have a link inside, among those that are marked (bool, one for each of `inside`)."""
        owners = self.cluster[self.index.query[self.inside]]
        found = np.zeros(len(self), bool)
        found[owners[marked]] = True
        return found

    def with_variant(self, variant: str) -> Flags:
        """The clusters with a link of a variant inside."""
        return self.linked_by(self.index.columns["change"][self.inside] == VARIANTS.index(variant))

    def with_relation(self, relation: str) -> Flags:
        """The clusters in which two images have a relation; contained is the same as contains."""
        if relation == "identical":
            return self.holding(self.catalogue.nb_files > 1)
        found = self.index.columns["relation"][self.inside]
        wanted = ("contains", "contained") if relation == "contained" else (relation,)
        return self.linked_by(np.isin(found, [RELATIONS.index(name) for name in wanted]))

    def holding(self, images: Flags) -> Flags:
        """The clusters that hold an image that is marked (bool, one for each image)."""
        owners = self.cluster[images]
        found = np.zeros(len(self), bool)
        found[owners[owners >= 0]] = True
        return found

    def counted(self, amounts: NDArray[Any]) -> Ints:
        """The sum over the images of each cluster of an amount given for each image."""
        held = self.cluster >= 0
        return np.bincount(self.cluster[held], amounts[held], minlength=len(self)).astype(np.int64)

    @cached_property
    def decided(self) -> Flags:
        """The clusters about which something was decided, or that were checked."""
        names = {name for pair in self.decisions.links for name in pair}
        names |= {name for pair in (*self.decisions.together, *self.decisions.apart) for name in pair}
        return self.holding(self._marked(names)) | self.checked

    @cached_property
    def checked(self) -> Flags:
        """The clusters that were found right."""
        return self.holding(self._marked(self.decisions.checked))

    @cached_property
    def labels(self) -> dict[int, str]:
        """The label of each cluster that has one."""
        return self._texts(self.decisions.labels)

    @cached_property
    def notes(self) -> dict[int, str]:
        """The note of each cluster that has one."""
        return self._texts(self.decisions.notes)

    def rank(self, image_id: str) -> int | None:
        """The rank of an image; None if it isn't in the study."""
        return _place(self.catalogue.ids, image_id)

    def number(self, cluster_id: str) -> int | None:
        """The number of a cluster; an id that no cluster has any more stands for the cluster of that image."""
        place = _place(self.names, cluster_id)
        if place is not None:
            return place
        rank = self.rank(cluster_id)
        held = -1 if rank is None else int(self.cluster[rank])
        return held if held >= 0 else None

    def name(self, cluster: int) -> str:
        """The id of a cluster."""
        return str(self.names[cluster].decode())

    def image_id(self, rank: int) -> str:
        """The id of an image."""
        return str(self.catalogue.ids[rank].decode())

    def _marked(self, names: set[str] | frozenset[str]) -> Flags:
        return np.isin(self.catalogue.ids, np.array(sorted(names), "S32"))

    def _texts(self, texts: dict[str, str]) -> dict[int, str]:
        found: dict[int, list[str]] = {}
        for name, text in sorted(texts.items()):
            rank = self.rank(name)
            if rank is not None and self.cluster[rank] >= 0:
                found.setdefault(int(self.cluster[rank]), []).append(text)
        return {cluster: " · ".join(dict.fromkeys(held)) for cluster, held in found.items()}


def _place(names: Ids, wanted: str) -> int | None:
    key = wanted.encode("ascii", "replace")
    place = int(np.searchsorted(names, np.array(key, "S32")))
    return place if place < len(names) and names[place] == key else None
