"""The images of a cluster: what each is to the representative, and in which group it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from pimmi.errors import PimmiError
from pimmi.matching.blocks import RELATIONS
from pimmi.pipeline.searching import converse
from pimmi.study.tables import VARIANTS
from pimmi.web.clusters import Clusters, Ints
from pimmi.web.library import State
from pimmi.web.selection import METADATA
from pimmi.web.show import day, images_shown, links_inside

REPRESENTATIVE, THROUGH, NONE = "representative", "through", ""
"""Groups of the image that stands for the cluster, of those linked with another one alone, and of the rest."""
RELATION_GROUPS = (REPRESENTATIVE, "same", "contained", "contains", "overlap", THROUGH, NONE)
VARIANT_GROUPS = (REPRESENTATIVE, *VARIANTS, NONE)
DAYS_OF_MONTHS = 62
"""A cluster whose posts span more is grouped by month, another one by day."""


@dataclass(frozen=True)
class Members:
    """n images of a cluster in the order in which they are shown.

    `images` int64 (n,), ranks; `link` int64 (n,), the link by which each is shown, -1 for none: that to the
    representative, or else the surest to another member. `group` has the name of each one's group; `counts` has the
    groups in order, with how many images each has.
    """

    images: Ints
    link: Ints
    group: list[str]
    counts: dict[str, int]


def members_of(state: State, cluster: int, *, by: str = "") -> Members:
    """The images of a cluster, the representative first, or in groups.

    They are grouped `by` relation, variant, date, or `m.` and a column of the metadata. Raises PimmiError for another
    word.
    """
    images = state.clusters.images_of(cluster)
    link = shown_links(state.clusters, cluster)
    names, order = _groups(state, images, link, by=by)
    place = {name: number for number, name in enumerate(order)}
    sorting = np.argsort([place[name] for name in names], kind="stable")
    if by == "date":
        assert state.posts is not None
        sorting = np.argsort(np.nan_to_num(state.posts.dates[0][images], nan=np.inf), kind="stable")
    group = [names[one] for one in sorting.tolist()]
    sizes = Counter(group)
    counts = {name: sizes[name] for name in order if sizes[name]} if by else {}
    return Members(images[sorting], link[sorting], group, counts)


def shown_links(clusters: Clusters, cluster: int) -> Ints:
    """For each of `Clusters.images_of`, the link by which it is shown, as in `Members`."""
    images, index = clusters.images_of(cluster), clusters.index
    links = links_inside(clusters, cluster)
    ends = index.query[links].astype(np.int64), index.result[links].astype(np.int64)
    image, other = np.concatenate(ends), np.concatenate(ends[::-1])
    link = np.concatenate([links, links])
    order = np.lexsort((link, -index.columns["confidence"][link], other != images[0], image))
    linked, first = np.unique(image[order], return_index=True)
    found = np.full(len(clusters.cluster), -1)
    found[linked] = link[order[first]]
    found[images[0]] = -1
    return found[images]


def members_shown(state: State, members: Members, *, start: int, end: int) -> list[dict[str, Any]]:
    """Some of the images of a cluster, by their places."""
    clusters = state.clusters
    images = members.images[start:end]
    shown = images_shown(clusters, images)
    earliest = state.posts.dates[0] if state.posts is not None else None
    for place, (rank, about) in enumerate(zip(images.tolist(), shown, strict=True), start):
        about["group"] = members.group[place]
        about["degree"] = int(clusters.degree[rank])
        link = int(members.link[place])
        about["link"] = None if link < 0 else link_shown(clusters, link, rank)
        if state.posts is not None and earliest is not None:
            about["posts"] = state.posts.count(rank)
            about["first"] = day(float(earliest[rank]))
        about["elements"] = state.elements.of_image(rank)
        about["also_in"] = also_in_shown(state, rank)
    return shown


def also_in_shown(state: State, image: int) -> list[dict[str, Any]]:
    """The other clusters of which an image shows a part."""
    clusters = state.clusters
    return [
        {
            "id": clusters.name(number),
            "representative": clusters.image_id(int(clusters.representative[number])),
            "files": int(clusters.files[number]),
            "label": clusters.labels.get(number),
        }
        for number in state.elements.also_in(image)
    ]


def link_shown(clusters: Clusters, link: int, image: int) -> dict[str, Any]:
    """A link, as seen from one of its images, given by its rank."""
    index = clusters.index
    asked = int(index.query[link]) == image
    other = int(index.result[link] if asked else index.query[link])
    ends = ("query", "result") if asked else ("result", "query")
    relation = RELATIONS[int(index.columns["relation"][link])]
    return {
        "with": clusters.image_id(other),
        "relation": relation if asked else converse(relation),
        "variant": VARIANTS[int(index.columns["change"][link])],
        "coverage": round(float(index.columns[f"{ends[0]}_coverage"][link]), 3),
        "coverage_there": round(float(index.columns[f"{ends[1]}_coverage"][link]), 3),
        "confidence": round(float(index.columns["confidence"][link]), 3),
    }


def _groups(state: State, images: Ints, link: Ints, *, by: str) -> tuple[list[str], list[str]]:
    """The name of each image's group, and the groups in order."""
    if not by:
        return [NONE] * len(images), [NONE]
    if by == "relation":
        return _relations(state.clusters, images, link), list(RELATION_GROUPS)
    if by == "variant":
        change = state.clusters.index.columns["change"]
        names = [VARIANTS[int(change[one])] if one >= 0 else NONE for one in link.tolist()]
        return [REPRESENTATIVE, *names[1:]], list(VARIANT_GROUPS)
    if by == "date" and state.posts is not None:
        return _dates(state.posts.dates[0][images])
    if by.startswith(METADATA) and state.posts is not None:
        values = state.posts.first_values(by.removeprefix(METADATA), images)
        names = [value or NONE for value in values]
        sizes = Counter(names)
        return names, sorted(sizes, key=lambda name: (name == NONE, -sizes[name], name))
    raise PimmiError(f"by is {by!r}: known are relation, variant, and, with a table, date and m.COLUMN")


def _relations(clusters: Clusters, images: Ints, link: Ints) -> list[str]:
    index = clusters.index
    names = []
    for rank, one in zip(images.tolist(), link.tolist(), strict=True):
        if one < 0:
            names.append(NONE)
            continue
        asked = int(index.query[one]) == rank
        relation = RELATIONS[int(index.columns["relation"][one])]
        direct = int(index.result[one] if asked else index.query[one]) == images[0]
        names.append((relation if asked else converse(relation)) if direct else THROUGH)
    return [REPRESENTATIVE, *names[1:]]


def _dates(seconds: Any) -> tuple[list[str], list[str]]:
    known = seconds[~np.isnan(seconds)]
    span = float(known.max() - known.min()) / 86400 if len(known) else 0.0
    length = len("2024-05") if span > DAYS_OF_MONTHS else len("2024-05-31")
    names = [(day(moment) or NONE)[:length] for moment in seconds]
    return names, sorted(set(names), key=lambda name: (name == NONE, name))
