"""decisions.sqlite: the only file of a study that is edited in place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from pimmi.decisions.model import KINDS, Decision, Decisions, ordered
from pimmi.errors import StudyError
from pimmi.study.layout import StudyFolder

SCHEMA = """
create table if not exists decisions (
    number integer primary key,
    act integer not null,
    kind text not null,
    first text not null,
    second text not null default '',
    value text not null default 'yes',
    decided_at text not null,
    undone_at text
)
"""
CONTENT = "kind, first, second, value, decided_at"
COLUMNS = f"number, act, {CONTENT}"
TABLE_SCHEMA = pa.schema({
    "kind": pa.string(), "first_image": pa.string(), "second_image": pa.string(), "value": pa.string(),
    "decided_at": pa.string(),
})  # fmt: skip


def decisions_path(folder: StudyFolder) -> Path:
    """Where the decisions of a study are kept."""
    return folder.root / "decisions.sqlite"


def read_decisions(folder: StudyFolder) -> Decisions:
    """The decisions that hold in a study; none if there is no file."""
    return Decisions.from_rows(DecisionStore(folder).rows())


def decisions_table(folder: StudyFolder) -> pa.Table:
    """A row for each decision that was not undone, in the order in which they were made."""
    rows = [
        {
            "kind": row.kind,
            "first_image": row.first,
            "second_image": row.second or None,
            "value": row.value,
            "decided_at": row.decided_at,
        }
        for row in DecisionStore(folder).rows()
    ]
    return pa.Table.from_pylist(rows, schema=TABLE_SCHEMA)


class DecisionStore:
    """The decisions of a study, in the order in which they were made; an act is undone as a whole.

    Raises StudyError where the file is damaged or can't be written.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self.path = decisions_path(folder)

    def rows(self) -> list[Decision]:
        """All that were not undone."""
        if not self.path.exists():
            return []
        with self._connection() as connection:
            found = connection.execute(
                f"select {COLUMNS} from decisions where undone_at is null order by number"
            )
            return [_decision(row) for row in found]

    def add(self, decisions: Sequence[tuple[str, str, str, str]]) -> list[Decision]:
        """Keep one act: the kind, first image, second image and value of each of its decisions."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._connection() as connection:
            (act,) = connection.execute("select coalesce(max(act), 0) + 1 from decisions").fetchone()
            for kind, first, second, value in decisions:
                if kind not in KINDS:
                    raise ValueError(f"there is no decision of the kind {kind}")
                pair = ordered(first, second) if kind in ("link", "together") else (first, second)
                connection.execute(
                    "insert into decisions (act, kind, first, second, value, decided_at) values (?, ?, ?, ?, ?, ?)",
                    (act, kind, *pair, value, now),
                )
            found = connection.execute(
                f"select {COLUMNS} from decisions where act = ? order by number", (act,)
            )
            return [_decision(row) for row in found]

    def undo(self) -> list[Decision]:
        """Take the last act back, and return its decisions; none if there is no act."""
        if not self.path.exists():
            return []
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._connection() as connection:
            (act,) = connection.execute("select max(act) from decisions where undone_at is null").fetchone()
            found = connection.execute(
                f"select {COLUMNS} from decisions where act = ? order by number", (act,)
            )
            undone = [_decision(row) for row in found]
            connection.execute("update decisions set undone_at = ? where act = ?", (now, act))
            return undone

    def unknown(self, others: Sequence[Sequence[Decision]]) -> list[list[Decision]]:
        """Of the decisions of other studies, those that were never kept here, undone or not; each once."""
        known = set()
        if self.path.exists():
            with self._connection() as connection:
                known = set(connection.execute(f"select {CONTENT} from decisions"))
        new = []
        for rows in others:
            new.append([row for row in rows if _content(row) not in known])
            known.update(map(_content, rows))
        return new

    def bring(self, others: Sequence[Sequence[Decision]]) -> None:
        """Keep decisions of other studies, each given in the order in which they were made there.

        They come before all that was decided here, so that this holds where they differ, and lie there in the order of
        time, whichever study came first; an act stays one act.
        """
        with self._connection() as connection:
            brought = connection.execute(
                f"select decided_at, act, {CONTENT}, undone_at from decisions where act <= 0 order by number"
            )
            rows = [(when, (-1, act), content) for when, act, *content in brought]
            for place, other in enumerate(others):
                rows += [(row.decided_at, (place, row.act), [*_content(row), None]) for row in other]
            rows.sort(key=lambda row: row[0])
            acts = {act: place for place, act in enumerate(dict.fromkeys(act for _, act, _ in rows))}
            connection.execute("delete from decisions where act <= 0")
            connection.executemany(
                f"insert into decisions (number, act, {CONTENT}, undone_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (place - len(rows) + 1, acts[act] - len(acts) + 1, *content)
                    for place, (_, act, content) in enumerate(rows)
                ],
            )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
                connection.execute(SCHEMA)
                yield connection
        except sqlite3.Error as error:
            raise StudyError(f"{self.path} can't be used: {error}") from error


def _content(row: Decision) -> tuple[str, ...]:
    return (row.kind, row.first, row.second, row.value, row.decided_at)


def _decision(row: tuple[int, int, str, str, str, str, str]) -> Decision:
    number, act, kind, first, second, value, decided_at = row
    return Decision(
        number=number, act=act, kind=kind, first=first, second=second, value=value, decided_at=decided_at
    )
