"""The pages over a study of the small corpus, in the process of the tests."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

import pimmi
from pimmi.study.layout import StudyFolder
from pimmi.web.library import Library
from pimmi.web.server import make_app

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_MS = 20_000


@pytest.fixture
def library(study: pimmi.Study, tmp_path: Path) -> Library:
    """A copy of the study, which a test may change."""
    shutil.copytree(study.path, tmp_path / "study")
    return Library(StudyFolder(tmp_path / "study"), settings=study.settings)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of a server of an application."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@contextmanager
def asking(library: Library, *, token: str | None = None) -> Iterator[httpx.Client]:
    """A client of a server of the pages."""
    with (
        serving(make_app(library, token=token)) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        yield client


@pytest.fixture
def client(library: Library) -> Iterator[httpx.Client]:
    with asking(library) as client:
        yield client


def posts(library: Library) -> bytes:
    """A table of two posts for each file: the first in January, by ada or bob in turns, the second in March by eve."""
    paths = [str(path) for path in library.state.catalogue.readable_files.column("path").to_pylist()]
    rows = ["image,created_at,author,text"]
    for place, path in enumerate(paths):
        quoted = '"' + path.replace('"', '""') + '"'
        rows.append(
            f"{quoted},2024-01-{place % 28 + 1:02}T10:00:00Z,{('ada', 'bob')[place % 2]},first of {place}"
        )
        rows.append(f"{quoted},2024-03-{place % 28 + 1:02}T10:00:00Z,eve,again")
    return "\n".join(rows).encode()


@dataclass
class Tab:
    """A browser's page on the pages of pimmi; `complaints` are errors of its console."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.ready()

    def ready(self) -> None:
        """Wait until the page is shown."""
        self.page.wait_for_selector("main:not([aria-busy]) > *")

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium without a window: PIMMI_CHROMIUM, one of the system, or Playwright's own."""
    with sync_playwright() as playwright:
        named = os.environ.get("PIMMI_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
        if named is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium: install one (apt install chromium, or playwright install chromium)")
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        launched = playwright.chromium.launch(executable_path=named, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def address(library: Library) -> Iterator[str]:
    """Where the pages are served."""
    with serving(make_app(library)) as address:
        yield address


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Tab]:
    """A fresh tab in English at 1280 px; the test fails if its console had an error."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", accept_downloads=True
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    tab = Tab(page, address)
    page.on("console", tab.hear)
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    yield tab
    context.close()
    assert tab.complaints == []
