"""The pages say the same in both languages, and nothing that no page shows."""

from __future__ import annotations

import re

import pytest

from pimmi.web.server import STATIC

WORDS = (STATIC / "words.js").read_text(encoding="utf-8")
MODULES = "\n".join(
    path.read_text(encoding="utf-8") for path in STATIC.glob("*.js") if path.name != "words.js"
)


def words(language: str) -> dict[str, str]:
    match = re.search(rf"\n  {language}: \{{(.*?)\n  \}},", WORDS, flags=re.DOTALL)
    assert match is not None
    return dict(re.findall(r'(?:^|[\s,{])"?([\w-]+)"?: "((?:[^"\\]|\\.)*)"', match[1]))


def test_both_languages_have_the_same_words() -> None:
    english, french = words("en"), words("fr")
    assert len(english) > 150
    assert english.keys() == french.keys()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_is_filled_in_is_the_same(language: str) -> None:
    for name, text in words(language).items():
        for form in text.split("|"):
            assert set(re.findall(r"\{(\w+)\}", form)) == set(
                re.findall(r"\{(\w+)\}", words("en")[name].split("|")[0])
            )


def test_every_word_is_used() -> None:
    starts = tuple(re.findall(r"`(\w+_)\$\{", MODULES))
    for name in words("en"):
        assert f'"{name}"' in MODULES or name.startswith(starts), name
