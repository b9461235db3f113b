"""What recurs in several images is shown, and a person can say whether it is common."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

import pimmi
from conftest import ORIGINALS, complete, source
from pimmi.decisions.model import ElementMark
from pimmi.decisions.store import read_decisions
from pimmi.demo.families import FAMILIES
from pimmi.demo.writing import write_corpus
from pimmi.study.groups import read_group
from pimmi.study.layout import StudyFolder
from pimmi.web.library import Library
from web.conftest import Tab

CHANGES = ("jpeg_q30", "crop_40", "mirror", "screenshot", "collage_2")


@pytest.fixture(scope="module")
def collages(tmp_path_factory: pytest.TempPathFactory) -> pimmi.Study:
    """A study of copies, of which some are collages, and some screenshots in the frame of one app."""
    folder = tmp_path_factory.mktemp("collages")
    write_corpus(
        folder,
        originals=[source(name) for name in ORIGINALS],
        distractors=[],
        families=[family for family in FAMILIES if family.name in CHANGES],
    )
    return complete(folder / "study", folder / "images")


@pytest.fixture
def library(collages: pimmi.Study, tmp_path: Path) -> Library:
    """A copy of the study, which a test may change."""
    shutil.copytree(collages.path, tmp_path / "study")
    return Library(StudyFolder(tmp_path / "study"), settings=collages.settings)


def listed(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/elements").json()["elements"]
    return found


def clusters(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/clusters").json()["clusters"]
    return found


def mark(client: httpx.Client, image: str, region: list[float], *, common: bool) -> dict[str, str | None]:
    value = json.dumps({"region": region, "common": common})
    answer = client.post("/api/decisions", json=[{"kind": "element", "first": image, "value": value}])
    assert answer.status_code == 200, answer.text
    held: dict[str, str | None] = answer.json()["clusters"]
    return held


def frame(client: httpx.Client) -> dict[str, Any]:
    """The frame of the screenshots."""
    (found,) = (element for element in listed(client) if element["kind"] == "frame")
    return found


def test_images_tell_their_elements_and_in_which_other_clusters_they_are(
    client: httpx.Client, library: Library, collages: pimmi.Study
) -> None:
    table = collages.cluster_table().to_pylist()
    members = read_group(library.folder, "memberships").to_pylist()
    elements = {row["element_id"]: row for row in read_group(library.folder, "elements").to_pylist()}
    others = {row["image_id"]: (row["also_in"] or "").split() for row in table}
    shown = [
        member
        for cluster in clusters(client)
        for member in client.get(f"/api/clusters/{cluster['id']}").json()["members"]
    ]
    assert {member["id"] for member in shown} == others.keys()
    assert any(others.values())
    for member in shown:
        assert [other["id"] for other in member["also_in"]] == others[member["id"]]
        own = {row["element_id"]: row for row in members if row["image_id"] == member["id"]}
        assert {element["element"] for element in member["elements"]} == own.keys()
        for element in member["elements"]:
            row = own[element["element"]]
            assert element["region"] == [row[side] for side in ("x0", "y0", "x1", "y1")]
            assert element["main"] == row["main"]
            for name in ("size", "kind", "common"):
                assert element[name] == elements[element["element"]][name]


def test_common_elements_are_listed_with_images_that_show_them(
    client: httpx.Client, library: Library
) -> None:
    elements = {row["element_id"]: row for row in read_group(library.folder, "elements").to_pylist()}
    members = read_group(library.folder, "memberships").to_pylist()
    found = listed(client)
    assert {one["element"] for one in found} == {name for name, row in elements.items() if row["common"]}
    assert client.get("/api/study").json()["common_elements"] == len(found) > 0
    for one in found:
        row = elements[one["element"]]
        assert one["representative"]["id"] == row["representative"]
        assert one["region"] == [row[side] for side in ("x0", "y0", "x1", "y1")]
        shown = {example["id"]: example["region"] for example in one["examples"]}
        assert len(shown) == min(row["size"] - 1, 6)
        held = {
            member["image_id"]: [member[side] for side in ("x0", "y0", "x1", "y1")]
            for member in members
            if member["element_id"] == one["element"]
        }
        assert shown.items() <= held.items()
        assert row["representative"] not in shown


def test_links_of_what_is_common_are_in_no_cluster_and_their_proof_says_so(
    client: httpx.Client, library: Library
) -> None:
    common = [{row["query_id"], row["result_id"]} for row in read_group(library.folder, "links").to_pylist()]
    assert common
    shown: list[dict[str, Any]] = []
    for cluster in clusters(client):
        shown += client.get(f"/api/clusters/{cluster['id']}/graph").json()["links"]
        shown += client.get(f"/api/clusters/{cluster['id']}/links").json()["links"]
    assert not any({link["first"], link["second"]} in common for link in shown)
    assert client.get("/api/study").json()["links"] == len(library.state.clusters.index) - len(common)
    for first, second in map(sorted, common):
        assert client.get(f"/api/links/{first}/{second}").json()["type"] == "common"
    link = shown[0]
    assert client.get(f"/api/links/{link['first']}/{link['second']}").json()["type"] == "copy"


def test_a_family_whose_element_is_marked_as_common_dissolves_and_undo_brings_it_back(
    client: httpx.Client,
) -> None:
    before = clusters(client)
    family = next(cluster for cluster in before if not cluster["relations"] or cluster["files"] > 2)
    (first, *_) = client.get(f"/api/clusters/{family['id']}").json()["members"]
    (main,) = (element for element in first["elements"] if element["main"])
    held = mark(client, first["id"], main["region"], common=True)
    assert held == {first["id"]: None}
    assert family["id"] not in {cluster["id"] for cluster in clusters(client)}
    assert len(clusters(client)) == len(before) - 1
    (listed_now,) = (one for one in listed(client) if one["element"] == main["element"])
    assert (listed_now["common"], listed_now["marked"]) == (True, True)
    assert client.post("/api/decisions/undo").json()["clusters"] == {first["id"]: family["id"]}
    assert clusters(client) == before
    assert main["element"] not in {one["element"] for one in listed(client)}


def test_a_frame_that_is_marked_as_not_common_stays_in_the_list_to_be_marked_back(
    client: httpx.Client, library: Library
) -> None:
    before, links = clusters(client), client.get("/api/study").json()["links"]
    found = frame(client)
    image, example = found["representative"]["id"], found["examples"][0]
    mark(client, image, found["region"], common=False)
    (again,) = (one for one in listed(client) if one["element"] == found["element"])
    assert (again["common"], again["marked"]) == (False, True)
    assert client.get("/api/study").json()["links"] > links
    mark(client, example["id"], example["region"], common=True)
    assert clusters(client) == before
    mark(client, image, found["region"], common=False)
    (again,) = (one for one in listed(client) if one["element"] == found["element"])
    assert again["common"] is False
    groups = {name: read_group(library.folder, name) for name in ("clusters", "elements", "links")}
    pimmi.open(library.folder.root).group()
    assert groups == {name: read_group(library.folder, name) for name in groups}


@pytest.mark.parametrize("value", ["yes", '{"region": [1, 2], "common": true}', '{"region": [0, 0, 1, 1]}'])
def test_a_mark_that_says_nothing_is_refused(client: httpx.Client, value: str) -> None:
    image = clusters(client)[0]["representative"]
    answer = client.post("/api/decisions", json=[{"kind": "element", "first": image, "value": value}])
    assert answer.status_code == 422
    assert client.get("/api/decisions").json()["total"] == 0


def test_common_elements_are_outlined_and_marked(tab: Tab, library: Library) -> None:
    tab.open("/")
    tab.page.get_by_role("link", name="Common elements").click()
    tab.page.wait_for_selector(".recurring")
    row = tab.page.locator(".recurring > li").first
    expect(row).to_contain_text("Frame")
    count = row.locator(".examples li").count()
    expect(row.locator(".outline rect.common")).to_have_count(count + 1)
    row.get_by_role("button", name="Mark as not common").click()
    expect(tab.page.locator("#said")).to_have_text("It no longer counts as common.")
    expect(row.locator(".chip")).to_have_text("marked as not common")
    expect(row.locator(".outline rect.own")).to_have_count(count + 1)
    (held,) = read_decisions(library.folder).elements
    element = library.state.elements.listed[0]
    assert held == ElementMark(
        image_id=library.state.clusters.image_id(int(library.state.elements.representatives[element])),
        region=held.region,
        common=False,
    )
    tab.page.keyboard.press("u")
    expect(row.get_by_role("button", name="Mark as not common")).to_be_visible()
    assert read_decisions(library.folder).elements == ()
    row.locator(".examples a[href^='/links/']").first.click()
    expect(tab.page.locator(".note")).to_contain_text("common to many unrelated images")


def test_a_family_is_dissolved_from_its_page(tab: Tab) -> None:
    tab.open("/")
    count = tab.page.locator(".card").count()
    tab.page.locator(".card a").first.click()
    tab.page.wait_for_selector(".member")
    address = tab.page.url
    tab.page.get_by_label("Outline elements").check()
    member = tab.page.locator(".member").first
    expect(member.locator(".outline rect.own")).to_have_count(1)
    member.get_by_role("button", name="Mark as common").click()
    expect(tab.page.locator("#said")).to_have_text("It counts as common.")
    expect(tab.page.locator(".card")).to_have_count(count - 1)
    tab.page.get_by_role("link", name="Decisions").click()
    expect(tab.page.locator(".decided")).to_have_text(re.compile("Marked as common"))
    tab.page.keyboard.press("u")
    expect(tab.page.locator("#said")).to_have_text("Undone: Marked as common")
    tab.page.goto(address)
    tab.page.wait_for_selector(".member")


@pytest.mark.parametrize(
    ("parameters", "test"),
    [
        ("kind=frame", lambda one: one["kind"] == "frame"),
        ("kind=mark", lambda one: one["kind"] == "mark"),
        ("size_min=4", lambda one: one["size"] >= 4),
        ("size_max=4", lambda one: one["size"] <= 4),
        ("verdict=undecided", lambda one: not one["marked"]),
        ("verdict=own", lambda one: one["marked"] and not one["common"]),
        ("verdict=common", lambda one: one["marked"] and one["common"]),
    ],
)
def test_elements_are_filtered(client: httpx.Client, parameters: str, test: Any) -> None:
    one = frame(client)
    mark(client, one["representative"]["id"], one["region"], common=False)
    found = client.get(f"/api/elements?{parameters}").json()
    assert found["elements"] == [element for element in listed(client) if test(element)]
    assert found["total"] == len(found["elements"])


def test_elements_are_found_by_the_name_of_an_image_that_shows_them(client: httpx.Client) -> None:
    one = frame(client)
    path = one["examples"][0]["path"]
    found = client.get("/api/elements", params={"q": path}).json()["elements"]
    assert one["element"] in {element["element"] for element in found}
    assert client.get("/api/elements?q=no-such-name").json()["total"] == 0
    assert client.get("/api/elements?kind=emoji").status_code == 400


def test_the_page_of_elements_is_filtered_and_its_address_can_be_shared(tab: Tab) -> None:
    tab.open("/elements")
    everything = tab.page.locator(".recurring > li").count()
    tab.page.get_by_label("Kind").select_option("frame")
    tab.page.wait_for_url("**/elements?kind=frame")
    tab.ready()
    kept = tab.page.locator(".recurring > li").count()
    assert kept > 0
    assert set(tab.page.locator(".recurring > li strong").all_inner_texts()) == {"Frame"}
    tab.page.reload()
    tab.ready()
    assert tab.page.locator(".recurring > li").count() == kept
    tab.page.get_by_role("button", name="Clear all").click()
    expect(tab.page.locator(".recurring > li")).to_have_count(everything)
    assert tab.page.url == f"{tab.address}/elements"
