"""Addresses under /api that tell of a study: clusters, images, links, elements; search, and the user's table."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, File, Form, HTTPException, Query, Request, UploadFile

from pimmi.web import show
from pimmi.web.answers.clusters import ClusterPage, ClustersTold, Figures
from pimmi.web.answers.images import ElementsTold, ImagePage
from pimmi.web.answers.links import Found, Graph, LinksTold, Proof
from pimmi.web.answers.model import Answer, refusals
from pimmi.web.answers.study import StudyTold
from pimmi.web.asking import ClusterId, ImageId, Page, chosen_clusters, cluster_number, image_rank, part_of
from pimmi.web.clusters import Ints
from pimmi.web.element_selection import KINDS, VERDICTS, ElementSelection
from pimmi.web.finding import found
from pimmi.web.image import image_page_shown
from pimmi.web.library import Library, State
from pimmi.web.members import members_of, members_shown
from pimmi.web.posts import read_posts
from pimmi.web.proof import proof
from pimmi.web.refusing import language_of, translated
from pimmi.web.selection import DECISION_FILTERS, RELATION_FILTERS, SORTS
from pimmi.web.thumbs import Thumbs

SAMPLE = 3
CLUSTERS_A_PAGE, MEMBERS_A_PAGE, LINKS_A_PAGE, ELEMENTS_A_PAGE = 60, 120, 60, 30
MOST_LINKS_A_PAGE = 2000


def _words(words: tuple[str, ...], what: str = "") -> Any:
    return Query(description=f"{what}One of {', '.join(words)}.", json_schema_extra={"enum": ["", *words]})


def add_data(app: FastAPI, library: Library, thumbs: Thumbs) -> None:
    """Add what tells of clusters, images and links."""

    @app.get(
        "/api/study",
        summary="What the study holds, and by what it can be filtered",
        response_model=StudyTold,
    )
    def study(request: Request) -> Answer:
        shown = _study_shown(library, thumbs, version=app.version)
        if why := shown["out_of_date"]:
            shown["out_of_date"] = translated(why, language=language_of(request))
        return Answer(shown)

    @app.get(
        "/api/clusters",
        summary="Some clusters, filtered and sorted",
        response_model=ClustersTold,
    )
    def clusters(
        request: Request,
        page: Page = 1,
        q: Annotated[str, Query(description="Text in paths, metadata, labels and notes.")] = "",
        sort: Annotated[str, _words(SORTS)] = "size",
        size_min: Annotated[str, Query(description="Files, at least.")] = "",
        size_max: Annotated[str, Query(description="Files, at most.")] = "",
        quality_min: Annotated[str, Query(description="Share of linked pairs, 0 to 1, at least.")] = "",
        quality_max: Annotated[str, Query(description="Share of linked pairs, 0 to 1, at most.")] = "",
        date_min: Annotated[str, Query(description="A post was made on this day or later.")] = "",
        date_max: Annotated[str, Query(description="A post was made on this day or before.")] = "",
        variant: Annotated[str, Query(description="Copies that are mirrored, negative, or both.")] = "",
        relation: Annotated[str, _words(RELATION_FILTERS)] = "",
        decision: Annotated[str, _words(DECISION_FILTERS)] = "",
        label: Annotated[str, Query(description="What a person called the cluster.")] = "",
    ) -> Answer:
        """Parameters that begin with `m.` filter by a column of the metadata."""
        state = library.state
        numbers = chosen_clusters(state, request.query_params)
        shown, about = part_of(numbers, page, CLUSTERS_A_PAGE)
        return Answer({
            **about,
            "files": int(state.clusters.files[numbers].sum()),
            "clusters": show.clusters_shown(state, shown),
        })  # fmt: skip

    @app.get(
        "/api/figures",
        summary="Small plots of some clusters; parameters as for /api/clusters",
        response_model=Figures,
    )
    def figures(request: Request) -> Answer:
        state = library.state
        return Answer(show.figures_shown(state, chosen_clusters(state, request.query_params)))

    @app.get(
        "/api/clusters/{cluster_id}",
        summary="A cluster and some of its images, the representative first",
        response_model=ClusterPage,
        responses=refusals(404),
    )
    def cluster(
        cluster_id: ClusterId,
        page: Page = 1,
        by: Annotated[str, Query(description="In groups: relation, variant, date, or m. and a column.")] = "",
    ) -> Answer:
        library.prepare()
        state = library.state
        number = cluster_number(state, cluster_id)
        members = members_of(state, number, by=by)
        places, about = part_of(np.arange(len(members.images)), page, MEMBERS_A_PAGE)
        start = int(places[0]) if len(places) else 0
        return Answer({
            **show.clusters_shown(state, np.array([number]))[0],
            **about,
            "groups": [{"name": name, "count": count} for name, count in members.counts.items()],
            "members": members_shown(state, members, start=start, end=start + len(places)),
            "timeline": show.timeline_shown(state, members.images),
        })  # fmt: skip

    @app.get(
        "/api/clusters/{cluster_id}/links",
        summary="The links inside a cluster, the least sure first",
        response_model=LinksTold,
        responses=refusals(404),
    )
    def links(
        cluster_id: ClusterId,
        page: Page = 1,
        size: Annotated[int, Query(ge=1, le=MOST_LINKS_A_PAGE, description="On a page.")] = LINKS_A_PAGE,
    ) -> Answer:
        clusters = library.state.clusters
        inside = show.links_inside(clusters, cluster_number(library.state, cluster_id))
        shown, about = part_of(inside, page, size)
        return Answer({**about, "links": show.links_shown(clusters, shown)})

    @app.get(
        "/api/clusters/{cluster_id}/graph",
        summary="The images of a cluster as nodes, and the links between them",
        response_model=Graph,
        responses=refusals(404),
    )
    def graph(cluster_id: ClusterId) -> Answer:
        state = library.state
        return Answer(show.graph_shown(state.clusters, cluster_number(state, cluster_id)))

    @app.get(
        "/api/links/{first}/{second}",
        summary="The proof of a link, from the first image to the second",
        response_model=Proof,
        responses=refusals(404),
    )
    def link(first: ImageId, second: ImageId) -> Answer:
        library.prepare()
        state = library.state
        one, other = image_rank(state, first), image_rank(state, second)
        shown = proof(state.clusters, one, other, settings=library.settings.matching)
        if shown is None:
            raise HTTPException(404, "these two images are not linked")
        return Answer(shown)

    @app.get(
        "/api/elements",
        summary="What is common to many unrelated images, or was marked as common or not, the largest first",
        response_model=ElementsTold,
    )
    def elements(
        request: Request,
        page: Page = 1,
        q: Annotated[
            str, Query(description="Text in a path or the metadata of an image that shows it.")
        ] = "",
        kind: Annotated[str, _words(KINDS)] = "",
        verdict: Annotated[str, _words(VERDICTS, "What a person said. ")] = "",
        size_min: Annotated[str, Query(description="Images, at least.")] = "",
        size_max: Annotated[str, Query(description="Images, at most.")] = "",
    ) -> Answer:
        library.prepare()
        state = library.state
        held = ElementSelection.from_parameters(request.query_params).chosen(state)
        shown, about = part_of(held, page, ELEMENTS_A_PAGE)
        return Answer({**about, "elements": show.elements_shown(state, shown)})

    @app.get(
        "/api/images/{image_id}",
        summary="An image: its files, posts, elements, and links",
        response_model=ImagePage,
        responses=refusals(404),
    )
    def image(image_id: ImageId) -> Answer:
        state = library.state
        rank = image_rank(state, image_id)
        there = thumbs.is_there(state.catalogue, rank)
        return Answer({**image_page_shown(state, rank), "original": there})

    @app.post(
        "/api/search",
        summary="The images that show a part, or all, of a picture; nothing of it is kept",
        response_model=Found,
        responses=refusals(411, 413),
    )
    def search(image: Annotated[UploadFile, File(description="The picture.")]) -> Answer:
        limit = library.settings.images.max_bytes
        data = image.file.read(limit + 1)
        if len(data) > limit:
            raise HTTPException(413, f"the picture is too large: {limit} bytes at most")
        return Answer(found(library.state.clusters, data, settings=library.settings))

    @app.post(
        "/api/metadata",
        summary="Join a CSV with a column of paths; kept until the server stops",
        response_model=StudyTold,
        responses=refusals(411, 413),
    )
    def metadata(
        request: Request,
        table: Annotated[UploadFile, File(description="CSV in UTF-8, with a row of names.")],
        path_column: Annotated[str, Form(description="Empty: found by its name.")] = "",
        date_column: Annotated[str, Form(description="Empty: found by its name, if there is one.")] = "",
    ) -> Answer:
        data = table.file.read()
        library.join(
            lambda catalogue: read_posts(
                data, catalogue, path_column=path_column or None, date_column=date_column or None
            )
        )
        return study(request)


def _study_shown(library: Library, thumbs: Thumbs, *, version: str) -> dict[str, Any]:
    state = library.state
    clusters, posts = state.clusters, state.posts
    return {
        "name": library.folder.root.resolve().name,
        "version": version,
        "files": len(state.catalogue.files),
        "images": len(state.catalogue.images),
        "unreadable": int(state.catalogue.files.column("image_id").null_count),
        "links": int(clusters.copies.sum()),
        "clusters": len(clusters),
        "clustered_files": int(clusters.files.sum()),
        "decided_clusters": int(clusters.decided.sum()),
        "labels": sorted(set(clusters.labels.values())),
        "common_elements": int(state.elements.common.sum()),
        "listed_elements": len(state.elements.listed),
        "originals": any(thumbs.is_there(state.catalogue, rank) for rank in _sample(state)),
        "out_of_date": library.out_of_date(),
        "metadata": None
        if posts is None
        else {
            "rows": len(posts.table),
            "unknown": posts.unknown,
            "path_column": posts.path_column,
            "date_column": posts.date_column,
            "facets": posts.facets,
        },
    }


def _sample(state: State) -> Ints:
    """A few images: if the file of none of them is there, the drive of all is away."""
    return np.arange(min(len(state.catalogue.images), SAMPLE))
