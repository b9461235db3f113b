"""Names and tables that someone made to do harm, or that are only odd."""

from __future__ import annotations

import csv
import io
import shutil
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

import pimmi
from conftest import complete
from pimmi.demo.pictures import load_picture
from pimmi.study.layout import StudyFolder
from pimmi.web.library import Library
from pimmi.web.server import make_app
from web.conftest import Tab, serving

NAMES = (
    "<img src=x onerror='document.title=`harm`'>.jpg",
    "\"quotes' & ampersands; 100%?query=1#hash.jpg",
    "line\nbreak\tand\x01control.jpg",
    "=SUM(A1) 你好 🦜 \u202egnp.jpg",
)
SCRIPT = "<script>document.title='harm'</script>"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> pimmi.Study:
    """A study of one picture under odd names, each of another quality."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "images").mkdir()
    picture = Image.fromarray(load_picture("astronaut"))
    for place, name in enumerate(NAMES):
        with (folder / "images" / name).open("wb") as file:
            picture.save(file, "JPEG", quality=60 + 10 * place)
    return complete(folder / "study", folder / "images")


@pytest.fixture
def library(odd: pimmi.Study, tmp_path: Path) -> Library:
    shutil.copytree(odd.path, tmp_path / "study")
    return Library(StudyFolder(tmp_path / "study"), settings=odd.settings)


def table() -> bytes:
    """Posts as a French spreadsheet writes them: with semicolons, and a byte-order mark; two columns have one name."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";")
    writer.writerow(["image", "author", "author", "constructor"])
    for place, name in enumerate(NAMES):
        writer.writerow([name, SCRIPT if place % 2 else 'O\'Neil; "Bob"', place, "toString"])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def test_a_table_with_semicolons_is_joined(client: httpx.Client) -> None:
    answer = client.post("/api/metadata", files={"table": ("posts.csv", table())})
    assert answer.status_code == 200, answer.text
    metadata = answer.json()["metadata"]
    assert (metadata["rows"], metadata["unknown"]) == (len(NAMES), 0)
    assert {value for value, _ in metadata["facets"]["author"]} == {SCRIPT, 'O\'Neil; "Bob"'}
    assert client.get("/api/clusters", params={"m.author": SCRIPT}).json()["total"] == 1


def test_whatever_the_names_what_is_taken_away_can_be_read(client: httpx.Client, tmp_path: Path) -> None:
    client.post("/api/metadata", files={"table": ("posts.csv", table())})
    rows = list(csv.DictReader(io.StringIO(client.get("/api/take/csv").text, newline="")))
    assert {row["path"] for row in rows} == set(NAMES)
    own = list(csv.DictReader(io.StringIO(client.get("/api/take/posts").text, newline="")))
    assert {row["image"]: row["pimmi_cluster"] for row in own} == {
        row["path"]: row["cluster_id"] for row in rows
    }
    graph = ET.fromstring(client.get("/api/take/gexf").content)
    assert len(graph.findall(".//{http://gexf.net/1.3}node")) == len(NAMES)
    with zipfile.ZipFile(io.BytesIO(client.get("/api/take/zip").content)) as archive:
        assert archive.testzip() is None
        assert all(".." not in name and not name.startswith("/") for name in archive.namelist())
    for row in rows:
        assert client.get(f"/files/{row['image_id']}").status_code == 200


def test_names_and_tables_are_text_on_every_page(tab: Tab) -> None:
    cluster = tab.page.request.get(f"{tab.address}/api/clusters").json()["clusters"][0]
    tab.page.request.post(
        f"{tab.address}/api/metadata",
        multipart={"table": {"name": "posts.csv", "mimeType": "text/csv", "buffer": table()}},
        headers={"Origin": tab.address},
    )
    decision = {"kind": "label", "first": cluster["representative"], "value": SCRIPT}
    tab.page.request.post(f"{tab.address}/api/decisions", data=[decision], headers={"Origin": tab.address})
    addresses = [
        "/",
        f"/clusters/{cluster['id']}?by=m.author",
        f"/clusters/{cluster['id']}/graph",
        "/decisions",
    ]
    tab.open(addresses[1])
    addresses += [tab.page.locator(".member > a").nth(place).get_attribute("href") or "" for place in (0, 1)]
    for address in addresses:
        tab.open(address)
        expect(tab.page.locator("main script, main img[onerror]")).to_have_count(0)
        assert tab.page.title() != "harm"
    tab.open("/")
    expect(tab.page.locator(".card .name")).to_have_text(SCRIPT)
    tab.page.locator("select[name='m.author']").select_option(SCRIPT)
    tab.page.wait_for_url("**/?m.author=*")
    expect(tab.page.locator(".card")).to_have_count(1)


def test_a_study_without_copies_has_pages_as_well(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("astronaut", "coffee"):
        Image.fromarray(load_picture(name)).save(tmp_path / "images" / f"{name}.jpg")
    study = complete(tmp_path / "study", tmp_path / "images")
    library = Library(StudyFolder(study.path), settings=study.settings)
    with serving(make_app(library)) as address, browser.new_context(locale="en-GB") as context:
        tab = Tab(context.new_page(), address)
        tab.page.on("console", tab.hear)
        for path in ("/elements", "/decisions", "/?figures=1"):
            tab.open(path)
            expect(tab.page.locator("main")).not_to_contain_text("That didn't work")
        expect(tab.page.locator(".empty")).to_have_text("None of the 2 images is a copy of another one.")
        assert tab.page.request.get(f"{address}/api/take/zip").status == 200
        assert tab.complaints == []
