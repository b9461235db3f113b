"""The command that writes the tables of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from pimmi.cli.options import StudyFolder
from pimmi.outputs.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa


def export(
    table: Annotated[
        Literal["links", "clusters", "elements", "memberships", "images", "decisions"],
        Parameter(help="Which table."),
    ],
    study: StudyFolder,
    /,
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="The file to write: .csv, .parquet or .json.")
    ],
) -> None:
    """Write a table of a study to a file; `EXPORT_HELP` is what the user reads."""
    import pimmi
    from pimmi.outputs.export import write_table

    opened = pimmi.open(study)
    make: dict[str, Callable[[], pa.Table | Iterable[pa.Table]]] = {
        "links": opened.link_batches,
        "clusters": opened.cluster_table,
        "elements": opened.elements,
        "memberships": opened.memberships,
        "images": opened.images,
        "decisions": opened.decisions,
    }
    write_table(make[table](), output)


def _columns_of(name: str) -> str:
    described = TABLES[name]
    width = max(map(len, described.columns)) + 2
    lines = [f"Columns of {name}, a row for {described.row}:", ""]
    lines += [
        fill(meaning, 78, initial_indent=f"  {column:{width}}", subsequent_indent=" " * (width + 2))
        for column, meaning in described.columns.items()
    ]
    return "\n".join(lines)


EXPORT_HELP = """Write a table of a study to a CSV, Parquet or JSON file.

For example:

    pimmi export clusters study/ -o clusters.csv
    pimmi export links study/ -o links.parquet

""" + "\n\n".join(_columns_of(name) for name in TABLES)
