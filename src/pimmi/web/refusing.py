"""Refusals: why there is no answer, in one sentence, in the language of who asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from fastapi import Request
from fastapi.responses import JSONResponse

from pimmi.web.french import SENTENCES, WORDS

LANGUAGES = ("en", "fr")


def refusal(
    request: Request, status: int, sentence: str, *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An answer with a status of 4xx, and a sentence in English, put into the language of the request."""
    detail = translated(sentence, language=language_of(request))
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


def language_of(request: Request) -> str:
    """The first language of Accept-Language that the pages are in; English for none."""
    for asked in request.headers.get("accept-language", "").lower().split(","):
        language = asked.strip()[:2]
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def translated(sentence: str, *, language: str) -> str:
    """A sentence in a language; in English if it isn't known in that one."""
    if language != "fr":
        return sentence
    for pattern, french in _patterns():
        if match := pattern.fullmatch(sentence):
            return french.format(**{name: WORDS.get(held, held) for name, held in match.groupdict().items()})
    return sentence


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern(english), french) for english, french in SENTENCES.items()]


def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", english)
    held = [f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(held), re.DOTALL)
