"""A mark is about the element that shows the marked region, whatever its id is now."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pimmi.decisions.elements import in_common, marked_elements
from pimmi.decisions.model import Decisions, ElementMark, Region

FRAME: Region = (0.0, 0.0, 400.0, 100.0)
PHOTO: Region = (0.0, 100.0, 400.0, 700.0)
MEMBERSHIPS = [
    ("e1", "a", FRAME),
    ("e2", "a", PHOTO),
    ("e1", "b", (0.0, 0.0, 200.0, 50.0)),
    ("e3", "c", PHOTO),
]

sides = st.floats(0, 1000)
regions = st.tuples(sides, sides, sides, sides).map(
    lambda four: (min(four[0], four[2]), min(four[1], four[3]), max(four[0], four[2]), max(four[1], four[3]))
)


def marked(*marks: ElementMark) -> dict[str, bool]:
    return marked_elements(MEMBERSHIPS, decisions=Decisions(elements=marks))


def test_without_marks_nothing_is_said() -> None:
    assert marked() == {}


def test_a_mark_finds_the_element_of_its_region() -> None:
    nearly = (0.0, 4.0, 396.0, 110.0)
    assert marked(ElementMark(image_id="a", region=nearly, common=True)) == {"e1": True}
    assert marked(ElementMark(image_id="a", region=PHOTO, common=False)) == {"e2": False}


def test_a_mark_whose_region_or_image_is_gone_says_nothing() -> None:
    assert marked(ElementMark(image_id="a", region=(0.0, 0.0, 20.0, 20.0), common=True)) == {}
    assert marked(ElementMark(image_id="z", region=FRAME, common=True)) == {}


def test_of_two_marks_of_an_element_the_last_counts() -> None:
    first = ElementMark(image_id="a", region=FRAME, common=True)
    last = ElementMark(image_id="b", region=(0.0, 0.0, 200.0, 52.0), common=False)
    assert marked(first, last) == {"e1": False}
    assert marked(last, first) == {"e1": True}


@given(first=regions, second=regions)
def test_likeness_is_symmetric_and_whole_only_for_the_same(first: Region, second: Region) -> None:
    likeness = in_common(first, second)
    assert 0 <= likeness <= 1
    assert likeness == in_common(second, first)
    if (first[2] - first[0]) * (first[3] - first[1]) > 0:
        assert in_common(first, first) == 1
