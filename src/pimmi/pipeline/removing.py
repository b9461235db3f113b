"""Removing files from a study: they are marked, and nothing that was read of them is touched."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.errors import StudyError
from pimmi.pipeline.known import is_gone
from pimmi.pipeline.renewing import renew_shards
from pimmi.study.files import FILES_SCHEMA, REMOVED, in_study, read_newest, write_files
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values
from pimmi.study.sorting import sorted_by

Mask = NDArray[np.bool_]


def remove_files(folder: StudyFolder, paths: Iterable[str | Path], *, missing: bool) -> int:
    """Mark files, and all files below folders, as removed; with `missing`, those as well that are gone from the disk.

    A path is one that the study knows, below the folder of images, or else one on the disk. Returns how many files
    were in the study until now. Raises StudyError, and changes nothing, for a path that the study never knew, or if the
    whole folder of images is away. The caller holds the study's lock.
    """
    rows = read_newest(folder)
    named = np.zeros(len(rows), bool)
    for path in paths:
        found = _named(rows, str(path))
        if not found.any():
            raise StudyError(
                f"{path} is no file or folder of the study {folder.root}: give paths as "
                f"pimmi export images {folder.root} lists them, or where they are on the disk"
            )
        named |= found
    if missing:
        named |= _missing(rows, folder)
    removed = in_study(rows.filter(pa.array(named)))
    if len(removed):
        renew_shards(folder, in_study(rows.filter(pa.array(~named))))
        write_files(_marked(removed), folder)
    return len(removed)


def _marked(rows: pa.Table) -> pa.Table:
    reasons: Any = pa.array([REMOVED] * len(rows), pa.string())
    place = FILES_SCHEMA.get_field_index("reason")
    return sorted_by(rows.set_column(place, FILES_SCHEMA.field("reason"), reasons), "path")


def _named(rows: pa.Table, path: str) -> Mask:
    """The rows that a path means, as the study knows it or, if it knows none such, on the disk."""
    found = _at_or_below(rows, Path(path).as_posix())
    return found if found.any() else _on_disk(rows, Path(path))


def _on_disk(rows: pa.Table, path: Path) -> Mask:
    found = np.zeros(len(rows), bool)
    for root in sorted(set(values(rows, "root")) - {None}):
        for given, base in (
            (Path(os.path.normpath(path.absolute())), Path(root)),
            (path.resolve(), Path(root).resolve()),
        ):
            of_root = _mask(pc.equal(rows.column("root"), pa.scalar(root)))
            if base.is_relative_to(given):
                found |= of_root
            elif given.is_relative_to(base):
                found |= of_root & _at_or_below(rows, given.relative_to(base).as_posix())
    return found


def _at_or_below(rows: pa.Table, path: str) -> Mask:
    paths = rows.column("path")
    return _mask(pc.equal(paths, pa.scalar(path))) | _mask(pc.starts_with(paths, f"{path}/"))


def _missing(rows: pa.Table, folder: StudyFolder) -> Mask:
    found = np.zeros(len(rows), bool)
    live = ~_mask(pc.equal(rows.column("reason"), pa.scalar(REMOVED)))
    roots, paths = values(rows, "root"), values(rows, "path")
    for root in sorted({roots[place] for place in np.flatnonzero(live).tolist()} - {None}):
        if is_gone(root, ""):
            raise StudyError(
                f"the folder of images {root} of {folder.root} is not there: connect its disk, add the folder from "
                f"where it is now, or remove what was in it by pimmi remove {folder.root} {root}"
            )
    for place in np.flatnonzero(live).tolist():
        found[place] = roots[place] is not None and is_gone(roots[place], paths[place])
    return found


def _mask(column: Any) -> Mask:
    filled: Any = pc.fill_null(column, False)
    mask: Mask = np.asarray(filled.to_numpy())
    return mask
