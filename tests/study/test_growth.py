"""What counts in a study folder while it is compacted or merged into; where images go; how far a study is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pimmi
from pimmi.study.files import FILES_SCHEMA, write_files
from pimmi.study.layout import ARRIVAL, StudyFolder
from pimmi.study.links import LINKS_SCHEMA
from pimmi.study.moving import Places

Place = tuple[int, int]
PLACES = st.tuples(st.integers(0, 3), st.integers(0, 4))


def links_between(pairs: list[tuple[Place, Place]]) -> pa.Table:
    rows = [
        {
            "query_shard": query[0],
            "query_row": query[1],
            "result_shard": result[0],
            "result_row": result[1],
            "score": float(number),
        }
        for number, (query, result) in enumerate(pairs)
    ]
    return pa.Table.from_pylist(rows, schema=LINKS_SCHEMA)


@given(
    st.lists(st.tuples(PLACES, PLACES), max_size=30),
    st.dictionaries(
        st.integers(0, 3),
        st.tuples(st.integers(0, 9), st.lists(st.integers(-1, 99), min_size=5, max_size=5)),
    ),
)
def test_links_follow_their_images(
    pairs: list[tuple[Place, Place]], moves: dict[int, tuple[int, list[int]]]
) -> None:
    places = Places()
    for shard, (to, rows) in moves.items():
        places.move(shard, to=to, rows=np.array(rows))

    def moved(place: Place) -> Place:
        shard, row = place
        return (moves[shard][0], moves[shard][1][row]) if shard in moves else place

    wanted = [
        (number, moved(query), moved(result))
        for number, (query, result) in enumerate(pairs)
        if moved(query)[1] >= 0 and moved(result)[1] >= 0
    ]
    links = places.moved(links_between(pairs))
    assert links.schema == LINKS_SCHEMA
    found = [
        (int(row["score"]), (row["query_shard"], row["query_row"]), (row["result_shard"], row["result_row"]))
        for row in links.to_pylist()
    ]
    assert found == wanted


@pytest.fixture
def copy(study: pimmi.Study, tmp_path: Path) -> StudyFolder:
    return StudyFolder(Path(shutil.copytree(study.path, tmp_path / "copy")))


def arrive(folder: StudyFolder, **arrival: object) -> int:
    """A shard as it is when it has its name and its links, and nothing else is done yet."""
    number = folder.next_shard_number()
    for other in folder.shard_numbers():
        shutil.copy(folder.links_of((0, 0)), folder.links_of((other, number)))
    shutil.copytree(folder.shard(0), folder.shard(number))
    (folder.shard(number) / ARRIVAL).write_text(json.dumps(arrival), encoding="utf-8")
    return number


def test_a_shard_counts_instead_of_those_that_it_replaces(copy: StudyFolder) -> None:
    before, pairs = copy.shard_numbers(), set(copy.linked_pairs())
    number = arrive(copy, replaces=[0, 1])
    kept = [*before[2:], number]
    assert copy.shard_numbers() == kept
    assert set(copy.linked_pairs()) - pairs == {(other, number) for other in before[2:]}
    assert copy.next_shard_number() == number + 1
    copy.remove_unfinished()
    assert copy.shard_numbers() == kept == sorted(int(path.name) for path in copy.shards.iterdir())
    assert not list(copy.shards.rglob(ARRIVAL))
    assert len(list(copy.links.iterdir())) == len(copy.linked_pairs())


def test_a_shard_that_waits_for_its_files_counts_with_them_or_goes(copy: StudyFolder) -> None:
    before, pairs = copy.shard_numbers(), copy.linked_pairs()
    number = arrive(copy, awaits=copy.next_files_number())
    assert (copy.shard_numbers(), copy.linked_pairs()) == (before, pairs)
    write_files(FILES_SCHEMA.empty_table(), copy)
    assert copy.shard_numbers() == [*before, number]
    copy.files_part(copy.next_files_number() - 1).unlink()
    copy.remove_unfinished()
    assert not copy.shard(number).exists()
    assert len(list(copy.links.iterdir())) == len(pairs)


def test_status_reads_no_link(copy: StudyFolder) -> None:
    """It needs to answer at once, however many links there are."""
    opened = pimmi.open(copy.root)
    before = opened.status()
    assert (before.grouped, before.matched, before.shards) == ("yes", True, len(copy.shard_numbers()))
    for pair in copy.linked_pairs():
        copy.links_of(pair).write_bytes(b"")
    assert opened.status().pairs_compared == before.pairs_compared
    opened.remove([opened.images().column("path")[0].as_py()])
    after = opened.status()
    assert (after.files, after.removed, after.grouped) == (before.files - 1, 1, "outdated")
    copy.links_of((0, 0)).unlink()
    assert not opened.status().matched
    assert opened.status().pairs_compared == before.pairs - 1
