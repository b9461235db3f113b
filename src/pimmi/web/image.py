"""One image as JSON: its files, its posts, what it shows, and with which others it is linked."""

from __future__ import annotations

from typing import Any

import numpy as np

from pimmi.decisions.model import ordered
from pimmi.study.tables import COMMON, COPY
from pimmi.web.clusters import Clusters
from pimmi.web.library import State
from pimmi.web.members import also_in_shown, link_shown
from pimmi.web.show import image_shown, images_shown, paths_of

MOST_LINKS = 60


def image_page_shown(state: State, image: int) -> dict[str, Any]:
    """What the page of an image shows; `image` is a rank.

    Of its links those inside its cluster come first, the surest at the top, then those that leave it, then those that
    share only what is common.
    """
    clusters = state.clusters
    links = clusters.index.of(np.array([image]))
    others = clusters.index.query[links].astype(np.int64) + clusters.index.result[links] - image
    confidence = clusters.index.columns["confidence"][links]
    elsewhere = clusters.cluster[others] != clusters.cluster[image]
    links = links[np.lexsort((links, -confidence, elsewhere, clusters.common[links]))]
    return {
        **image_shown(clusters, image),
        "paths": paths_of(clusters, image),
        "posts": [] if state.posts is None else state.posts.of(image),
        "elements": state.elements.of_image(image),
        "also_in": also_in_shown(state, image),
        "linked": len(links),
        "links": _links_of(clusters, image, links[:MOST_LINKS].tolist()),
    }


def _links_of(clusters: Clusters, image: int, links: list[int]) -> list[dict[str, Any]]:
    """Some links of an image."""
    index = clusters.index
    others = [int(index.query[link]) + int(index.result[link]) - image for link in links]
    name = clusters.image_id(image)
    return [
        {
            **link_shown(clusters, link, image),
            "image": about,
            "type": COMMON if clusters.common[link] else COPY,
            "verdict": clusters.decisions.links.get(ordered(name, about["id"])),
        }
        for link, about in zip(links, images_shown(clusters, np.array(others, np.int64)), strict=True)
    ]
