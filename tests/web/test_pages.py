"""The pages in a real browser: look, filter, prove, decide, search, take away, by mouse and by keyboard."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, expect

from pimmi.evaluation import read_truth
from pimmi.web.library import Library
from web.conftest import Tab, posts

SERIOUS = ("serious", "critical")


def open_first_cluster(tab: Tab) -> int:
    """Open the largest cluster, and return how many images it has."""
    tab.open("/")
    tab.page.locator(".card a").first.click()
    tab.page.wait_for_selector(".member")
    tab.ready()
    return tab.page.locator(".member").count()


def test_the_wall_is_filtered_and_its_address_can_be_shared(tab: Tab) -> None:
    tab.open("/")
    expect(tab.page.get_by_role("heading", level=1)).to_contain_text("clusters")
    everything = tab.page.locator(".card").count()
    tab.page.get_by_label("Files from").fill("8")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/?size_min=8")
    tab.ready()
    kept = tab.page.locator(".card").count()
    assert 0 < kept < everything
    shared = tab.page.url
    tab.page.goto(shared)
    tab.ready()
    assert tab.page.locator(".card").count() == kept
    assert tab.page.get_by_label("Files from").input_value() == "8"
    tab.page.locator(".card a").last.click()
    tab.page.wait_for_selector(".member")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_url("**/?size_min=8")
    tab.page.go_back()
    tab.page.wait_for_selector(".member")
    tab.page.go_back()
    expect(tab.page.locator(".card")).to_have_count(kept)
    tab.page.get_by_role("button", name="Clear all").click()
    expect(tab.page.locator(".card")).to_have_count(everything)


def test_text_is_found_and_the_figures_are_shown(tab: Tab) -> None:
    tab.open("/")
    name = tab.page.locator(".card .name").nth(1).inner_text()
    tab.page.keyboard.press("/")
    tab.page.keyboard.type(name)
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator(".card")).to_have_count(1)
    tab.page.get_by_text("Figures").click()
    expect(tab.page.locator(".plot")).to_have_count(2)
    assert tab.page.locator(".plot rect").count() > 5


def test_a_proof_joins_the_points_and_lays_one_image_onto_the_other(tab: Tab) -> None:
    open_first_cluster(tab)
    tab.page.locator(".member a").nth(1).click()
    tab.page.wait_for_selector(".proof line", state="attached")
    heading = tab.page.get_by_role("heading", level=1).inner_text()
    agree = int(heading.split(" points agree; chance of that: 1 in 10")[0])
    assert abs(tab.page.locator(".proof circle").count() / 2 - agree) <= 4
    assert tab.page.locator(".proof .covered").count() == 2
    tab.page.get_by_label("Lines").uncheck()
    expect(tab.page.locator(".proof line")).to_have_count(0)
    laid = tab.page.locator(".laid")
    assert laid.get_attribute("transform").startswith("matrix(")  # type: ignore[union-attr]
    slider = tab.page.get_by_label("From the second to the first")
    slider.fill("0")
    expect(laid).to_have_css("opacity", "0")
    tab.page.get_by_label("Difference").check()
    expect(laid).to_have_css("mix-blend-mode", "difference")
    tab.page.get_by_role("button", name="Blink").click()
    expect(tab.page.get_by_role("button", name="Blink")).to_have_attribute("aria-pressed", "true")


def test_an_image_whose_links_are_rejected_leaves_the_cluster_and_undo_brings_it_back(
    tab: Tab, library: Library
) -> None:
    before = open_first_cluster(tab)
    here = tab.page.url
    cluster = here.rsplit("/", 1)[1]
    last = tab.page.locator(".member a").last.get_attribute("data-key")
    links = tab.page.request.get(f"{tab.address}/api/clusters/{cluster}/links").json()["links"]
    own = [link for link in links if last in (link["first"], link["second"])]
    for link in own:
        tab.open(f"/links/{link['first']}/{link['second']}")
        tab.page.keyboard.press("n")
        expect(tab.page.locator("#said")).to_contain_text("Rejected")
        expect(tab.page.locator(".chip.rejected")).to_be_visible()
    tab.page.goto(here)
    tab.page.wait_for_selector(".member")
    assert tab.page.locator(f".member a[data-key='{last}']").count() == 0
    assert tab.page.locator(".member").count() == before - 1
    for _ in own:
        tab.page.keyboard.press("u")
        expect(tab.page.locator("#said")).to_have_text("Undone: Link rejected")
        tab.page.evaluate("document.getElementById('said').textContent = ''")
    expect(tab.page.locator(".member")).to_have_count(before)
    assert library.decided() == []


def test_a_review_goes_from_link_to_link(tab: Tab) -> None:
    open_first_cluster(tab)
    tab.page.get_by_role("button", name="Review links").click()
    tab.page.wait_for_selector(".proof")
    expect(tab.page.locator(".pager")).to_contain_text("Least sure first: 1 of")
    tab.page.keyboard.press("y")
    expect(tab.page.locator(".pager")).to_contain_text("Least sure first: 2 of")
    tab.page.keyboard.press("ArrowRight")
    expect(tab.page.locator(".pager")).to_contain_text("Least sure first: 3 of")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector(".member")
    tab.page.get_by_role("link", name="Decisions").click()
    expect(tab.page.locator(".decided li")).to_have_count(1)
    expect(tab.page.locator(".decided")).to_contain_text("Link confirmed")


def test_an_image_is_removed_and_clusters_are_merged(tab: Tab) -> None:
    count = open_first_cluster(tab)
    tab.page.locator(".member a").nth(2).focus()
    tab.page.keyboard.press("Space")
    tab.page.get_by_role("button", name="Remove from the cluster").click()
    expect(tab.page.locator(".member")).to_have_count(count - 1)
    tab.open("/")
    clusters = tab.page.locator(".card").count()
    for place in (0, 1):
        tab.page.locator(".card a").nth(place).focus()
        tab.page.keyboard.press("Space")
    tab.page.get_by_role("button", name="Merge").click()
    tab.page.wait_for_selector(".member")
    tab.open("/")
    expect(tab.page.locator(".card")).to_have_count(clusters - 1)


def test_a_cluster_gets_a_label_and_a_check(tab: Tab) -> None:
    open_first_cluster(tab)
    tab.page.get_by_role("button", name="Label and note").click()
    tab.page.get_by_label("Label", exact=True).fill("The first one")
    tab.page.get_by_label("Note", exact=True).fill("Seen in May.")
    tab.page.get_by_role("button", name="Save").click()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("The first one")
    tab.page.get_by_role("button", name="Mark as checked").click()
    expect(tab.page.get_by_role("button", name="Checked")).to_have_attribute("aria-pressed", "true")
    tab.open("/?decision=checked&label=The+first+one")
    expect(tab.page.locator(".card")).to_have_count(1)
    expect(tab.page.locator(".card .name")).to_have_text("The first one")


def test_a_crop_finds_its_original_first(tab: Tab, corpus: Path, tmp_path: Path) -> None:
    tab.open("/")
    truth = read_truth(corpus / "truth.csv")
    original = min(
        path for path, image in truth.items() if image.kind == "original" and "cat" in image.origins
    )
    picture = Image.open(corpus / "images" / original)
    width, height = picture.size
    picture.crop((width // 5, height // 5, width * 4 // 5, height * 4 // 5)).save(tmp_path / "crop.png")
    tab.page.get_by_role("link", name="Search").click()
    tab.page.set_input_files("#picture", tmp_path / "crop.png")
    tab.page.wait_for_selector(".hit .proof line", state="attached")
    expect(tab.page.locator(".hit").first).to_contain_text("Your picture is a part of it")
    expect(tab.page.locator(".hit").first).to_contain_text(original)


def test_a_table_is_joined_and_the_selection_is_taken_away(
    tab: Tab, library: Library, tmp_path: Path
) -> None:
    (tmp_path / "posts.csv").write_bytes(posts(library))
    tab.open("/")
    tab.page.get_by_role("button", name="Add your table").click()
    tab.page.set_input_files("input[name=table]", tmp_path / "posts.csv")
    tab.page.get_by_role("button", name="Join").click()
    tab.page.get_by_label("author").select_option("ada")
    tab.page.wait_for_url("**/?m.author=ada")
    tab.ready()
    tab.page.get_by_text("Take away").click()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Table (CSV)").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expect(tab.page.locator("h1 small")).to_have_text(f"{len(rows)} files")
    assert {row["last_post"][:7] for row in rows} == {"2024-03"}
    tab.page.keyboard.press("Escape")
    open_first_cluster(tab)
    tab.page.get_by_label("Group by").select_option("author")
    tab.page.wait_for_selector(".groups h2")
    assert tab.page.locator(".groups h2").all_inner_texts()


def test_the_keyboard_reaches_everything(tab: Tab) -> None:
    tab.open("/")
    tab.page.keyboard.press("ArrowRight")
    expect(tab.page.locator(".card a").first).to_be_focused()
    tab.page.keyboard.press("ArrowRight")
    expect(tab.page.locator(".card a").nth(1)).to_be_focused()
    tab.page.keyboard.press("?")
    expect(tab.page.get_by_role("dialog")).to_contain_text("confirm the link")
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".card a").nth(1)).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(".member")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector(".card")


def test_french_and_dark_are_kept(tab: Tab) -> None:
    tab.open("/")
    tab.page.get_by_role("button", name="Français").click()
    expect(tab.page.get_by_role("heading", level=1)).to_contain_text("groupes")
    tab.page.get_by_role("button", name="Sombre ou clair").click()
    tab.open("/search")
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Rechercher")
    assert tab.page.evaluate("document.documentElement.lang") == "fr"
    assert tab.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_picture_that_is_dropped_is_searched_for(tab: Tab, corpus: Path) -> None:
    data = next(
        path
        for path in sorted((corpus / "images").iterdir())
        if path.suffix == ".jpg" and path.stat().st_size > 5000
    )
    tab.open("/")
    transfer = tab.page.evaluate_handle(
        """bytes => { const list = new DataTransfer();
        list.items.add(new File([new Uint8Array(bytes)], "one.jpg", { type: "image/jpeg" })); return list; }""",
        list(data.read_bytes()),
    )
    tab.page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    tab.page.wait_for_selector(".hit")
    expect(tab.page.locator(".hit strong").first).to_have_text("the same file, byte for byte")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_has_a_serious_fault_of_accessibility(
    browser: Browser, address: str, scheme: str, width: int, library: Library
) -> None:
    clusters = library.state.clusters
    cluster = clusters.name(int(clusters.files.argmax()))
    with browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
    ) as context:
        tab = Tab(context.new_page(), address)
        tab.page.on("console", tab.hear)
        tab.open(f"/clusters/{cluster}")
        proof = tab.page.locator(".member > a").nth(1).get_attribute("href") or ""
        image = tab.page.locator(".member > a").first.get_attribute("href") or ""
        picture = tab.page.request.get(f"{address}{image.replace('images', 'files')}").body()
        library.decide([("checked", image.rsplit("/", 1)[1], "", "yes")])
        library.decide([("note", image.rsplit("/", 1)[1], "", "a note")])
        faults = []
        for path in (
            "/?figures=1",
            f"/clusters/{cluster}?by=relation",
            f"/clusters/{cluster}/graph",
            proof,
            image,
            "/elements?kind=frame",
            "/search",
            "/decisions",
            "help",
            "label",
            "selection",
        ):
            if path.startswith("/"):
                tab.open(path)
            if path == "/search":
                tab.page.set_input_files(
                    "#picture", {"name": "one.jpg", "mimeType": "image/jpeg", "buffer": picture}
                )
                tab.page.wait_for_selector(".hit .proof line", state="attached")
            elif path == "help":
                tab.open("/")
                tab.page.keyboard.press("?")
            elif path == "label":
                tab.open(f"/clusters/{cluster}")
                tab.page.locator("[data-key=label]").click()
            elif path == "selection":
                tab.open("/")
                tab.page.locator(".card a").first.focus()
                tab.page.keyboard.press("Space")
                tab.page.locator(".selection summary").click()
            found = Axe().run(tab.page).response["violations"]
            faults += [
                (path, one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS
            ]
            assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert faults == []
        assert tab.complaints == []
