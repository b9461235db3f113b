"""Clusters and images as JSON, as the pages show them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from pimmi.matching.blocks import RELATIONS
from pimmi.study.reading import values
from pimmi.study.tables import VARIANTS
from pimmi.web.clusters import Clusters, Ints
from pimmi.web.library import State
from pimmi.web.selection import cluster_dates

ABOUT = ("width", "height", "format", "bytes", "nb_points")
MOST_NODES = 400
BINS = 24


def image_shown(clusters: Clusters, image: int) -> dict[str, Any]:
    """What is known of an image, by its rank."""
    return images_shown(clusters, np.array([image]))[0]


def images_shown(clusters: Clusters, images: Ints) -> list[dict[str, Any]]:
    """What is known of some images: id, paths (20 at most), size of the picture and of its file, cluster."""
    catalogue = clusters.catalogue
    rows = catalogue.images.take(images).select(["image_id", *ABOUT]).to_pylist()
    firsts = catalogue.readable_files.column("path").take(catalogue.first_files[images]).to_pylist()
    shown = []
    for rank, row, first in zip(images.tolist(), rows, firsts, strict=True):
        cluster = int(clusters.cluster[rank])
        shown.append({
            "id": row.pop("image_id"),
            **row,
            "path": first,
            "files": int(catalogue.nb_files[rank]),
            "cluster": clusters.name(cluster) if cluster >= 0 else None,
        })  # fmt: skip
    return shown


def paths_of(clusters: Clusters, image: int) -> list[str]:
    """The paths of all files that hold an image."""
    catalogue = clusters.catalogue
    return values(catalogue.readable_files.take(np.flatnonzero(catalogue.file_ranks == image)), "path")


def clusters_shown(state: State, numbers: Ints) -> list[dict[str, Any]]:
    """What the wall shows of some clusters."""
    clusters = state.clusters
    first, last = cluster_dates(state)
    paths = clusters.catalogue.readable_files.column("path")
    representatives = clusters.representative[numbers]
    named = paths.take(clusters.catalogue.first_files[representatives]).to_pylist()
    widths, heights = (
        clusters.catalogue.images.column(side).take(representatives).to_pylist()
        for side in ("width", "height")
    )
    variants = _kinds_inside(clusters, numbers, clusters.index.columns["change"], VARIANTS[1:], start=1)
    relations = _kinds_inside(clusters, numbers, clusters.index.columns["relation"], RELATIONS[1:], start=1)
    return [
        {
            "id": clusters.name(number),
            "files": int(clusters.files[number]),
            "images": int(clusters.images[number]),
            "links": int(clusters.links[number]),
            "quality": round(float(clusters.quality[number]), 4),
            "representative": clusters.image_id(int(clusters.representative[number])),
            "path": named[place],
            "width": widths[place],
            "height": heights[place],
            "variants": variants[place],
            "relations": relations[place],
            "first": day(first[number]),
            "last": day(last[number]),
            "label": clusters.labels.get(number),
            "note": clusters.notes.get(number),
            "checked": bool(clusters.checked[number]),
            "decided": bool(clusters.decided[number]),
        }
        for place, number in enumerate(numbers.tolist())
    ]


def links_shown(clusters: Clusters, links: Ints) -> list[dict[str, Any]]:
    """What a list shows of some links."""
    index = clusters.index
    return [
        {
            "first": clusters.image_id(int(index.query[link])),
            "second": clusters.image_id(int(index.result[link])),
            "confidence": round(float(index.columns["confidence"][link]), 3),
            "agreement": round(float(index.columns["agreement"][link]), 3),
            "score": round(float(index.columns["score"][link]), 1),
            "variant": VARIANTS[int(index.columns["change"][link])],
            "relation": RELATIONS[int(index.columns["relation"][link])],
            "confirmed": bool(clusters.confirmed[link]),
        }
        for link in links.tolist()
    ]


def elements_shown(state: State, elements: Ints) -> list[dict[str, Any]]:
    """Some elements, by their places, each with its representative and a few other images that show it."""
    found = state.elements.shown(elements)
    representatives = state.elements.representatives[elements].tolist()
    wanted = [*representatives, *(example["image"] for about in found for example in about["examples"])]
    ranks = np.unique(np.array(wanted, np.int64))
    images = dict(zip(ranks.tolist(), images_shown(state.clusters, ranks), strict=True))
    for representative, about in zip(representatives, found, strict=True):
        about["representative"] = images[representative]
        about["examples"] = [{**images[example.pop("image")], **example} for example in about["examples"]]
    return found


def links_inside(clusters: Clusters, cluster: int) -> Ints:
    """The links that show copies inside a cluster, those that nobody confirmed first, the least sure first."""
    links = clusters.index.of(clusters.images_of(cluster))
    ends = clusters.cluster[clusters.index.query[links]], clusters.cluster[clusters.index.result[links]]
    links = links[(ends[0] == cluster) & (ends[1] == cluster) & clusters.copies[links]]
    order = np.lexsort((links, clusters.index.columns["confidence"][links], clusters.confirmed[links]))
    return np.asarray(links[order])


def graph_shown(clusters: Clusters, cluster: int) -> dict[str, Any]:
    """Nodes and links of a cluster's graph; those that resemble most others if there are too many."""
    nodes = clusters.images_of(cluster)[:MOST_NODES]
    return {
        "nodes": images_shown(clusters, nodes),
        "links": links_shown(clusters, _among(clusters, cluster, nodes)),
        "left_out": int(clusters.images[cluster]) - len(nodes),
    }


def figures_shown(state: State, numbers: Ints) -> dict[str, Any]:
    """Small plots of some clusters: how many have which size, their links by confidence, their posts over time."""
    clusters = state.clusters
    files = clusters.files[numbers]
    steps = [2, 3, 4, 6, 11, 21, 51, 101, np.inf]
    counts = np.histogram(files, bins=steps)[0]
    names = [_range(low, high) for low, high in pairwise(steps)]
    inside = clusters.inside
    chosen = np.isin(clusters.cluster[clusters.index.query[inside]], numbers)
    confidence = clusters.index.columns["confidence"][inside[chosen]]
    by_confidence = np.histogram(confidence, bins=np.linspace(0.5, 1.0, 11))[0]
    return {
        "sizes": [
            {
                "label": name,
                "count": int(count),
                "from": int(low),
                "to": None if np.isinf(high) else int(high) - 1,
            }
            for name, count, (low, high) in zip(names, counts, pairwise(steps), strict=True)
        ],
        "confidence": [
            {"label": f"{0.5 + 0.05 * place:.2f}", "count": int(count)}
            for place, count in enumerate(by_confidence)
        ],
        "time": _over_time(state, numbers),
    }


def timeline_shown(state: State, images: Ints) -> list[dict[str, Any]]:
    """How many posts of some images there are in each span of time; none without dates."""
    if state.posts is None or state.posts.seconds is None:
        return []
    held = np.isin(state.posts.image, images)
    return _binned(state.posts.seconds[held])


def day(seconds: float) -> str | None:
    """A moment as a date; None if it isn't known, or in no year of the calendar."""
    try:
        return None if np.isnan(seconds) else datetime.fromtimestamp(float(seconds), UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return None


def _over_time(state: State, numbers: Ints) -> list[dict[str, Any]]:
    if state.posts is None or state.posts.seconds is None:
        return []
    held = np.isin(state.clusters.cluster[state.posts.image], numbers)
    return _binned(state.posts.seconds[held])


def _binned(seconds: Any) -> list[dict[str, Any]]:
    known = seconds[~np.isnan(seconds)]
    if not len(known):
        return []
    counts, edges = np.histogram(known, bins=BINS if known.min() < known.max() else 1)
    return [
        {
            "label": day(edges[place]),
            "count": int(count),
            "from": day(edges[place]),
            "to": day(edges[place + 1]),
        }
        for place, count in enumerate(counts)
    ]


def _range(low: float, high: float) -> str:
    if np.isinf(high):
        return f"> {low - 1:.0f}"
    return f"{low:.0f}" if high - low == 1 else f"{low:.0f}–{high - 1:.0f}"


def _among(clusters: Clusters, cluster: int, nodes: Ints) -> Ints:
    links = links_inside(clusters, cluster)
    index = clusters.index
    return links[np.isin(index.query[links], nodes) & np.isin(index.result[links], nodes)]


def _kinds_inside(
    clusters: Clusters, numbers: Ints, codes: Any, names: tuple[str, ...], *, start: int
) -> list[list[str]]:
    """For each cluster, which of some kinds of links it has inside."""
    found = []
    for number in numbers.tolist():
        held = set(codes[links_inside(clusters, number)].tolist())
        found.append([name for place, name in enumerate(names, start) if place in held])
    return found
