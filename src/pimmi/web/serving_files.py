"""Addresses of pictures, and of what a person takes away."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import numpy as np
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, Response

from pimmi.decisions.store import decisions_table
from pimmi.outputs.disk import full_disk_named
from pimmi.outputs.export import write_table
from pimmi.web.answers.model import refusals
from pimmi.web.asking import ImageId, chosen_clusters, cluster_number, image_rank
from pimmi.web.clusters import Ints
from pimmi.web.library import Library, State
from pimmi.web.taking import take_graph, take_images, take_posts, take_table
from pimmi.web.thumbs import Thumbs

FOR_EVER = "private, max-age=31536000, immutable"
FOR_AN_HOUR = "private, max-age=3600"
MEDIA = {"heic": "image/heic", "avif": "image/avif"}
TAKEN = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "posts": "text/csv",
    "gexf": "application/gexf+xml",
    "zip": "application/zip",
}
"""What is taken away, and its media type."""


def add_pictures(app: FastAPI, library: Library, thumbs: Thumbs) -> None:
    """Add the pictures at three sizes; those of the files only if they are what the study knows."""

    @app.get("/thumbs/{image_id}.webp", summary="An image at 256 px", response_class=Response)
    def thumb(image_id: ImageId) -> Response:
        catalogue = library.state.catalogue
        data, lasts = thumbs.thumb(catalogue, image_rank(library.state, image_id))
        kept = {"Cache-Control": FOR_EVER if lasts else "no-cache"}
        return Response(data, media_type="image/webp", headers=kept)

    @app.get(
        "/previews/{image_id}.webp",
        summary="An image at 1,024 px, if its file is there",
        response_class=Response,
    )
    def preview(image_id: ImageId) -> Response:
        data = thumbs.preview(library.state.catalogue, image_rank(library.state, image_id))
        return Response(data, media_type="image/webp", headers={"Cache-Control": FOR_AN_HOUR})

    @app.get("/files/{image_id}", summary="The file of an image", response_class=Response)
    def file(image_id: ImageId) -> Response:
        state = library.state
        rank = image_rank(state, image_id)
        original = thumbs.original(state.catalogue, rank)
        if original is None:
            raise HTTPException(404, "the file is away: is its drive connected?")
        name, data = original
        kind = str(state.catalogue.images.column("format")[rank].as_py())
        return Response(
            data,
            media_type=MEDIA.get(kind, f"image/{kind}"),
            headers={
                "Cache-Control": FOR_AN_HOUR,
                "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, errors='replace')}",
            },
        )


def add_taking(app: FastAPI, library: Library, thumbs: Thumbs) -> None:
    """Add the files that are made of a selection."""

    @app.get(
        "/api/take/decisions.csv",
        summary="The decisions that were not undone",
        response_class=FileResponse,
        responses=_files("text/csv"),
    )
    def take_decisions(tasks: BackgroundTasks) -> FileResponse:
        folder = tempfile.TemporaryDirectory(prefix="pimmi-take-")
        tasks.add_task(folder.cleanup)
        path = Path(folder.name) / "decisions.csv"
        write_table(decisions_table(library.folder), path)
        return FileResponse(path, filename=path.name, media_type=TAKEN["csv"])

    @app.get(
        "/api/take/{kind}",
        summary="Some clusters as a file; parameters as for /api/clusters, or cluster=ID, or several IDs with commas",
        response_class=FileResponse,
        responses=_files(*TAKEN.values()) | refusals(404),
    )
    def take(
        kind: Annotated[
            Literal["csv", "parquet", "posts", "gexf", "zip"],
            PathParameter(description="A table, the user's table with clusters, a graph, or images."),
        ],
        request: Request,
        tasks: BackgroundTasks,
    ) -> FileResponse:
        state = library.state
        names = request.query_params.get("cluster", "")
        numbers = _named(state, names) if names else chosen_clusters(state, request.query_params)
        folder = tempfile.TemporaryDirectory(prefix="pimmi-take-")
        tasks.add_task(folder.cleanup)
        which = names[:8] if names and "," not in names else "posts" if kind == "posts" else "clusters"
        ending = "csv" if kind == "posts" else kind
        path = Path(folder.name) / f"{library.folder.root.resolve().name}-{which}.{ending}"
        try:
            with full_disk_named(path):
                _write(state, numbers, path, kind=kind, thumbs=thumbs)
        except BaseException:
            folder.cleanup()
            raise
        return FileResponse(path, filename=path.name, media_type=TAKEN[kind])


def _files(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """That an address answers with a file of one of some media types."""
    binary = {"schema": {"type": "string", "format": "binary", "description": "The file."}}
    return {200: {"description": "A file to keep.", "content": dict.fromkeys(kinds, binary)}}


def _named(state: State, names: str) -> Ints:
    numbers = [cluster_number(state, name) for name in names.split(",")]
    return np.array(list(dict.fromkeys(numbers)), np.int64)


def _write(state: State, numbers: Ints, path: Path, *, kind: str, thumbs: Thumbs) -> None:
    if kind == "gexf":
        take_graph(state, numbers, path)
    elif kind == "zip":
        take_images(state, numbers, path, thumbs=thumbs)
    elif kind == "posts":
        take_posts(state, numbers, path)
    else:
        take_table(state, numbers, path)
