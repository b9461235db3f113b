"""docs/reference.md says what the code does now, and the other pages link to what exists."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import pimmi
from pimmi.cli.app import app
from pimmi.outputs.tables import TABLES
from pimmi.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])


@pytest.fixture(scope="module")
def text() -> str:
    return (DOCS / "reference.md").read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_it_is_up_to_date(text: str) -> None:
    made = runpy.run_path(str(DOCS / "make_reference.py"))["reference"]()
    assert text == made, "run python docs/make_reference.py"


def test_every_command_is_in_it(text: str) -> None:
    commands = [name for name in app if not name.startswith("-")]
    assert {"run", "export", "eval"} <= set(commands)
    for command in commands:
        _, _, section = text.partition(f"\n### pimmi {command}\n")
        section = section.partition("\n### ")[0]
        assert f"\npimmi {command}" in section
        for argument in app[command].assemble_argument_collection():
            assert not argument.show or f"- `{argument.names[0]}`" in section


def test_every_setting_is_in_it(text: str) -> None:
    for section, values in Settings().to_dict().items():
        _, _, rows = text.partition(f"\n### [{section}]\n")
        rows = rows.partition("\n##")[0]
        assert values.keys() == set(re.findall(r"^\| `(\w+)`", rows, flags=re.MULTILINE))


def test_every_column_and_every_public_name_is_in_it(text: str) -> None:
    for name, table in TABLES.items():
        _, _, rows = text.partition(f"\n### {name}\n")
        assert re.findall(r"^\| `(\w+)`", rows.partition("\n##")[0], flags=re.MULTILINE) == list(
            table.columns
        )
    for name in pimmi.__all__:
        assert f"\n### pimmi.{name}\n" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name) if name else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target
