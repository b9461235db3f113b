"""Going through the pages as a person does: from image to image, back, with what goes wrong meanwhile."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

import pimmi
from pimmi.web.library import Library
from web.conftest import Tab, posts


def open_cluster(tab: Tab, place: int = 0) -> int:
    """Open a cluster of the wall, and return how many images it has."""
    tab.open("/")
    tab.page.locator(".card a").nth(place).click()
    tab.page.wait_for_selector(".member")
    tab.ready()
    return tab.page.locator(".member").count()


def join(tab: Tab, library: Library) -> None:
    """Give the server the user's table."""
    tab.page.request.post(
        f"{tab.address}/api/metadata",
        multipart={"table": {"name": "posts.csv", "mimeType": "text/csv", "buffer": posts(library)}},
    )


def test_arrows_go_from_proof_to_proof_and_escape_comes_back_to_the_groups(tab: Tab) -> None:
    count = open_cluster(tab)
    tab.page.get_by_label("Group by").select_option("relation")
    tab.page.wait_for_selector(".groups h2")
    cluster = tab.page.url
    hrefs = [one.get_attribute("href") for one in tab.page.locator(".member > a").all()][1:]
    tab.page.locator(".member > a").nth(1).click()
    tab.page.wait_for_selector(".proof")
    expect(tab.page.locator(".pager")).to_contain_text(f"Image 1 of {count - 1}")
    tab.page.keyboard.press("ArrowRight")
    expect(tab.page.locator(".pager")).to_contain_text(f"Image 2 of {count - 1}")
    assert tab.page.url == f"{tab.address}{hrefs[1]}"
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector(".member")
    assert tab.page.url == cluster


def test_a_cluster_of_two_is_split_by_rejecting_their_link(tab: Tab) -> None:
    clusters = tab.page.request.get(f"{tab.address}/api/clusters").json()["clusters"]
    pair = next(row for row in clusters if row["images"] > 2)
    links = tab.page.request.get(f"{tab.address}/api/clusters/{pair['id']}/links?size=2000").json()["links"]
    last = links[0]["second"]
    own = [link for link in links if last in (link["first"], link["second"])]
    for link in own:
        tab.open(f"/links/{link['first']}/{link['second']}")
        tab.page.get_by_role("button", name="Reject").click()
        said = "the two images are in different clusters now" if link is own[-1] else "Rejected"
        expect(tab.page.locator("#said")).to_contain_text(said)
    tab.open(f"/clusters/{pair['representative']}")
    expect(tab.page.locator(f".member a[data-key='{last}']")).to_have_count(0)


def test_an_image_tells_its_files_its_posts_and_its_links(tab: Tab, library: Library) -> None:
    join(tab, library)
    open_cluster(tab)
    tab.page.locator(".member > a").first.click()
    tab.page.wait_for_selector(".frame.full img")
    assert tab.page.locator(".paths li").count() >= 1
    assert tab.page.locator(".posts tbody tr").count() == 2 * tab.page.locator(".paths li").count()
    expect(tab.page.locator(".posts tbody tr").last).to_contain_text("eve")
    tab.page.locator(".linked .member a").first.click()
    tab.page.wait_for_selector(".proof")
    tab.page.get_by_role("link", name="about this image").last.click()
    tab.page.wait_for_selector(".frame.full img")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector(".members")


def test_clusters_that_were_ticked_are_taken_away(tab: Tab, library: Library) -> None:
    join(tab, library)
    tab.open("/")
    for place in (1, 2):
        tab.page.locator(".card a").nth(place).focus()
        tab.page.keyboard.press("Space")
    chosen = {tab.page.locator(".card a").nth(place).get_attribute("data-key") for place in (1, 2)}
    tab.page.locator(".selection").get_by_text("Take away").click()
    with tab.page.expect_download() as download:
        tab.page.locator(".selection").get_by_role("link", name="Your table with clusters").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["pimmi_cluster"] for row in rows} == chosen
    assert {row["author"] for row in rows} >= {"eve"}


def test_a_study_may_be_grouped_again_while_a_page_is_open(tab: Tab, library: Library) -> None:
    open_cluster(tab)
    here = tab.page.url.rsplit("/", 1)[1]
    pimmi.open(library.folder.root).group(resolution=0.9)
    tab.page.get_by_role("button", name="Mark as checked").click()
    expect(tab.page.locator("#said")).to_have_text("Checked")
    assert tab.page.locator(".member").count() >= 2
    tab.open("/")
    count = tab.page.request.get(f"{tab.address}/api/study").json()["clusters"]
    expect(tab.page.get_by_role("heading", level=1)).to_contain_text(f"{count} clusters")
    tab.open(f"/clusters/{here}")
    assert tab.page.locator(".member").count() >= 2


def test_an_image_that_was_not_grouped_yet_is_told_of(
    tab: Tab, library: Library, corpus: Path, tmp_path: Path
) -> None:
    tab.open("/")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "later.jpg").write_bytes(next((corpus / "images").glob("*.jpg")).read_bytes() + b"\0")
    pimmi.open(library.folder.root).add(tmp_path / "new", workers=1)
    tab.open("/")
    expect(tab.page.locator(".note")).to_contain_text("has files that aren't grouped yet")


@pytest.mark.parametrize("content", [b"", b"GIF89a but no more", b"\xff\xd8\xff\xe0 cut off"])
def test_a_picture_that_can_not_be_read_is_refused_in_a_sentence(
    tab: Tab, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(content)
    tab.open("/search")
    tab.page.on("console", lambda message: tab.complaints.clear())
    tab.page.set_input_files("#picture", tmp_path / "broken.jpg")
    expect(tab.page.get_by_role("alert")).to_contain_text("That didn't work: ")
    tab.complaints.clear()


def test_a_picture_that_is_pasted_is_searched_for(tab: Tab, corpus: Path) -> None:
    data = next(path for path in sorted((corpus / "images").glob("*.jpg")) if path.stat().st_size > 5000)
    tab.open("/")
    transfer = tab.page.evaluate_handle(
        """bytes => { const list = new DataTransfer();
        list.items.add(new File([new Uint8Array(bytes)], "one.jpg", { type: "image/jpeg" }));
        return new ClipboardEvent("paste", { clipboardData: list, bubbles: true }); }""",
        list(data.read_bytes()),
    )
    tab.page.evaluate("event => document.body.dispatchEvent(event)", transfer)
    tab.page.wait_for_selector(".hit")
    expect(tab.page.locator(".hit strong").first).to_have_text("the same file, byte for byte")


def test_the_bars_of_a_figure_filter_the_wall(tab: Tab) -> None:
    tab.open("/?figures=1")
    bar = tab.page.locator(".plot .pick").first
    bar.click()
    tab.page.wait_for_url("**size_min=*")
    tab.ready()
    least = int(tab.page.get_by_label("Files from").input_value())
    first = tab.page.locator(".card strong").first.inner_text()
    assert int(first.split()[0]) >= least


def test_the_graph_is_drawn_nearer_and_leads_to_proofs(tab: Tab) -> None:
    open_cluster(tab)
    tab.page.get_by_role("link", name="Graph").click()
    tab.page.wait_for_selector(".graph image")
    whole = tab.page.locator(".graph").get_attribute("viewBox")
    tab.page.get_by_role("button", name="Closer").click()
    assert tab.page.locator(".graph").get_attribute("viewBox") != whole
    tab.page.get_by_role("button", name="All of it").click()
    assert tab.page.locator(".graph").get_attribute("viewBox") == whole
    tab.page.locator(".graph a[href^='/links']").first.focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(".proof")


def test_in_a_review_each_key_judges_the_link_that_is_shown(tab: Tab, library: Library) -> None:
    open_cluster(tab)
    tab.page.get_by_role("button", name="Review links").click()
    tab.page.wait_for_selector(".proof")
    seen = []
    for place in range(1, 4):
        expect(tab.page.locator(".pager")).to_contain_text(f"Least sure first: {place} of")
        seen.append(tuple(sorted(tab.page.url.split("?")[0].split("/")[-2:])))
        tab.page.evaluate(
            """for (const key of "yn")
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))"""
        )
    expect(tab.page.locator("html.deciding")).to_have_count(0)
    made = [(row.first, row.second, row.value) for row in library.decided()[::-1]]
    assert made == [(*pair, "confirmed") for pair in seen]
