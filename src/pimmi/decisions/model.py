"""The decisions that hold, as grouping and the pages read them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Pair = tuple[str, str]
"""Two image ids."""
Region = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the upright file: left, top, right, bottom."""

KINDS = {
    "link": "two linked images: confirmed or rejected",
    "together": "two images whose clusters are one",
    "apart": "an image that was removed from the cluster of a second one",
    "element": "a part of an image: common (an app's frame, an emoji), or not",
    "checked": "an image whose cluster was looked at and found right",
    "label": "a short name for the cluster of an image",
    "note": "a remark on the cluster of an image",
}
"""What each kind of decision is about."""
CONFIRMED, REJECTED = "confirmed", "rejected"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One decision: `first` and `second` are image ids (`second` is empty for one image).

    `value` is "confirmed" or "rejected" for a link, the text of a label or note, the region and the verdict of an
    element as JSON, and "yes" for the rest; an empty value takes back what was decided before. `act` is the number
    of the act of which it is a part: one act on a page can decide on many images.
    """

    number: int
    act: int
    kind: str
    first: str
    second: str = ""
    value: str = "yes"
    decided_at: str = ""


@dataclass(frozen=True, kw_only=True)
class ElementMark:
    """Whether the element that shows a region of an image is common."""

    image_id: str
    region: Region
    common: bool

    def value(self) -> str:
        """As a decision keeps it."""
        return json.dumps({"region": [round(side, 1) for side in self.region], "common": self.common})


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """The decisions that hold: of those about the same thing, the newest.

    `links` has a verdict for pairs of ids in rising order; so are the pairs of `together`. `apart` has pairs of the
    image that was removed and an image of the cluster from which it was.
    """

    links: dict[Pair, str] = field(default_factory=dict)
    together: frozenset[Pair] = frozenset()
    apart: frozenset[Pair] = frozenset()
    elements: tuple[ElementMark, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    checked: frozenset[str] = frozenset()

    @property
    def change_groups(self) -> bool:
        """Whether some of them bear on the clusters."""
        return bool(self.links or self.together or self.apart or self.elements)

    @classmethod
    def from_rows(cls, rows: Iterable[Decision]) -> Decisions:
        """What holds after decisions, given in the order in which they were made."""
        holding: dict[tuple[str, ...], Decision] = {}
        for row in rows:
            if row.kind in ("together", "apart"):
                for pair in ((row.first, row.second), (row.second, row.first)):
                    holding.pop((_opposite(row.kind), *pair, ""), None)
            holding.pop(_subject(row), None)
            holding[_subject(row)] = row
        kept = [row for row in holding.values() if row.value]
        return cls(
            links={(row.first, row.second): row.value for row in _of(kept, "link")},
            together=frozenset((row.first, row.second) for row in _of(kept, "together")),
            apart=frozenset((row.first, row.second) for row in _of(kept, "apart")),
            elements=tuple(_mark(row) for row in _of(kept, "element")),
            labels={row.first: row.value for row in _of(kept, "label")},
            notes={row.first: row.value for row in _of(kept, "note")},
            checked=frozenset(row.first for row in _of(kept, "checked")),
        )


def ordered(first: str, second: str) -> Pair:
    """Two ids in rising order."""
    return (first, second) if first <= second else (second, first)


def _opposite(kind: str) -> str:
    return "apart" if kind == "together" else "together"


def _of(rows: list[Decision], kind: str) -> list[Decision]:
    return [row for row in rows if row.kind == kind]


def _subject(row: Decision) -> tuple[str, ...]:
    region = str(_parsed(row)["region"]) if row.kind == "element" else ""
    return (row.kind, row.first, row.second, region)


def _parsed(row: Decision) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(row.value or '{"region": []}')
    return parsed


def _mark(row: Decision) -> ElementMark:
    parsed = _parsed(row)
    x0, y0, x1, y1 = parsed["region"]
    return ElementMark(image_id=row.first, region=(x0, y0, x1, y1), common=parsed["common"])
