"""Whom the server answers, and what it refuses before it is read."""

from __future__ import annotations

import http.client
from pathlib import Path

import httpx
import pytest

from pimmi.web.library import Library
from pimmi.web.server import MOST_METADATA
from web.conftest import asking


def test_a_name_that_leads_here_by_way_of_another_site_is_not_answered(client: httpx.Client) -> None:
    for host in ("rebound.example", "rebound.example:8420", "localhost.example", "127.0.0.1.example"):
        assert client.get("/api/study", headers={"Host": host}).status_code == 403
    assert client.get("/api/study", headers={"Host": "localhost"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_a_page_of_another_site_can_not_change_a_study(client: httpx.Client, origin: str) -> None:
    for path in ("/api/decisions/undo", "/api/decisions", "/api/search", "/api/metadata"):
        assert client.post(path, headers={"Origin": origin}).status_code == 403
    own = {"Origin": str(client.base_url).rstrip("/")}
    assert client.post("/api/decisions/undo", headers=own).status_code == 200


def test_a_page_of_another_site_can_not_show_what_is_in_a_study(client: httpx.Client) -> None:
    image = client.get("/api/clusters").json()["clusters"][0]["representative"]
    for path in (f"/thumbs/{image}.webp", f"/files/{image}", "/api/study", "/static/app.js"):
        for site in ("cross-site", "same-site"):
            asked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
            assert client.get(path, headers=asked).status_code == 403
        assert client.get(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/clusters/0", headers=link).status_code == 200


def test_every_answer_forbids_what_comes_from_elsewhere(client: httpx.Client) -> None:
    for path in ("/", "/api/study", "/static/app.js", "/api/clusters/none"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_what_is_too_large_is_refused_before_it_is_read(client: httpx.Client) -> None:
    def status(**headers: str) -> int:
        connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=10)
        connection.putrequest("POST", "/api/search")
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        found = connection.getresponse().status
        connection.close()
        return found

    assert status(Content_Length=str(MOST_METADATA + 1)) == 413
    assert status(Transfer_Encoding="chunked") == 411


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2f..%2f..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/files/..%2f..%2fetc%2fpasswd",
        "/thumbs/..%2f..%2fstudy.toml.webp",
        "/api/clusters/%00",
        "/api/take/..%2fcsv",
    ],
)
def test_no_address_leads_out_of_the_study(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code in (404, 422)


def test_with_a_token_nothing_is_answered_without_it(library: Library) -> None:
    with asking(library, token="secret") as client:
        for path in ("/", "/api/study", "/static/app.js", "/thumbs/0.webp"):
            assert client.get(path).status_code == 401
        assert client.get("/api/study?token=wrong").status_code == 401
        assert client.post("/api/decisions/undo").status_code == 401
        assert client.get("/api/study", headers={"Authorization": "Bearer secret"}).status_code == 200
        answer = client.get("/search?token=secret", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/search")
        assert client.get("/api/study").status_code == 200
        other = {"Origin": "http://evil.example"}
        assert client.post("/api/decisions/undo", headers=other).status_code == 403


def test_two_studies_on_one_machine_each_have_their_token(library: Library) -> None:
    with asking(library, token="one") as first, asking(library, token="two") as second:
        first.get("/?token=one")
        second.cookies = first.cookies
        second.get("/?token=two")
        first.cookies = second.cookies
        assert (first.get("/api/study").status_code, second.get("/api/study").status_code) == (200, 200)


def test_a_file_that_was_replaced_by_one_of_its_size_is_not_shown(
    client: httpx.Client, library: Library, corpus: Path, tmp_path: Path
) -> None:
    image = client.get("/api/clusters").json()["clusters"][0]
    there = tmp_path / "other" / image["path"]
    there.parent.mkdir(parents=True)
    there.write_bytes(b"x" * (corpus / "images" / image["path"]).stat().st_size)
    library.originals = tmp_path / "other"
    with asking(library) as far:
        assert far.get(f"/files/{image['representative']}").status_code == 404
        assert b"x" * 16 not in far.get(f"/api/take/zip?cluster={image['id']}").content
