"""Whom the server answers: programs on this machine, or those who have the token; never a page of another site."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pimmi.web.refusing import language_of, refusal, translated

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
POLICY = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
ELSEWHERE = {"cross-site", "same-site"}
"""What a browser's Sec-Fetch-Site says of a request that a page of another site, or of another port, made."""

Answer = Callable[[Request], Awaitable[Response]]


def guard(app: FastAPI, *, token: str | None, most_bytes: int) -> None:
    """Let an application answer only whom it should, and nothing that is larger than `most_bytes`.

    With a `token`, every request must have it: in the address (`?token=`), a cookie, or a header `Authorization:
    Bearer`. Without one, only requests to a name of this machine are answered, so that no page of the web can read
    the study through the browser.
    """

    @app.middleware("http")
    async def checked(request: Request, answer: Answer) -> Response:
        refused = _stranger(request, token) or _other_site(request) or _too_large(request, most_bytes)
        if refused is not None:
            response = refused
        elif token is not None and _came_by_address(request):
            response = _with_cookie(request, token)
        else:
            response = await answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.url.path.startswith(("/thumbs/", "/previews/", "/files/")):
            response.headers.setdefault("Cache-Control", "no-cache")
        return response


def _stranger(request: Request, token: str | None) -> Response | None:
    if token is None:
        host = request.url.hostname or ""
        if host not in LOCAL_HOSTS:
            return refusal(request, 403, f"{host} is not a name of this machine")
    elif not _knows(request, token):
        language = language_of(request)
        what = translated("open the address with the token that pimmi ui printed", language=language)
        return HTMLResponse(
            f"<!doctype html><html lang={language}><title>pimmi</title><h1>pimmi</h1>"
            f"<p>{what[0].upper()}{what[1:]}.",
            status_code=401,
        )
    return None


def _other_site(request: Request) -> Response | None:
    """Refuse what a page of another site asks for; a link on it may open a page."""
    origin = request.headers.get("origin")
    if request.method not in ("GET", "HEAD"):
        if origin is not None and urlsplit(origin).netloc != request.url.netloc:
            return refusal(request, 403, "a page of another site can't change this study")
        if request.headers.get("sec-fetch-site") in ELSEWHERE:
            return refusal(request, 403, "a page of another site can't change this study")
    elif (
        request.headers.get("sec-fetch-site") in ELSEWHERE
        and request.headers.get("sec-fetch-mode") != "navigate"
    ):
        return refusal(request, 403, "a page of another site can't read this study")
    return None


def _too_large(request: Request, most_bytes: int) -> Response | None:
    """Refuse a body before it is read."""
    if request.method in ("GET", "HEAD"):
        return None
    if "transfer-encoding" in request.headers:
        return refusal(request, 411, "say how long the request is (Content-Length)")
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length) > most_bytes:
        return refusal(request, 413, f"this is too large: {most_bytes // 10**6} MB at most")
    return None


def _knows(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    held = [request.query_params.get("token", ""), request.cookies.get(_cookie(request), "")]
    if scheme.lower() == "bearer":
        held.append(given)
    return any(secrets.compare_digest(one.encode(), token.encode()) for one in held)


def _came_by_address(request: Request) -> bool:
    return "token" in request.query_params and not request.url.path.startswith("/api/")


def _cookie(request: Request) -> str:
    """Cookies of a machine are the same for all ports, so that each study needs a name of its own."""
    return f"pimmi-token-{request.url.port}"


def _with_cookie(request: Request, token: str) -> Response:
    url = request.url.remove_query_params("token")
    response = RedirectResponse(f"{url.path}?{url.query}" if url.query else url.path, status_code=303)
    response.set_cookie(_cookie(request), token, httponly=True, samesite="lax")
    return response
