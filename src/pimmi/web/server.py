"""The server of the pages: which address answers with what."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import BackgroundTasks, Body, FastAPI, File, Form, HTTPException, Query, Request, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field, model_validator

from pimmi.decisions.model import KINDS
from pimmi.decisions.store import decisions_table
from pimmi.errors import PimmiError
from pimmi.outputs.export import write_table
from pimmi.web import show
from pimmi.web.clusters import Ints
from pimmi.web.finding import found
from pimmi.web.library import Library, State
from pimmi.web.originals import original_file
from pimmi.web.posts import read_posts
from pimmi.web.proof import proof
from pimmi.web.selection import SORTS, Selection
from pimmi.web.taking import take_graph, take_images, take_table
from pimmi.web.thumbs import Thumbs

STATIC = Path(__file__).parent / "static"
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
COOKIE = "pimmi-token"
FOR_EVER = "private, max-age=31536000, immutable"
POLICY = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
MEDIA = {"heic": "image/heic", "avif": "image/avif"}
SAMPLE = 3
CLUSTERS_A_PAGE, MEMBERS_A_PAGE, LINKS_A_PAGE, ELEMENTS_A_PAGE = 60, 120, 60, 30
DESCRIPTION = (
    "What the pages of pimmi show of a study, as JSON. Images are named by image_id, as in the tables."
)

Answer = Callable[[Request], Awaitable[Response]]
Page = Annotated[int, Query(ge=1, description="From 1.")]


class MarkAsked(BaseModel):
    """Whether the element that shows a region (left, top, right, bottom, in pixels of the file) is common."""

    region: tuple[float, float, float, float]
    common: bool


class DecisionAsked(BaseModel):
    """One decision of an act."""

    kind: Literal["link", "together", "apart", "element", "checked", "label", "note"] = Field(
        description="; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items())
    )
    first: str = Field(description="image_id", max_length=32)
    second: str = Field(default="", description="image_id; empty for kinds about one image", max_length=32)
    value: str = Field(
        default="yes",
        description='confirmed or rejected for a link; {"region": [x0, y0, x1, y1], "common": true} for an element; '
        "a text; empty takes back",
        max_length=4000,
    )

    @model_validator(mode="after")
    def _is_read_again(self) -> DecisionAsked:
        if self.kind == "element" and self.value:
            MarkAsked.model_validate_json(self.value)
        return self


def make_app(library: Library, *, token: str | None = None) -> FastAPI:
    """The application over a study.

    With a `token`, every request must have it: in the address (`?token=`), a cookie, or a header `Authorization:
    Bearer`. Without one, only requests to a name of this machine are answered, so that no page of the web can read
    the study through the browser.
    """
    app = FastAPI(
        title="pimmi",
        version=version("pimmi"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    thumbs = Thumbs(settings=library.settings.images, originals=library.originals)
    _guard(app, token)
    _add_data(app, library)
    _add_decisions(app, library)
    _add_pictures(app, library, thumbs)
    _add_taking(app, library, thumbs)
    _add_pages(app)
    return app


def _guard(app: FastAPI, token: str | None) -> None:
    @app.middleware("http")
    async def checked(request: Request, answer: Answer) -> Response:
        refused = _refused(request, token)
        if refused is not None:
            return refused
        if token is not None and "token" in request.query_params and not request.url.path.startswith("/api/"):
            return _with_cookie(request, token)
        response = await answer(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        if not request.url.path.startswith(("/thumbs/", "/previews/", "/files/")):
            response.headers.setdefault("Cache-Control", "no-cache")
        return response

    @app.exception_handler(PimmiError)
    async def told(_request: Request, error: PimmiError) -> JSONResponse:
        return JSONResponse(
            {"detail": str(error)}, status_code=409 if "another process" in str(error) else 400
        )


def _refused(request: Request, token: str | None) -> Response | None:
    if token is None:
        host = request.url.hostname or ""
        if host not in LOCAL_HOSTS:
            return JSONResponse({"detail": f"{host} is not a name of this machine"}, status_code=403)
    elif not _knows(request, token):
        return HTMLResponse(
            "<h1>pimmi</h1><p>Open the address with the token that pimmi ui printed.", status_code=401
        )
    origin = request.headers.get("origin")
    if (
        request.method != "GET"
        and origin is not None
        and origin != f"{request.url.scheme}://{request.url.netloc}"
    ):
        return JSONResponse({"detail": "a page of another site can't change this study"}, status_code=403)
    return None


def _knows(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    held = [request.query_params.get("token", ""), request.cookies.get(COOKIE, "")]
    if scheme.lower() == "bearer":
        held.append(given)
    return any(secrets.compare_digest(one.encode(), token.encode()) for one in held)


def _with_cookie(request: Request, token: str) -> Response:
    url = request.url.remove_query_params("token")
    response = RedirectResponse(f"{url.path}?{url.query}" if url.query else url.path, status_code=303)
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
    return response


def _add_data(app: FastAPI, library: Library) -> None:
    @app.get("/api/study", summary="What the study holds, and by what it can be filtered")
    def study() -> dict[str, Any]:
        state = library.state
        clusters, posts = state.clusters, state.posts
        return {
            "name": library.folder.root.resolve().name,
            "version": app.version,
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
            "originals": _some_are_there(library, state),
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

    @app.get("/api/clusters", summary="Some clusters, filtered and sorted")
    def clusters(
        request: Request,
        page: Page = 1,
        q: Annotated[str, Query(description="Text in paths, metadata, labels and notes.")] = "",
        sort: Annotated[str, Query(description=", ".join(SORTS))] = "size",
        size_min: str = "",
        size_max: str = "",
        quality_min: str = "",
        quality_max: str = "",
        variant: str = "",
        relation: str = "",
        decision: str = "",
        label: str = "",
    ) -> dict[str, Any]:
        """Parameters that begin with `m.` filter by a column of the metadata."""
        state = library.state
        numbers = _chosen(state, request.query_params)
        shown = numbers[(page - 1) * CLUSTERS_A_PAGE : page * CLUSTERS_A_PAGE]
        return {
            "total": len(numbers),
            "files": int(state.clusters.files[numbers].sum()),
            "page": page,
            "pages": _pages(len(numbers), CLUSTERS_A_PAGE),
            "clusters": show.clusters_shown(state, shown),
        }

    @app.get("/api/figures", summary="Small plots of some clusters; parameters as for /api/clusters")
    def figures(request: Request) -> dict[str, Any]:
        state = library.state
        return show.figures_shown(state, _chosen(state, request.query_params))

    @app.get(
        "/api/clusters/{cluster_id}", summary="A cluster and some of its images, the representative first"
    )
    def cluster(cluster_id: str, page: Page = 1) -> dict[str, Any]:
        state = library.state
        number = _number(state, cluster_id)
        images = state.clusters.images_of(number)
        (about,) = show.clusters_shown(state, np.array([number]))
        shown = images[(page - 1) * MEMBERS_A_PAGE : page * MEMBERS_A_PAGE]
        return {
            **about,
            "page": page,
            "pages": _pages(len(images), MEMBERS_A_PAGE),
            "members": show.members_shown(state, shown, representative=int(images[0])),
            "timeline": show.timeline_shown(state, images),
        }

    @app.get("/api/clusters/{cluster_id}/links", summary="The links inside a cluster, the least sure first")
    def links(cluster_id: str, page: Page = 1) -> dict[str, Any]:
        state = library.state
        inside = show.links_inside(state.clusters, _number(state, cluster_id))
        shown = inside[(page - 1) * LINKS_A_PAGE : page * LINKS_A_PAGE]
        return {
            "total": len(inside),
            "page": page,
            "pages": _pages(len(inside), LINKS_A_PAGE),
            "links": show.links_shown(state.clusters, shown),
        }

    @app.get(
        "/api/clusters/{cluster_id}/graph",
        summary="The images of a cluster as nodes, and the links between them",
    )
    def graph(cluster_id: str) -> dict[str, Any]:
        state = library.state
        return show.graph_shown(state.clusters, _number(state, cluster_id))

    @app.get("/api/links/{first}/{second}", summary="The proof of a link, from the first image to the second")
    def link(first: str, second: str) -> dict[str, Any]:
        clusters = library.state.clusters
        one, other = _rank(library.state, first), _rank(library.state, second)
        shown = proof(clusters, one, other, settings=library.settings.matching)
        if shown is None:
            raise HTTPException(404, "these two images are not linked")
        return shown

    @app.get(
        "/api/elements",
        summary="What is common to many unrelated images, or was marked as common or not, the largest first",
    )
    def elements(page: Page = 1) -> dict[str, Any]:
        state = library.state
        listed = state.elements.listed
        shown = listed[(page - 1) * ELEMENTS_A_PAGE : page * ELEMENTS_A_PAGE]
        return {
            "total": len(listed),
            "page": page,
            "pages": _pages(len(listed), ELEMENTS_A_PAGE),
            "elements": show.elements_shown(state, shown),
        }

    @app.get("/api/images/{image_id}", summary="An image: its files, its cluster, its posts")
    def image(image_id: str) -> dict[str, Any]:
        state = library.state
        rank = _rank(state, image_id)
        return {
            **show.image_shown(state.clusters, rank),
            "paths": show.paths_of(state.clusters, rank),
            "posts": [] if state.posts is None else state.posts.of(rank),
            "original": original_file(state.catalogue, rank, originals=library.originals) is not None,
        }

    @app.post(
        "/api/search", summary="The images that show a part, or all, of a picture; nothing of it is kept"
    )
    def search(image: Annotated[UploadFile, File(description="The picture.")]) -> dict[str, Any]:
        limit = library.settings.images.max_bytes
        data = image.file.read(limit + 1)
        if len(data) > limit:
            raise HTTPException(413, f"the picture is too large: {limit} bytes at most")
        return found(library.state.clusters, data, settings=library.settings)

    @app.post("/api/metadata", summary="Join a CSV with a column of paths; kept until the server stops")
    def metadata(
        table: Annotated[UploadFile, File(description="CSV in UTF-8, with a row of names.")],
        path_column: Annotated[str, Form()] = "",
        date_column: Annotated[str, Form()] = "",
    ) -> dict[str, Any]:
        data = table.file.read()
        library.join(
            lambda catalogue: read_posts(
                data, catalogue, path_column=path_column or None, date_column=date_column or None
            )
        )
        return study()


def _add_decisions(app: FastAPI, library: Library) -> None:
    @app.get("/api/decisions", summary="What was decided, the last first")
    def decisions(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> dict[str, Any]:
        rows = library.decided()
        return {"total": len(rows), "decisions": [_decision(row) for row in rows[:limit]]}

    @app.post("/api/decisions", summary="Decide: one act, which is undone as a whole; applied at once")
    def decide(
        decisions: Annotated[list[DecisionAsked], Body(min_length=1, max_length=10_000)],
    ) -> dict[str, Any]:
        for one in decisions:
            for name in (one.first, one.second) if one.second else (one.first,):
                _rank(library.state, name)
        done = library.decide([(one.kind, one.first, one.second, one.value) for one in decisions])
        return _outcome(library.state, done)

    @app.post("/api/decisions/undo", summary="Take the last act back")
    def undo() -> dict[str, Any]:
        undone = library.undo()
        return _outcome(library.state, undone)


def _add_pictures(app: FastAPI, library: Library, thumbs: Thumbs) -> None:
    kept = {"Cache-Control": FOR_EVER}

    @app.get("/thumbs/{image_id}.webp", summary="An image at 256 px", response_class=Response)
    def thumb(image_id: str) -> Response:
        data = thumbs.thumb(library.state.catalogue, _rank(library.state, image_id))
        return Response(data, media_type="image/webp", headers=kept)

    @app.get(
        "/previews/{image_id}.webp",
        summary="An image at 1,024 px, if its file is there",
        response_class=Response,
    )
    def preview(image_id: str) -> Response:
        data = thumbs.preview(library.state.catalogue, _rank(library.state, image_id))
        return Response(data, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"})

    @app.get("/files/{image_id}", summary="The file of an image", response_class=FileResponse)
    def file(image_id: str) -> FileResponse:
        state = library.state
        rank = _rank(state, image_id)
        path = original_file(state.catalogue, rank, originals=library.originals)
        if path is None:
            raise HTTPException(404, "the file is away: is its drive connected?")
        kind = str(state.catalogue.images.column("format")[rank].as_py())
        return FileResponse(
            path,
            media_type=MEDIA.get(kind, f"image/{kind}"),
            filename=path.name,
            content_disposition_type="inline",
        )


def _add_taking(app: FastAPI, library: Library, thumbs: Thumbs) -> None:
    @app.get(
        "/api/take/decisions.csv", summary="The decisions that were not undone", response_class=FileResponse
    )
    def take_decisions(tasks: BackgroundTasks) -> FileResponse:
        folder = tempfile.TemporaryDirectory(prefix="pimmi-take-")
        tasks.add_task(folder.cleanup)
        path = Path(folder.name) / "decisions.csv"
        write_table(decisions_table(library.folder), path)
        return FileResponse(path, filename=path.name)

    @app.get(
        "/api/take/{kind}",
        summary="Some clusters as a file; parameters as for /api/clusters, or cluster=ID",
        response_class=FileResponse,
    )
    def take(
        kind: Literal["csv", "parquet", "gexf", "zip"], request: Request, tasks: BackgroundTasks
    ) -> FileResponse:
        state = library.state
        one = request.query_params.get("cluster")
        numbers = np.array([_number(state, one)]) if one else _chosen(state, request.query_params)
        folder = tempfile.TemporaryDirectory(prefix="pimmi-take-")
        tasks.add_task(folder.cleanup)
        name = f"{library.folder.root.resolve().name}-{one[:8] if one else 'clusters'}.{kind}"
        path = Path(folder.name) / name
        try:
            if kind == "gexf":
                take_graph(state, numbers, path)
            elif kind == "zip":
                take_images(state, numbers, path, thumbs=thumbs, originals=library.originals)
            else:
                take_table(state, numbers, path)
        except BaseException:
            folder.cleanup()
            raise
        return FileResponse(path, filename=name)


def _add_pages(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    page = (STATIC / "index.html").read_text(encoding="utf-8")

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> FileResponse:
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    @app.get("/", include_in_schema=False)
    @app.get("/clusters/{one}", include_in_schema=False)
    @app.get("/clusters/{one}/graph", include_in_schema=False)
    @app.get("/links/{one}/{other}", include_in_schema=False)
    @app.get("/elements", include_in_schema=False)
    @app.get("/search", include_in_schema=False)
    @app.get("/decisions", include_in_schema=False)
    def shell() -> HTMLResponse:
        return HTMLResponse(page)


def _chosen(state: State, parameters: Mapping[str, str]) -> Ints:
    return Selection.from_parameters(parameters).chosen(state)


def _number(state: State, cluster_id: str) -> int:
    number = state.clusters.number(cluster_id)
    if number is None:
        raise HTTPException(404, "there is no such cluster")
    return number


def _rank(state: State, image_id: str) -> int:
    rank = state.clusters.rank(image_id)
    if rank is None:
        raise HTTPException(404, "there is no such image in the study")
    return rank


def _some_are_there(library: Library, state: State) -> bool:
    """Whether the file of one of the first images is there: if none is, the drive of all of them is away."""
    ranks = range(min(len(state.catalogue.images), SAMPLE))
    return any(original_file(state.catalogue, rank, originals=library.originals) for rank in ranks)


def _pages(count: int, size: int) -> int:
    return max(1, -(-count // size))


def _decision(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("act", "kind", "first", "second", "value", "decided_at")}


def _outcome(state: State, rows: list[Any]) -> dict[str, Any]:
    """The decisions, and the clusters in which the images that they name are now."""
    names = {name for row in rows for name in (row.first, row.second) if name}
    held = {}
    for name in sorted(names):
        rank = state.clusters.rank(name)
        number = -1 if rank is None else int(state.clusters.cluster[rank])
        held[name] = state.clusters.name(number) if number >= 0 else None
    return {"decisions": [_decision(row) for row in rows], "clusters": held}
