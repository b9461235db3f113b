"""Decisions are kept in the order in which they were made, and undone act by act."""

from __future__ import annotations

from pathlib import Path

import pytest

from pimmi.decisions.model import Decision, Decisions, ElementMark
from pimmi.decisions.store import DecisionStore, decisions_table, read_decisions
from pimmi.errors import StudyError
from pimmi.study.layout import StudyFolder


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path)


def test_a_study_without_decisions_has_no_file(folder: StudyFolder) -> None:
    assert read_decisions(folder) == Decisions()
    assert DecisionStore(folder).undo() == []
    assert len(decisions_table(folder)) == 0
    assert not any(folder.root.iterdir())


def test_of_decisions_about_the_same_the_newest_holds(folder: StudyFolder) -> None:
    store = DecisionStore(folder)
    store.add([("link", "b", "a", "rejected"), ("link", "c", "d", "rejected"), ("label", "a", "", "cats")])
    store.add([("link", "a", "b", "confirmed"), ("link", "d", "c", "")])
    store.add([("label", "a", "", "dogs")])
    held = read_decisions(folder)
    assert held.links == {("a", "b"): "confirmed"}
    assert held.labels == {"a": "dogs"}


def test_undo_takes_back_a_whole_act_and_what_it_replaced_holds_again(folder: StudyFolder) -> None:
    store = DecisionStore(folder)
    store.add([("apart", "x", "a", "yes"), ("apart", "y", "a", "yes")])
    store.add([("together", "a", "x", "yes")])
    assert read_decisions(folder).apart == {("y", "a")}
    assert [row.kind for row in store.undo()] == ["together"]
    assert read_decisions(folder).apart == {("x", "a"), ("y", "a")}
    assert len(store.undo()) == 2
    assert store.undo() == []
    assert read_decisions(folder) == Decisions()


def test_marks_of_elements_are_told_apart_by_their_region(folder: StudyFolder) -> None:
    marks = [
        ElementMark(image_id="a", region=(0.0, 0.0, 10.0, 5.0), common=True),
        ElementMark(image_id="a", region=(0.0, 5.0, 10.0, 20.0), common=False),
    ]
    DecisionStore(folder).add([("element", mark.image_id, "", mark.value()) for mark in marks])
    assert read_decisions(folder).elements == tuple(marks)


def test_a_mark_that_is_made_again_is_the_last(folder: StudyFolder) -> None:
    marks = [
        ElementMark(image_id="a", region=(0.0, 0.0, 10.0, 5.0), common=True),
        ElementMark(image_id="b", region=(0.0, 0.0, 20.0, 10.0), common=False),
    ]
    for mark in (*marks, marks[0]):
        DecisionStore(folder).add([("element", mark.image_id, "", mark.value())])
    assert read_decisions(folder).elements == (marks[1], marks[0])


def decided(act: int, kind: str, first: str, second: str, value: str, minute: int) -> Decision:
    when = f"2026-05-01T12:{minute:02}:00+00:00"
    return Decision(number=act, act=act, kind=kind, first=first, second=second, value=value, decided_at=when)


MAY = [
    decided(1, "link", "a", "b", "rejected", 1),
    decided(2, "label", "a", "", "cats", 5),
    decided(2, "label", "b", "", "tigers", 5),
    decided(3, "apart", "x", "a", "yes", 6),
]
JUNE = [decided(1, "label", "a", "", "dogs", 3), decided(2, "link", "a", "b", "confirmed", 4)]


def test_of_decisions_of_other_studies_the_latest_holds_in_whatever_order_they_come(tmp_path: Path) -> None:
    read = []
    for number, orders in enumerate(([[MAY, JUNE]], [[JUNE, MAY]], [[MAY], [JUNE]], [[JUNE], [MAY]])):
        folder = StudyFolder(tmp_path / str(number))
        folder.root.mkdir()
        store = DecisionStore(folder)
        for others in orders:
            assert store.unknown(others) == others
            store.bring(others)
        assert store.unknown([JUNE, MAY]) == [[], []]
        read.append(read_decisions(folder))
    assert read[0].links == {("a", "b"): "confirmed"}
    assert read[0].labels == {"a": "cats", "b": "tigers"}
    assert read[0].apart == {("x", "a")}
    assert read == [read[0]] * 4


def test_what_was_decided_here_holds_against_what_is_brought(folder: StudyFolder) -> None:
    store = DecisionStore(folder)
    store.add([("link", "a", "b", "rejected")])
    store.add([("together", "a", "x", "yes")])
    store.bring([MAY, JUNE])
    store.add([("note", "b", "", "seen")])
    held = read_decisions(folder)
    assert held.links == {("a", "b"): "rejected"}
    assert held.together == {("a", "x")}
    assert not held.apart
    assert held.labels == {"a": "cats", "b": "tigers"}
    undone = [[(row.kind, row.value) for row in store.undo()] for _ in range(5)]
    assert undone[:3] == [[("note", "seen")], [("together", "yes")], [("link", "rejected")]]
    assert undone[3:] == [[("apart", "yes")], [("label", "cats"), ("label", "tigers")]]
    assert read_decisions(folder).links == {("a", "b"): "confirmed"}
    assert store.unknown([MAY]) == [[]]
    store.bring([[decided(1, "note", "c", "", "later", 9)]])
    assert read_decisions(folder).labels == {"a": "dogs"}


def test_the_table_has_what_was_not_undone(folder: StudyFolder) -> None:
    store = DecisionStore(folder)
    store.add([("note", "a", "", "seen in May")])
    store.add([("checked", "a", "", "yes")])
    store.undo()
    (row,) = decisions_table(folder).to_pylist()
    assert row.pop("decided_at").endswith("+00:00")
    assert row == {"kind": "note", "first_image": "a", "second_image": None, "value": "seen in May"}


def test_a_damaged_file_is_named(folder: StudyFolder) -> None:
    (folder.root / "decisions.sqlite").write_text("no database, but long enough to look like one" * 9)
    with pytest.raises(StudyError, match=r"decisions\.sqlite can't be used: file is not a database"):
        read_decisions(folder)
