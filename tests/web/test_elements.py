"""Elements are shown where grouping has written them, and can be marked as common."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from pimmi.decisions.model import ElementMark
from pimmi.decisions.store import read_decisions
from pimmi.web.library import Library
from web.conftest import Tab


@pytest.fixture(autouse=True)
def collage(library: Library) -> dict[str, Any]:
    """An image of the first cluster that shows a frame, common to many, and a picture of the second cluster."""
    clusters = library.state.clusters
    first, second = (clusters.images_of(number).tolist() for number in range(2))
    ids = [clusters.image_id(rank) for rank in (first[0], second[0])]
    elements = [
        {"element_id": "frame", "size": 40, "kind": "frame", "common": True, "representative": ids[0]},
        {"element_id": "photo", "size": 7, "kind": "photo", "common": False, "representative": ids[1]},
    ]
    parts = [("frame", 0.0, 0.0, 90.0, 20.0), ("photo", 0.0, 20.0, 90.0, 80.0)]
    rows = [
        {
            "image_id": ids[0],
            "element_id": name,
            "x0": x0,
            "y0": y0,
            "x1": x1,
            "y1": y1,
            "coverage": 0.2,
            "main": False,
        }
        for name, x0, y0, x1, y1 in parts
    ]
    groups = library.folder.clusters.parent
    pq.write_table(pa.Table.from_pylist(elements), groups / "elements.parquet")
    pq.write_table(pa.Table.from_pylist(rows), groups / "memberships.parquet")
    library.folder.clusters.touch()
    return {"image": ids[0], "cluster": clusters.name(0), "other": clusters.name(1)}


def test_an_image_tells_its_elements_and_in_which_other_clusters_it_is(
    client: httpx.Client, collage: dict[str, Any]
) -> None:
    assert client.get("/api/study").json()["elements"] is True
    member = client.get(f"/api/clusters/{collage['cluster']}").json()["members"][0]
    assert member["id"] == collage["image"]
    assert [element["element"] for element in member["elements"]] == ["frame", "photo"]
    assert member["elements"][1]["region"] == [0.0, 20.0, 90.0, 80.0]
    assert member["also_in"] == [collage["other"]]


def test_an_element_is_outlined_and_marked(tab: Tab, library: Library, collage: dict[str, Any]) -> None:
    tab.open(f"/clusters/{collage['cluster']}")
    tab.page.get_by_label("Outline elements").check()
    expect(tab.page.locator(".outline rect.common")).to_have_count(1)
    expect(tab.page.locator(".outline rect.own")).to_have_count(1)
    tab.page.get_by_role("button", name="Mark as not common").click()
    expect(tab.page.locator("#said")).to_have_text("Saved.")
    (mark,) = read_decisions(library.folder).elements
    assert mark == ElementMark(image_id=collage["image"], region=(0.0, 0.0, 90.0, 20.0), common=False)
    (row,) = tab.page.request.get(f"{tab.address}/api/decisions").json()["decisions"]
    assert json.loads(row["value"])["common"] is False
