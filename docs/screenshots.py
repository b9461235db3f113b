"""Make the pictures of the pages for the documentation, out of the study that `make demo` makes.

    python docs/screenshots.py demo

Writes docs/images/pages-*.webp: each page in a real Chromium, over the demo study and a made-up table of posts.
"""

import argparse
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
DESK, PHONE = (1280, 800), (390, 780)
PLATFORMS = ("X", "Telegram", "Facebook", "Instagram")
SETTLED_MS = 900


def write_posts(images: Path, path: Path) -> None:
    """One to three posts of each image, many soon after the first of January 2024, then fewer."""
    random = np.random.default_rng(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "created_at", "platform"])
        for image in sorted(images.iterdir()):
            for _ in range(int(random.integers(1, 4))):
                day = datetime(2024, 1, 1) + timedelta(days=float(random.exponential(60)))
                writer.writerow(
                    [image.name, day.isoformat(timespec="seconds"), str(random.choice(PLATFORMS))]
                )


@contextmanager
def served(demo: Path, posts: Path) -> Iterator[str]:
    """The address of the pages of the demo."""
    command = [sys.executable, "-m", "pimmi", "ui", str(demo / "study"), "--metadata", str(posts)]
    command += ["--images", str(demo / "images"), "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def asked(address: str) -> Any:
    with urlopen(address) as response:
        return json.load(response)


@contextmanager
def page_of(browser: Browser, size: tuple[int, int], *, dark: bool = False) -> Iterator[Page]:
    width, height = size
    scheme: Any = "dark" if dark else "light"
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB"
    ) as context:
        yield context.new_page()


def keep(page: Page, path: Path) -> None:
    """Write what a page shows, when all of its pictures are there."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLED_MS)
    Image.open(io.BytesIO(page.screenshot())).save(path, "WEBP", quality=78, method=6)


def take_all(browser: Browser, address: str, images: Path, output: Path) -> None:
    """Write the picture of each page."""
    clusters = asked(f"{address}api/clusters")["clusters"]
    first = clusters[0]
    links = asked(f"{address}api/clusters/{first['id']}/links?size=2000")["links"]
    shown = next(
        link
        for link in links[len(links) // 2 :]
        if (link["variant"], link["relation"]) == ("plain", "contained")
    )
    proof = f"links/{shown['first']}/{shown['second']}?review={first['id']}"
    with page_of(browser, DESK) as page:
        for name, where in {
            "overview": "?figures=1",
            "cluster": f"clusters/{first['id']}",
            "proof": proof,
            "graph": f"clusters/{clusters[2]['id']}/graph",
            "elements": "elements",
            "image": f"images/{_composite(address, first['id'])}",
        }.items():
            page.goto(address + where)
            keep(page, output / f"pages-{name}.webp")
        page.goto(f"{address}search")
        page.set_input_files("#picture", _crop(images / clusters[1]["path"]))
        page.wait_for_selector(".hit .proof line", state="attached")
        page.locator(".results").scroll_into_view_if_needed()
        keep(page, output / "pages-search.webp")
    with page_of(browser, DESK, dark=True) as page:
        page.goto(address)
        keep(page, output / "pages-dark.webp")
    with page_of(browser, PHONE) as page:
        page.goto(address + proof)
        keep(page, output / "pages-phone.webp")


def _composite(address: str, cluster: str) -> str:
    """An image that shows a part of another cluster as well."""
    members = asked(f"{address}api/clusters/{cluster}")["members"]
    found: str = next((one for one in members if one["also_in"]), members[0])["id"]
    return found


def _crop(path: Path) -> Any:
    """The middle of a picture, as a file to upload."""
    picture = Image.open(path)
    width, height = picture.size
    buffer = io.BytesIO()
    picture.crop((width // 4, height // 4, width * 3 // 4, height * 3 // 4)).save(buffer, "PNG")
    return {"name": "crop.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of the pages.")
    parser.add_argument("demo", type=Path, help="the folder that make demo makes")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(__file__).parent / "images", help="where to write them"
    )
    arguments = parser.parse_args()
    chromium = os.environ.get("PIMMI_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        posts = Path(scratch) / "posts.csv"
        write_posts(arguments.demo / "images", posts)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with served(arguments.demo, posts) as address:
            take_all(browser, address, arguments.demo / "images", arguments.output)
        browser.close()


if __name__ == "__main__":
    main()
