"""The links table, some rows at a time."""

from __future__ import annotations

import pyarrow as pa
import pytest

import pimmi
from pimmi.study.catalogue import Catalogue
from pimmi.study.layout import StudyFolder
from pimmi.study.tables import link_batches


@pytest.mark.parametrize("rows", [1, 7, 10_000])
def test_batches_are_the_table_cut_into_pieces(study: pimmi.Study, rows: int) -> None:
    whole = study.links()
    catalogue = Catalogue.read(StudyFolder(study.path))
    confidence = study.settings.matching.confidence_among(len(catalogue.images))
    batches = list(link_batches(catalogue, minimum_confidence=confidence, rows=rows))
    full, left = divmod(len(whole), rows)
    assert [len(batch) for batch in batches] == [rows] * full + [left] * bool(left)
    assert pa.concat_tables(batches).equals(whole)
    assert {"identical", "same"} <= set(whole.column("relation").to_pylist())
