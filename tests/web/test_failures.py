"""What a page says when the server doesn't give what was asked for."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from pimmi.web import taking
from pimmi.web.library import Library
from pimmi.web.server import make_app
from web.conftest import WAIT_MS, Tab, serving


def test_a_page_says_why_a_file_cannot_be_taken_away(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MOST_IMAGES", 1)
    tab.open("/")
    tab.page.get_by_text("Take away").first.click()
    tab.page.get_by_role("link", name="Images and contact sheet (ZIP)").click()
    said = tab.page.locator("#said.bad")
    assert "images are too many for an archive: choose clusters with 1 at most" in said.inner_text()
    assert tab.page.url == tab.address + "/"
    assert "status of 400" in tab.complaints.pop()


def test_a_page_says_that_the_server_was_stopped(browser: Browser, library: Library) -> None:
    with browser.new_context(locale="fr-FR") as context:
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        with serving(make_app(library)) as address:
            page.goto(f"{address}/search")
            page.wait_for_selector(".drop")
        page.get_by_role("link", name="Décisions").click()
        expected = "Cela n'a pas marché : pimmi ui ne répond pas. Tourne-t-il encore ?"
        assert page.locator("main .empty").inner_text() == expected
