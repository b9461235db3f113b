"""Which links show a copy, and which show only what many unrelated images share: an app's frame, an emoji, lettering.

Two pictures in one frame look like a copy with something pasted over it: to a pair of images both are the same. The
other images tell them apart. Where the links of an image lead to many families, and each of these links finds that the
rest of the two images differs, what they agree on is *common*; what they differ on is the image's own *content*. A link
of such an image shows a copy only if the two agree on the content as well.

All numbers are of one image and its neighbours, so that nothing depends on parts of the study it isn't linked with.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pimmi.grouping.communities import leiden
from pimmi.grouping.evidence import Evidence
from pimmi.matching.blocks import PART_SIDE

CELLS = PART_SIDE * PART_SIDE
WHOLE = 0.85
"""Agreement, of what agrees or conflicts, from which on a link alone shows a copy."""
PARTIAL = 0.7
"""Agreement below which a link says that the two images share a part and differ elsewhere."""
FEWEST_FAMILIES = 3
"""Families to which partial links must lead through one cell before it can be common."""
COMMON_SHARE = 0.2
"""Share of a link's part that must be common, on average over its cells, before the content is asked for."""
CONTENT_AGREEMENT = 0.93
"""Share of the content on which two images with something common must agree to be copies."""
LEAST_CONTENT = 2.0
"""Cells of content that must agree."""
COMMON = 0.5
"""From so common on a cell belongs to no part of the image's own."""
FAMILY_RESOLUTION = 0.2
"""Resolution with which families are made of the links that agree almost wholly."""
DOUBTFUL = 0.6
"""Agreement, of what agrees or conflicts, below which a link needs another one that is clearer, or SURE_ALONE."""
SURE_ALONE = 0.8
"""Confidence from which on a doubtful link counts even if both of its images have no clearer one."""
PASSES = 2
"""Times that families and common cells are found: the second time without the links that the first took away."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Masks = NDArray[np.uint64]


class Commonness(NamedTuple):
    """float32 (n, CELLS) each: how common every cell of every image is, and how much of the image's content."""

    common: NDArray[np.float32]
    content: NDArray[np.float32]


class Sorted(NamedTuple):
    """`copy` bool (m,), the links that show a copy; `common_masks` uint64 (n,), the common cells of each image."""

    copy: Flags
    common_masks: Masks


def sort_links(evidence: Evidence) -> Sorted:
    """Tell the links that show a copy from those that share something common, or too little."""
    purity = evidence.purity
    shows = ~evidence.weak
    common_masks = np.zeros(evidence.images, np.uint64)
    for _ in range(PASSES):
        whole = shows & (purity >= WHOLE)
        families = leiden(
            evidence.queries[whole],
            evidence.results[whole],
            purity[whole],
            nodes=evidence.images,
            resolution=FAMILY_RESOLUTION,
        )
        found = commonness(evidence, families=families)
        shows = ~evidence.weak & _agree_on_content(evidence, found)
        common_masks = np.packbits(found.common >= COMMON, axis=1, bitorder="little").view("<u8")[:, 0]
        del found
    shows &= _supported(evidence, shows)
    return Sorted(shows, common_masks.astype(np.uint64))


def _supported(evidence: Evidence, shows: Flags) -> Flags:
    """bool (m,): the links that are clear, or sure, or have an end at an image with a clear link.

    Two images alone that differ nearly as much as they agree may share lettering or a frame as well as a picture; an
    image that differs so from one picture of a family is the family's.
    """
    clear = evidence.purity >= DOUBTFUL
    known = np.zeros(evidence.images, bool)
    known[evidence.queries[shows & clear]] = True
    known[evidence.results[shows & clear]] = True
    supported: Flags = (
        clear | (evidence.confidence >= SURE_ALONE) | known[evidence.queries] | known[evidence.results]
    )
    return supported


def commonness(evidence: Evidence, *, families: Ints) -> Commonness:
    """How common the cells of each image are; `families` int64 (n,) is the family of each image."""
    images = np.concatenate([evidence.queries, evidence.results])
    others = families[np.concatenate([evidence.results, evidence.queries])]
    partial = np.tile(evidence.weak | (evidence.purity < PARTIAL), 2)
    order = np.lexsort((others, images))
    return Commonness(*_count(
        images[order],
        others[order],
        partial[order],
        np.concatenate([evidence.query_part, evidence.result_part])[order],
        np.concatenate([evidence.query_other, evidence.result_other])[order],
        evidence.images,
    ))  # fmt: skip


def _agree_on_content(evidence: Evidence, found: Commonness) -> Flags:
    shows = np.ones(len(evidence), bool)
    for images, parts, others in (
        (evidence.queries, evidence.query_part, evidence.query_other),
        (evidence.results, evidence.result_part, evidence.result_other),
    ):
        shows &= _content_agrees(images, parts, others, found.common, found.content, CONTENT_AGREEMENT)
    return shows


@njit(cache=True, nogil=True)
def _has(mask, cell):  # type: ignore[no-untyped-def]
    return (mask >> np.uint64(cell)) & np.uint64(1) != 0


@njit(cache=True, nogil=True)
def _count(images, families, partial, parts, others, n):  # type: ignore[no-untyped-def]
    """Ends of links, sorted by image, then by the family at the other end.

    A cell is as common as the share of the families with a partial link that agree on it, but not at all if one family
    alone has as many links there; it is as much content as the share of them that differ on it.
    """
    common = np.zeros((n, CELLS), np.float32)
    content = np.zeros((n, CELLS), np.float32)
    reached = np.empty(CELLS, np.int64)
    differing = np.empty(CELLS, np.int64)
    largest = np.empty(CELLS, np.int64)
    agreeing_here = np.empty(CELLS, np.int64)
    reached_here = np.empty(CELLS, np.bool_)
    differing_here = np.empty(CELLS, np.bool_)
    end = 0
    while end < len(images):
        image = images[end]
        count = 0
        reached[:], differing[:], largest[:] = 0, 0, 0
        while end < len(images) and images[end] == image:
            family = families[end]
            agreeing_here[:], reached_here[:], differing_here[:] = 0, False, False
            any_partial = False
            while end < len(images) and images[end] == image and families[end] == family:
                any_partial |= partial[end]
                for cell in range(CELLS):
                    if _has(parts[end], cell):
                        agreeing_here[cell] += 1
                        reached_here[cell] |= partial[end]
                    elif _has(others[end], cell):
                        differing_here[cell] |= partial[end]
                end += 1
            count += any_partial
            for cell in range(CELLS):
                reached[cell] += reached_here[cell]
                differing[cell] += differing_here[cell]
                largest[cell] = max(largest[cell], agreeing_here[cell])
        for cell in range(CELLS):
            if reached[cell] >= FEWEST_FAMILIES and reached[cell] > largest[cell]:
                common[image, cell] = reached[cell] / count
            content[image, cell] = differing[cell] / max(count, 1)
    return common, content


@njit(cache=True, nogil=True)
def _content_agrees(images, parts, others, common, content, agreement):  # type: ignore[no-untyped-def]
    """Whether each link, at one of its ends, has nothing common, or agrees on what the image has of its own.

    `agreement` is the share of the content that must agree.
    """
    agrees = np.ones(len(images), np.bool_)
    for link in range(len(images)):
        image = images[link]
        shared = cells = same = different = 0.0
        for cell in range(CELLS):
            if _has(parts[link], cell):
                shared += common[image, cell]
                cells += 1.0
                same += content[image, cell]
            elif _has(others[link], cell):
                different += content[image, cell]
        if cells > 0 and shared >= COMMON_SHARE * cells:
            agrees[link] = same >= LEAST_CONTENT and same >= agreement * (same + different)
    return agrees
