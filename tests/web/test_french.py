"""What the server says when it refuses is in the language of who asks."""

from __future__ import annotations

import ast
import errno
import os
import re
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser

import pimmi
from pimmi.images.kinds import OTHER_PREFIXES, looks_like
from pimmi.pipeline import grouping
from pimmi.study.lock import locked
from pimmi.web.french import SENTENCES, WORDS
from pimmi.web.library import Library
from pimmi.web.refusing import translated
from web.conftest import WAIT_MS, asking
from web.test_api import first_cluster

FRENCH = {"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.8"}
SAID_BY = {"PimmiError", "StudyError", "UnreadableImage", "HTTPException", "refusal"}
SAYS = {"why_not_written", "truncated", "too_large", "_reason"}
"""Functions that return a sentence."""
SOURCES = (
    "web/*.py",
    "images/decode.py",
    "images/identify.py",
    "images/jpeg.py",
    "images/pillow.py",
    "images/raster.py",
    "study/lock.py",
    "study/groups.py",
    "study/reading.py",
    "decisions/store.py",
    "outputs/disk.py",
)
"""Modules whose sentences can come to a page."""
COMMAND_LINE = {"serving.py"}
FILLING = "7 x"


def spoken(node: ast.expr) -> str | None:
    """A sentence as it is said, with something in place of what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            FILLING if isinstance(part, ast.FormattedValue) else spoken(part) or "" for part in node.values
        )
    return None


def sentences_of(path: Path) -> set[str]:
    found: set[str | None] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAID_BY:
            found |= {spoken(argument) for argument in node.args}
        if isinstance(node, ast.FunctionDef) and node.name in SAYS:
            found |= {
                spoken(one.value) for one in ast.walk(node) if isinstance(one, ast.Return) and one.value
            }
    return {sentence for sentence in found if sentence}


def test_every_sentence_that_comes_to_a_page_is_there_in_french() -> None:
    package = Path(pimmi.__file__).parent
    paths = [
        path for pattern in SOURCES for path in sorted(package.glob(pattern)) if path.name not in COMMAND_LINE
    ]
    said = {sentence for path in paths for sentence in sentences_of(path)}
    assert len(said) > 40
    by_the_study = f"{FILLING} {FILLING}: pimmi match {FILLING} and pimmi group {FILLING}, or pimmi run again"
    said = {
        sentence.replace(by_the_study, by_the_study.replace(FILLING, "isn't grouped yet"))
        for sentence in said
    }
    assert [sentence for sentence in sorted(said) if translated(sentence, language="fr") == sentence] == [
        f"{FILLING}: {FILLING}"
    ]
    assert all(translated(sentence, language="en") == sentence for sentence in said)


def test_a_french_sentence_is_filled_in_as_the_english_one() -> None:
    for english, french in SENTENCES.items():
        names = set(re.findall(r"\{(\w+)\}", english))
        assert set(re.findall(r"\{(\w+)\}", french)) <= names, english
        filled = {name: f"<{name}>" for name in names}
        assert translated(english.format(**filled), language="fr") == french.format(**filled)


def test_what_a_file_looks_like_is_said_in_french() -> None:
    heads = [prefix + b"\x01" * 40 for prefix, _ in OTHER_PREFIXES]
    heads += [
        b"\x00" * 40,
        b"<svg",
        b"<html",
        b"<other",
        b"{}",
        b"words",
        b"\xff\xfe\x01",
        b"\x00\x00\x00\x18ftypisom",
    ]
    for head in heads:
        assert looks_like(head) in WORDS
    said = translated("not an image: it looks like an HTML page", language="fr")
    assert said == "ce n'est pas une image : cela ressemble à une page HTML"


def test_what_is_not_known_in_french_is_said_in_english() -> None:
    assert translated("the moon is full", language="fr") == "the moon is full"
    assert translated("there is no such cluster", language="xx") == "there is no such cluster"


@pytest.mark.parametrize(
    ("languages", "french"),
    [("fr", True), ("de,fr;q=0.5,en;q=0.3", True), ("en-GB,fr", False), ("de", False), ("", False)],
)
def test_the_first_language_that_the_pages_have_counts(
    client: httpx.Client, languages: str, french: bool
) -> None:
    said = client.get("/api/clusters/nothing", headers={"Accept-Language": languages}).json()["detail"]
    assert said == ("ce groupe n'existe pas" if french else "there is no such cluster")


def test_a_refusal_of_each_kind_is_in_french(client: httpx.Client, library: Library) -> None:
    client.headers.update(FRENCH)
    image = first_cluster(client)["representative"]
    table = {"table": ("posts.csv", b"a;b\n1;2\n")}
    told = {
        "dites quelle colonne contient le chemin de l'image : il y a a, b": client.post(
            "/api/metadata", files=table
        ),
        "la table n'a pas de colonne c : il y a a, b": client.post(
            "/api/metadata", files=table, data={"path_column": "c"}
        ),
        "aucune ligne de la table n'a d'image de l'étude : la colonne a contient par exemple 1": client.post(
            "/api/metadata", files=table, data={"path_column": "a"}
        ),
        "ce n'est pas une image : cela ressemble à un texte": client.post(
            "/api/search", files={"image": ("a.jpg", b"a text")}
        ),
        "size_min vaut 'x', qui n'est pas un nombre": client.get("/api/clusters?size_min=x"),
        "ces deux images ne sont pas liées": client.get(f"/api/links/{image}/{image}"),
        "il n'y a pas de table de publications à emporter : ajoutez-en une d'abord": client.get(
            "/api/take/posts"
        ),
        "une page d'un autre site ne peut pas changer cette étude": client.post(
            "/api/decisions/undo", headers={"Origin": "http://elsewhere"}
        ),
    }
    for sentence, answer in told.items():
        assert answer.is_client_error
        assert answer.json()["detail"] == sentence
    with locked(library.folder):
        answer = client.post("/api/decisions/undo")
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("un autre processus travaille sur ")


def test_why_nothing_can_be_decided_is_in_french(
    client: httpx.Client, library: Library, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    Image.effect_noise((300, 200), 60).save(tmp_path / "new" / "noise.png")
    pimmi.open(library.folder.root).add(tmp_path / "new", workers=1)
    for languages, says in (
        ("fr", "a des fichiers qui ne sont pas encore groupés : pimmi"),
        ("en", "has files that"),
    ):
        told = client.get("/api/study", headers={"Accept-Language": languages}).json()
        assert says in told["out_of_date"]


def test_who_lacks_the_token_is_told_in_french(library: Library) -> None:
    with asking(library, token="secret") as client:
        page = client.get("/", headers=FRENCH)
        assert page.status_code == 401
        assert "<html lang=fr>" in page.text
        assert "Ouvrez l'adresse avec le jeton" in page.text


def test_a_full_disk_is_named_and_nothing_is_decided(
    client: httpx.Client, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    first, second = client.get("/api/clusters").json()["clusters"][:2]
    monkeypatch.setattr(grouping, "write_groups", full)
    pair = {"kind": "together", "first": first["representative"], "second": second["representative"]}
    answer = client.post("/api/decisions", json=[pair], headers=FRENCH)
    assert answer.status_code == 400
    root = library.folder.root
    assert (
        answer.json()["detail"] == f"le disque de {root} est plein : libérez de la place, ou écrivez ailleurs"
    )
    assert client.get("/api/decisions").json()["total"] == 0


def test_a_french_page_says_in_french_what_is_wrong(browser: Browser, address: str) -> None:
    with browser.new_context(locale="en-GB") as context:
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.goto(f"{address}/search")
        page.get_by_role("button", name="Français").click()
        page.set_input_files("#picture", {"name": "a.png", "mimeType": "image/png", "buffer": b"<html>"})
        error = page.locator(".error").inner_text()
        assert error == "Cela n'a pas marché : ce n'est pas une image : cela ressemble à une page HTML"
