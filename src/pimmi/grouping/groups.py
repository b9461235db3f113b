"""From links to groups: elements, which recur in several images, and clusters, the families of main elements.

The parts of the images are nodes, the links between them edges. Their communities are *elements*: a photo, a sticker,
an app's frame; an image may hold several. The main element of an image is the one of its largest part that isn't
common; a *cluster* is all images with one main element.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimmi.errors import SettingsError
from pimmi.grouping.communities import connected_components, leiden, louvain, renumbered
from pimmi.grouping.parts import Parts, make_parts
from pimmi.grouping.sharing import Evidence, sort_links
from pimmi.settings import ALGORITHMS

FEWEST_COMMON = 4
"""Families in which something must be found for it to be a common element."""
COMMON_RESOLUTION = 0.4
"""Share of the pairs of images of a common element that are linked, at least about: something that several pairs share
by chance is found in fewer."""
UNRELATED = 0.5
"""Families of the images of a common element, for each image, at least."""
CONTRADICTED = 0.6
"""Agreement, of what agrees or conflicts, below which a link between two families is no copy."""

Ints = NDArray[np.int64]
Masks = NDArray[np.uint64]
Flags = NDArray[np.bool_]


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


@dataclass(frozen=True, slots=True)
class _Elements:
    """The elements of some links: `links` int64 (k,), which ones; `labels` int64 (p,), of each part."""

    links: Ints
    parts: Parts
    labels: Ints


def find_groups(evidence: Evidence, *, algorithm: str, resolution: float) -> Groups:
    """The groups that links make; raises SettingsError for an algorithm that doesn't exist.

    `algorithm` and `resolution` are for the communities of parts (`pimmi.grouping.communities`).
    """
    shown = sort_links(evidence)
    copies = np.flatnonzero(shown.copy)
    parts = _parts(evidence, copies, ~shown.common_masks)
    weights = evidence.weights[copies]
    own = _Elements(copies, parts, _communities(parts, weights, algorithm=algorithm, resolution=resolution))
    apart = own.labels[own.parts.of_query] != own.labels[own.parts.of_result]
    copy = shown.copy.copy()
    copy[own.links[apart & (evidence.purity[own.links] < CONTRADICTED)]] = False
    families = _families(own, images=evidence.images)
    between = families[evidence.queries] != families[evidence.results]
    sharing = np.flatnonzero(~copy & between)
    parts = _parts(evidence, sharing, np.full(evidence.images, ~np.uint64(0)))
    weights = np.ones(len(sharing))
    labels = _communities(parts, weights, algorithm="leiden", resolution=COMMON_RESOLUTION)
    shared = _Elements(sharing, parts, labels)

    offset = int(own.labels.max(initial=-1)) + 1
    images = np.concatenate([own.parts.images, shared.parts.images])
    masks = np.concatenate([own.parts.masks, shared.parts.masks])
    labels = np.concatenate([own.labels, shared.labels + offset])
    common = np.arange(int(labels.max(initial=-1)) + 1) >= offset
    sizes = np.bincount(_distinct(labels, images)[:, 0], minlength=len(common))
    unrelated = np.bincount(_distinct(labels, families[images])[:, 0], minlength=len(common))
    many = (unrelated >= FEWEST_COMMON) & (unrelated >= UNRELATED * sizes)
    kept = np.where(common, many, sizes >= 2)

    of_query, of_result = np.full(len(evidence), -1), np.full(len(evidence), -1)
    for found, first in ((own, 0), (shared, len(own.parts.images))):
        of_query[found.links] = found.parts.of_query + first
        of_result[found.links] = found.parts.of_result + first
    used = np.flatnonzero(kept[labels])
    numbers = np.full(len(labels) + 1, -1)
    numbers[used] = np.arange(len(used))
    elements = np.cumsum(kept) - 1
    is_main = np.zeros(len(labels), bool)
    is_main[_main_parts(own, images=evidence.images)] = True
    return Groups(
        clusters=families,
        copy=copy,
        part_images=images[used],
        part_masks=masks[used],
        part_elements=elements[labels[used]],
        part_main=is_main[used],
        common=common[kept],
        of_query=numbers[of_query],
        of_result=numbers[of_result],
    )


def _parts(evidence: Evidence, links: Ints, allowed: Masks) -> Parts:
    """The parts that some links make of the images, within the cells that are `allowed`, uint64 (n,)."""
    queries, results = evidence.queries[links], evidence.results[links]
    return make_parts(
        queries,
        results,
        _within(evidence.query_part[links], allowed[queries]),
        _within(evidence.result_part[links], allowed[results]),
        images=evidence.images,
    )


def _communities(parts: Parts, weights: NDArray[np.float64], *, algorithm: str, resolution: float) -> Ints:
    ends, nodes = (parts.of_query, parts.of_result), len(parts.images)
    if algorithm == "components":
        return connected_components(*ends, nodes=nodes)
    if algorithm == "louvain":
        return louvain(*ends, weights, nodes=nodes, resolution=resolution)
    if algorithm == "leiden":
        return leiden(*ends, weights, nodes=nodes, resolution=resolution)
    raise SettingsError(f"there is no algorithm {algorithm!r}: known are {', '.join(ALGORITHMS)}")


def _within(masks: Masks, allowed: Masks) -> Masks:
    """The cells that are allowed, or all where none is."""
    return np.where(masks & allowed != 0, masks & allowed, masks)


def _families(found: _Elements, *, images: int) -> Ints:
    """The label of each image: of the element of its main part, or one of its own."""
    main = _main_parts(found, images=images)
    labels = np.arange(images) + int(found.labels.max(initial=-1)) + 1
    labels[found.parts.images[main]] = found.labels[main]
    return renumbered(labels)


def _main_parts(found: _Elements, *, images: int) -> Ints:
    """For each image that has a part, its largest one; of equal ones, that of the larger element."""
    sizes = np.bincount(found.labels)
    largest = np.lexsort(
        (-found.labels, sizes[found.labels], np.bitwise_count(found.parts.masks), found.parts.images)
    )
    last = np.flatnonzero(np.diff(found.parts.images[largest], append=images) > 0)
    return largest[last]


def _distinct(one: Ints, other: Ints) -> Ints:
    return np.unique(np.column_stack([one, other]), axis=0)
