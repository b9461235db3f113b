"""The server of the pages: all addresses, and who may ask for them."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from pimmi.errors import PimmiError
from pimmi.web.answers.model import refusals
from pimmi.web.guard import guard
from pimmi.web.library import Library
from pimmi.web.refusing import refusal
from pimmi.web.serving_data import add_data
from pimmi.web.serving_decisions import add_decisions
from pimmi.web.serving_files import add_pictures, add_taking
from pimmi.web.thumbs import Thumbs

STATIC = Path(__file__).parent / "static"
MOST_METADATA = 500_000_000
"""Bytes of a table that is sent from a page; a larger one is given by --metadata."""
DESCRIPTION = (
    "What the pages of pimmi show of a study, as JSON. Images are named by image_id, as in the tables."
)
PAGES = (
    "/",
    "/clusters/{one}",
    "/clusters/{one}/graph",
    "/images/{one}",
    "/links/{one}/{other}",
    "/elements",
    "/search",
    "/decisions",
)


def make_app(library: Library, *, token: str | None = None) -> FastAPI:
    """The application over a study; who is answered without and with a `token` is said by `pimmi.web.guard.guard`."""
    app = FastAPI(
        title="pimmi",
        version=version("pimmi"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses=refusals(400, 403, 422),
    )
    settings = library.settings.images
    thumbs = Thumbs(settings=settings, originals=library.originals)
    guard(app, token=token, most_bytes=max(MOST_METADATA, settings.max_bytes))
    _tell_errors(app)
    add_data(app, library, thumbs)
    add_decisions(app, library)
    add_pictures(app, library, thumbs)
    add_taking(app, library, thumbs)
    _add_pages(app)
    return app


def _tell_errors(app: FastAPI) -> None:
    @app.exception_handler(PimmiError)
    async def told(request: Request, error: PimmiError) -> JSONResponse:
        return refusal(request, 409 if "another process" in str(error) else 400, str(error))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        return refusal(request, error.status_code, error.detail, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def not_taken(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        return refusal(request, 422, f"{where}: {first['msg']}")


def _add_pages(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    page = (STATIC / "index.html").read_text(encoding="utf-8")

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> FileResponse:
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    def shell() -> HTMLResponse:
        return HTMLResponse(page)

    for address in PAGES:
        app.get(address, include_in_schema=False)(shell)
