"""What the addresses of the pages have in common: names of clusters and images, and parts of long lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from fastapi import HTTPException, Path, Query

from pimmi.web.clusters import Ints
from pimmi.web.library import State
from pimmi.web.selection import Selection

Page = Annotated[int, Query(ge=1, description="From 1.")]
ImageId = Annotated[str, Path(description="An image_id, as in the tables.")]
ClusterId = Annotated[str, Path(description="The id of a cluster, or the image_id of any image in it.")]


def chosen_clusters(state: State, parameters: Mapping[str, str]) -> Ints:
    """The clusters that the parameters of an address leave, in order."""
    return Selection.from_parameters(parameters).chosen(state)


def cluster_number(state: State, cluster_id: str) -> int:
    """The number of a cluster; raises HTTPException if there is none."""
    number = state.clusters.number(cluster_id)
    if number is None:
        raise HTTPException(404, "there is no such cluster")
    return number


def image_rank(state: State, image_id: str) -> int:
    """The rank of an image; raises HTTPException if there is none."""
    rank = state.clusters.rank(image_id)
    if rank is None:
        raise HTTPException(404, "there is no such image in the study")
    return rank


def part_of(rows: Ints, page: int, size: int) -> tuple[Ints, dict[str, Any]]:
    """The rows on a page, and what is said of the whole."""
    about = {"total": len(rows), "page": page, "pages": max(1, -(-len(rows) // size))}
    return rows[np.clip((page - 1) * size, 0, len(rows)) : page * size], about
