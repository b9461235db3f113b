"""The description of the API says what each address answers, and each address answers what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from pimmi.web.answers.model import Answer, Refusal
from pimmi.web.library import Library
from pimmi.web.server import make_app
from web.conftest import posts, serving

Description = dict[str, Any]


@pytest.fixture
def described(client: httpx.Client) -> Description:
    found: Description = client.get("/api/openapi.json").json()
    return found


def operations(described: Description) -> list[tuple[str, str, Description]]:
    return [
        (method, path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/")
    ]


def test_every_address_says_what_it_answers(described: Description) -> None:
    for method, path, operation in operations(described):
        for media, content in operation["responses"]["200"]["content"].items():
            assert content["schema"].get("$ref") or content["schema"].get("description"), (method, path)
            assert (media == "application/json") == ("/take/" not in path)
        refusals = [answer for status, answer in operation["responses"].items() if status >= "400"]
        assert len(refusals) >= 3
        for refusal in refusals:
            assert refusal["description"]
            assert refusal["content"]["application/json"]["schema"]["$ref"].endswith("/Refusal")


def test_every_field_and_parameter_is_described_in_words(described: Description) -> None:
    schemas = described["components"]["schemas"]
    assert len(schemas) > 30
    for name, schema in schemas.items():
        for field, about in schema["properties"].items():
            assert about.get("description", "").endswith((".", "…")), (name, field)
    for _, path, operation in operations(described):
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (path, parameter["name"])


class Held:
    """A client that holds each answer against what the address is said to answer."""

    def __init__(self, library: Library) -> None:
        self._app = make_app(library)
        self._client = httpx.Client(timeout=30, event_hooks={"response": [self._hold]})
        self.answered: dict[tuple[str, str], int] = {}

    @property
    def routes(self) -> list[APIRoute]:
        """Those that answer JSON."""
        return [route for route in self._app.routes if isinstance(route, APIRoute) and route.response_model]

    @contextmanager
    def serving(self) -> Iterator[httpx.Client]:
        with serving(self._app) as address, self._client as client:
            client.base_url = httpx.URL(address)
            yield client

    def _hold(self, response: httpx.Response) -> None:
        data = response.read()
        if response.is_error:
            assert Refusal.model_validate_json(data, strict=True).detail
            return
        method, path = response.request.method, response.request.url.path
        (route,) = (
            one
            for one in self.routes
            if method in (one.methods or ())
            and one.path_regex.fullmatch(path)
            and ("{" in one.path or one.path == path)
        )
        TypeAdapter(route.response_model).validate_json(data, strict=True)
        self.answered[method, route.path] = self.answered.get((method, route.path), 0) + 1


def test_each_address_answers_what_it_says(library: Library, corpus: Path) -> None:
    held = Held(library)
    with held.serving() as client:
        look(client)
        assert client.post("/api/metadata", files={"table": ("posts.csv", posts(library))}).is_success
        cluster = client.get("/api/clusters").json()["clusters"][0]
        image = client.get(f"/api/images/{cluster['representative']}").json()
        link = client.get(f"/api/clusters/{cluster['id']}/links").json()["links"][0]
        mark = {"region": image["elements"][0]["region"], "common": False}
        for one in (
            {"kind": "element", "first": image["id"], "value": json.dumps(mark)},
            {"kind": "link", "first": link["first"], "second": link["second"], "value": "confirmed"},
            {"kind": "label", "first": image["id"], "value": "a label"},
            {"kind": "note", "first": image["id"], "value": "a note"},
        ):
            assert client.post("/api/decisions", json=[one]).is_success
        assert client.get("/api/elements").json()["total"] > 0
        look(client)
        picture = (corpus / "images" / cluster["path"]).read_bytes()
        assert client.post("/api/search", files={"image": ("a.jpg", picture)}).json()["total"] > 1
        for refused in (
            client.get("/api/clusters?page=0"),
            client.get("/api/clusters?variant=upside-down"),
            client.get("/api/clusters/nothing"),
            client.get("/api/links/nothing/nothing"),
            client.post("/api/search", files={"image": ("a.jpg", b"no image")}),
            client.post("/api/search"),
            client.post("/api/decisions", json=[{"kind": "link", "first": image["id"]}]),
            client.post("/api/decisions", headers={"Origin": "http://elsewhere"}),
        ):
            assert refused.is_client_error
        assert client.post("/api/decisions/undo").is_success
    assert held.answered.keys() == {
        (method, route.path) for route in held.routes for method in route.methods or ()
    }


def look(client: httpx.Client) -> None:
    """Ask for all that there is."""
    for path in ("/api/study", "/api/figures", "/api/elements", "/api/decisions"):
        assert client.get(path).is_success
    for cluster in client.get("/api/clusters").json()["clusters"]:
        address = f"/api/clusters/{cluster['id']}"
        for by in ("", "?by=relation", "?by=variant"):
            members = client.get(address + by).json()["members"]
        for member in members[-3:]:
            assert client.get(f"/api/images/{member['id']}").is_success
        assert client.get(f"{address}/graph").is_success
        for link in client.get(f"{address}/links").json()["links"][:3]:
            assert client.get(f"/api/links/{link['first']}/{link['second']}").is_success


def test_a_number_that_json_does_not_have_is_null() -> None:
    assert Answer([float("nan"), float("inf"), 0.5]).body == b"[null,null,0.5]"
