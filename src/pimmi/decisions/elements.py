"""Which elements a person marked as common, or as not common."""

from __future__ import annotations

from collections.abc import Iterable

from pimmi.decisions.model import Decisions, ElementMark, Region

SAME_REGION = 0.5
"""Share of what two regions cover together that they must have in common to be the same one."""


def marked_elements(
    memberships: Iterable[tuple[str, str, Region]], *, decisions: Decisions
) -> dict[str, bool]:
    """Whether each element about which there is a mark is common.

    `memberships` are the element_id, the image_id and the region of each image's part in an element. A mark names an
    image and a region, for elements may get other ids when images are added; it is about the element whose part in that
    image covers the region best, if they have at least `SAME_REGION` in common. The last mark of an element counts.
    """
    parts: dict[str, list[tuple[str, Region]]] = {}
    for element, image, region in memberships:
        parts.setdefault(image, []).append((element, region))
    found = {}
    for mark in decisions.elements:
        meant = _meant(mark, parts.get(mark.image_id, []))
        if meant is not None:
            found[meant] = mark.common
    return found


def in_common(first: Region, second: Region) -> float:
    """The area of what two regions share, over that of what they cover together (0 to 1)."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    covered = _area(first) + _area(second) - shared
    return shared / covered if covered > 0 else 0.0


def _meant(mark: ElementMark, parts: list[tuple[str, Region]]) -> str | None:
    likeness = sorted((-in_common(mark.region, region), element) for element, region in parts)
    if not likeness or -likeness[0][0] < SAME_REGION:
        return None
    return likeness[0][1]


def _area(region: Region) -> float:
    return max(region[2] - region[0], 0.0) * max(region[3] - region[1], 0.0)
