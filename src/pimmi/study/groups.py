"""What grouping writes, and of what state of the study it speaks."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pyarrow as pa

from pimmi.errors import StudyError
from pimmi.settings import GroupingSettings, MatchingSettings
from pimmi.study.description import read_description
from pimmi.study.layout import StudyFolder
from pimmi.study.links import TRANSFORM
from pimmi.study.reading import read_metadata, read_parquet
from pimmi.study.writing import write_parquet, written_whole

BOX = ("x0", "y0", "x1", "y1")
VARIANT_COUNTS = ("plain", "mirror", "negative", "mirror_negative")


def _fields(columns: dict[str, pa.DataType]) -> list[tuple[str, pa.DataType]]:
    return list(columns.items())


CLUSTERS_SCHEMA = pa.schema(_fields({
    "image_id": pa.string(),
    "cluster_id": pa.string(),
    "degree": pa.int32(),
    "quality": pa.float64(),
    "representative": pa.bool_(),
}))  # fmt: skip
ELEMENTS_SCHEMA = pa.schema(_fields({
    "element_id": pa.string(),
    "size": pa.int32(),
    "kind": pa.string(),
    "common": pa.bool_(),
    "representative": pa.string(),
    **{name: pa.float64() for name in BOX},
    **{name: pa.int32() for name in VARIANT_COUNTS},
}))  # fmt: skip
MEMBERSHIPS_SCHEMA = pa.schema(_fields({
    "image_id": pa.string(),
    "element_id": pa.string(),
    **{name: pa.float64() for name in BOX},
    "coverage": pa.float64(),
    **{name: pa.float64() for name in TRANSFORM},
    "main": pa.bool_(),
}))  # fmt: skip
COMMON_SCHEMA = pa.schema([("query_id", pa.string()), ("result_id", pa.string())])
"""The links that share only what is common."""
SCHEMAS = {
    "elements": ELEMENTS_SCHEMA,
    "memberships": MEMBERSHIPS_SCHEMA,
    "links": COMMON_SCHEMA,
    "clusters": CLUSTERS_SCHEMA,
}
"""The tables, in the order in which they are written: the study is grouped once the last one is there."""
MADE_FROM = b"pimmi"


@dataclass(frozen=True, slots=True)
class GroupTables:
    """Rows of `CLUSTERS_SCHEMA`, `ELEMENTS_SCHEMA` and `MEMBERSHIPS_SCHEMA`; `links`, of `COMMON_SCHEMA`."""

    clusters: pa.Table
    elements: pa.Table
    memberships: pa.Table
    links: pa.Table


def write_groups(
    tables: GroupTables, folder: StudyFolder, *, settings: GroupingSettings, matching: MatchingSettings
) -> None:
    """Write the tables, and how they were made from what."""
    about = {
        "algorithm": settings.algorithm,
        "resolution": settings.resolution,
        **_state(folder, matching),
    }
    for name, schema in SCHEMAS.items():
        table = getattr(tables, name).select(schema.names)
        with written_whole(folder.groups(name)) as path:
            write_parquet(table.replace_schema_metadata({MADE_FROM: json.dumps(about)}), path)


def read_groups(folder: StudyFolder) -> GroupTables:
    """All tables; raises StudyError if the study, as it is now, isn't grouped."""
    return GroupTables(**{name: read_group(folder, name) for name in SCHEMAS})


def read_group(folder: StudyFolder, name: str) -> pa.Table:
    """One of the tables; raises StudyError if the study, as it is now, isn't grouped."""
    path = folder.groups(name)
    if not path.exists():
        raise _not_grouped(folder, "isn't grouped yet")
    table = read_parquet(path, schema=SCHEMAS[name])
    about = json.loads((table.schema.metadata or {}).get(MADE_FROM, "{}"))
    now = _state_now(folder)
    if about.get("files") != now["files"]:
        raise _not_grouped(folder, "has files that aren't grouped yet")
    if about | now != about:
        raise _not_grouped(folder, "has another minimum confidence than when it was grouped")
    return table


def read_clusters(folder: StudyFolder) -> pa.Table:
    """Rows of `CLUSTERS_SCHEMA`; raises StudyError if the study, as it is now, isn't grouped."""
    return read_group(folder, "clusters")


def grouping_state(folder: StudyFolder) -> str:
    """Whether a study is grouped: no, outdated (it has changed since), or yes; no rows are read."""
    path = folder.clusters
    if not path.exists():
        return "no"
    about = json.loads(read_metadata(path).get(MADE_FROM, "{}"))
    return "yes" if about | _state_now(folder) == about else "outdated"


def is_grouped(folder: StudyFolder) -> bool:
    """Whether the study, as it is now, is grouped."""
    try:
        read_clusters(folder)
    except StudyError:
        return False
    return True


def grouped_with(clusters: pa.Table) -> GroupingSettings:
    """How the clusters that `read_clusters` gave were made."""
    about = json.loads(clusters.schema.metadata[MADE_FROM])
    return GroupingSettings(algorithm=about["algorithm"], resolution=about["resolution"])


def check_matched(folder: StudyFolder) -> None:
    """Raise StudyError if some images aren't compared yet."""
    if folder.unlinked_pairs():
        raise StudyError(
            f"{folder.root} has images that aren't compared yet: pimmi match {folder.root}, and then group it"
        )


def _state_now(folder: StudyFolder) -> dict[str, float]:
    return _state(folder, read_description(folder).settings.matching)


def _state(folder: StudyFolder, matching: MatchingSettings) -> dict[str, float]:
    """What differs when there are other images or links: a shard counts for nothing before its files are written."""
    return {"files": len(folder.files_numbers()), "minimum_confidence": matching.minimum_confidence}


def _not_grouped(folder: StudyFolder, what: str) -> StudyError:
    root = folder.root
    return StudyError(f"{root} {what}: pimmi match {root} and pimmi group {root}, or pimmi run again")
