"""From links to groups: elements, which recur in several images, and clusters, the families of main elements.

The parts of the images are nodes, the links between them edges. Their communities are *elements*: a photo, a sticker,
an app's frame; an image may hold several. The main element of an image is the one of its largest part that isn't
common; a *cluster* is all images with one main element.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pimmi.errors import SettingsError
from pimmi.grouping.absorbing import absorbed
from pimmi.grouping.collapsed import visible_links, with_collapsed
from pimmi.grouping.communities import connected_components, leiden, louvain, renumbered
from pimmi.grouping.evidence import Evidence, Groups
from pimmi.grouping.parts import Parts, make_parts
from pimmi.grouping.sharing import sort_links
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
class _Elements:
    """The elements of some links: `links` int64 (k,), which ones; `labels` int64 (p,), of each part."""

    links: Ints
    parts: Parts
    labels: Ints


def find_groups(evidence: Evidence, *, algorithm: str, resolution: float) -> Groups:
    """The groups that links make; raises SettingsError for an algorithm that doesn't exist.

    `algorithm` and `resolution` are for the communities of parts (`pimmi.grouping.communities`).
    """
    visible = visible_links(evidence)
    seen = evidence if len(visible) == len(evidence) else evidence.taken(visible)
    groups = _find(seen, algorithm=algorithm, resolution=resolution)
    return with_collapsed(groups, evidence, visible)


def _find(evidence: Evidence, *, algorithm: str, resolution: float) -> Groups:
    shown = sort_links(evidence)
    copies = np.flatnonzero(shown.copy)
    parts = _parts(evidence, copies, ~shown.common_masks)
    weights = evidence.weights[copies]
    labels = _communities(parts, weights, algorithm=algorithm, resolution=resolution)
    own = _Elements(copies, parts, absorbed(labels, parts.of_query, parts.of_result))
    apart = own.labels[own.parts.of_query] != own.labels[own.parts.of_result]
    copy = shown.copy.copy()
    copy[own.links[apart & (evidence.purity[own.links] < CONTRADICTED)]] = False
    (several,) = np.nonzero(_image_counts(own.labels, own.parts.images)[own.labels] >= 2)
    families, main = _families(
        own.parts.images[several], own.parts.masks[several], own.labels[several], count=evidence.images
    )
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
    sizes = _image_counts(labels, images)
    unrelated = _image_counts(labels, families[images])
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
    is_main[several[main]] = True
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


def with_common(groups: Groups, common: Flags) -> Groups:
    """The groups when other elements are common than those that were found so; `common` bool (e,)."""
    of_part = np.append(groups.part_elements, -1)
    element = of_part[groups.of_query]
    changed = (element == of_part[groups.of_result]) & np.append(common != groups.common, False)[element]
    (own,) = np.nonzero(~common[groups.part_elements])
    clusters, main = _families(
        groups.part_images[own],
        groups.part_masks[own],
        groups.part_elements[own],
        count=len(groups.clusters),
    )
    is_main = np.zeros(len(groups.part_main), bool)
    is_main[own[main]] = True
    return replace(
        groups,
        clusters=clusters,
        copy=np.where(changed, ~np.append(common, False)[element], groups.copy),
        part_main=is_main,
        common=common,
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


def _families(images: Ints, masks: Masks, labels: Ints, *, count: int) -> tuple[Ints, Ints]:
    """For each image the label of the element of its main part, or one of its own; and the main parts.

    The main part of an image is its largest one; of equal ones, that of the larger element.
    """
    sizes = np.bincount(labels)
    largest = np.lexsort((-labels, sizes[labels], np.bitwise_count(masks), images))
    main = largest[np.diff(images[largest], append=count) > 0]
    families = np.arange(count) + len(sizes)
    families[images[main]] = labels[main]
    return renumbered(families), main


def _image_counts(labels: Ints, images: Ints) -> Ints:
    """int64, for each label: how many images, or families of them, have it."""
    count = int(images.max(initial=0)) + 1
    pairs = np.sort(labels * count + images)
    return np.bincount(pairs[np.diff(pairs, prepend=-1) > 0] // count)
