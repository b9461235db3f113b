"""What is said about the columns of the tables."""

from __future__ import annotations

import pytest

from pimmi.outputs.tables import TABLES


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_explained_on_one_line(name: str) -> None:
    for column, meaning in TABLES[name].columns.items():
        assert meaning, column
        assert "\n" not in meaning
