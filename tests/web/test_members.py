"""The images of a cluster in groups, one image, and filters by date."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from pimmi.web import serving_data
from pimmi.web.library import Library
from web.conftest import posts


def everything(client: httpx.Client, cluster: str, by: str) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """All members of a cluster, page by page, and the sizes of its groups."""
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = client.get(f"/api/clusters/{cluster}", params={"by": by, "page": page}).json()
        found += answer["members"]
        if page == answer["pages"]:
            return found, {group["name"]: group["count"] for group in answer["groups"]}
        page += 1


def largest(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/clusters").json()["clusters"][0]
    return found


@pytest.mark.parametrize("by", ["relation", "variant", "date", "m.author"])
def test_groups_are_of_the_whole_cluster_however_it_is_cut_into_pages(
    client: httpx.Client, library: Library, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/api/metadata", files={"table": ("posts.csv", posts(library))})
    cluster = largest(client)["id"]
    whole, sizes = everything(client, cluster, by)
    assert Counter(member["group"] for member in whole) == sizes
    assert len(sizes) > 1
    runs = [
        one["group"]
        for place, one in enumerate(whole)
        if not place or whole[place - 1]["group"] != one["group"]
    ]
    assert runs == list(sizes)
    monkeypatch.setattr(serving_data, "MEMBERS_A_PAGE", 3)
    assert everything(client, cluster, by) == (whole, sizes)


def test_the_groups_of_relation_and_variant_say_what_the_links_say(client: httpx.Client) -> None:
    about = largest(client)
    for member in everything(client, about["id"], "relation")[0]:
        link = member["link"]
        if link is None:
            assert (member["group"], member["id"]) == ("representative", about["representative"])
        elif link["with"] == about["representative"]:
            assert member["group"] == link["relation"]
        else:
            assert member["group"] == "through"
    for member in everything(client, about["id"], "variant")[0][1:]:
        assert member["group"] == member["link"]["variant"]


def test_by_date_the_first_seen_comes_first(client: httpx.Client, library: Library) -> None:
    client.post("/api/metadata", files={"table": ("posts.csv", posts(library))})
    members, _ = everything(client, largest(client)["id"], "date")
    assert [member["first"] for member in members] == sorted(member["first"] for member in members)
    assert all(member["first"].startswith(member["group"]) for member in members)


@pytest.mark.parametrize("by", ["colour", "date", "m.author"])
def test_what_can_not_be_grouped_by_is_refused(client: httpx.Client, by: str) -> None:
    answer = client.get(f"/api/clusters/{largest(client)['id']}", params={"by": by})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"by is {by!r}: known are relation, variant")


def test_an_image_has_its_files_and_all_with_which_it_is_linked(
    client: httpx.Client, library: Library
) -> None:
    for cluster in client.get("/api/clusters").json()["clusters"]:
        image = client.get(f"/api/images/{cluster['representative']}").json()
        assert len(image["paths"]) == image["files"]
        assert image["linked"] == len(image["links"])
        links = client.get(f"/api/clusters/{cluster['id']}/links?size=2000").json()["links"]
        inside = {
            (one["first"], one["second"]) for one in links if image["id"] in (one["first"], one["second"])
        }
        listed = [one for one in image["links"] if one["image"]["cluster"] == cluster["id"]]
        assert {tuple(sorted((image["id"], one["with"]))) for one in listed} == inside
        assert image["links"][: len(listed)] == listed
        for one in image["links"][:3]:
            proof = client.get(f"/api/links/{one['with']}/{image['id']}").json()
            assert proof["second_coverage"] == pytest.approx(one["coverage"], abs=1e-3)


def test_clusters_are_filtered_by_the_days_of_their_posts(client: httpx.Client, library: Library) -> None:
    client.post("/api/metadata", files={"table": ("posts.csv", posts(library))})
    everyone = client.get("/api/clusters").json()["clusters"]
    day = min(row["first"] for row in everyone)
    kept = client.get(f"/api/clusters?date_max={day}").json()["clusters"]
    assert kept == [row for row in everyone if row["first"] == day]
    assert client.get("/api/clusters?date_min=2024-03-01&date_max=2024-03-31").json()["total"] == len(
        everyone
    )
    assert client.get("/api/clusters?date_min=2024-02-01&date_max=2024-02-29").json()["total"] == 0
    refused = client.get("/api/clusters?date_min=soon")
    assert refused.json()["detail"] == "date_min is 'soon', which is no date: write it as 2024-05-31"


def test_the_bars_of_the_figures_are_filters(client: httpx.Client, library: Library) -> None:
    client.post("/api/metadata", files={"table": ("posts.csv", posts(library))})
    figures = client.get("/api/figures").json()
    for bar in figures["sizes"]:
        limits = {"size_min": bar["from"], "size_max": bar["to"] or ""}
        assert client.get("/api/clusters", params=limits).json()["total"] == bar["count"]
    assert figures["time"][0]["from"] == "2024-01-01"
    assert figures["time"][-1]["to"] == "2024-03-28"


def test_all_links_of_a_cluster_can_be_had_at_once(client: httpx.Client) -> None:
    cluster = largest(client)["id"]
    answer = client.get(f"/api/clusters/{cluster}/links?size=2000").json()
    assert len(answer["links"]) == answer["total"]
    pages = [client.get(f"/api/clusters/{cluster}/links?size=5&page={page}").json() for page in (1, 2)]
    assert [one for page in pages for one in page["links"]] == answer["links"][:10]
    assert client.get(f"/api/clusters/{cluster}/links?size=2001").status_code == 422
