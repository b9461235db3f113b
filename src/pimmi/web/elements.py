"""The elements of a study, where grouping has written them: what several images have in common, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pimmi.study.layout import StudyFolder

BOX = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class Elements:
    """`elements` has a row for each element, `memberships` one for each image of an element."""

    elements: pa.Table
    memberships: pa.Table

    @classmethod
    def read(cls, folder: StudyFolder) -> Elements | None:
        """The elements of a study; None if it has none, or they aren't told by image and region."""
        groups = folder.clusters.parent
        paths = groups / "elements.parquet", groups / "memberships.parquet"
        if not all(path.exists() for path in paths):
            return None
        elements, memberships = (pq.read_table(path, use_threads=False) for path in paths)
        known = {"element_id", "size", "common"} <= set(elements.column_names)
        placed = {"element_id", "image_id", *BOX} <= set(memberships.column_names)
        return cls(elements, memberships) if known and placed else None

    @cached_property
    def _about(self) -> dict[str, dict[str, Any]]:
        return {row["element_id"]: row for row in self.elements.to_pylist()}

    def of(self, image_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
        """The elements in each of some images, the largest ones first, with the region of each in pixels."""
        held: Any = pc.is_in(self.memberships.column("image_id"), value_set=pa.array(image_ids, pa.string()))
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.memberships.filter(held).to_pylist():
            about = self._about.get(row["element_id"], {})
            found.setdefault(row["image_id"], []).append({
                "element": row["element_id"],
                "region": [row[side] for side in BOX],
                "common": bool(about.get("common")),
                "kind": about.get("kind"),
                "size": about.get("size"),
                "representative": about.get("representative") or about.get("image_id"),
                "coverage": row.get("coverage"),
                "main": row.get("main"),
            })  # fmt: skip
        return {
            name: sorted(rows, key=lambda row: (-(row["size"] or 0), row["element"]))
            for name, rows in found.items()
        }
