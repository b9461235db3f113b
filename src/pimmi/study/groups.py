"""The clusters file, and of what state of the study it speaks."""

from __future__ import annotations

import json

import pyarrow as pa

from pimmi.errors import StudyError
from pimmi.settings import GroupingSettings
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import read_parquet
from pimmi.study.writing import write_parquet, written_whole

CLUSTERS_COLUMNS: dict[str, pa.DataType] = {
    "image_id": pa.string(),
    "cluster_id": pa.string(),
    "degree": pa.int32(),
    "quality": pa.float64(),
}
CLUSTERS_SCHEMA = pa.schema(CLUSTERS_COLUMNS)
MADE_FROM = b"pimmi"


def write_clusters(clusters: pa.Table, folder: StudyFolder, *, algorithm: str, resolution: float) -> None:
    """Write the clusters, and how they were made from what."""
    about = {"algorithm": algorithm, "resolution": resolution, **_state(folder)}
    clusters = clusters.select(CLUSTERS_SCHEMA.names).replace_schema_metadata({MADE_FROM: json.dumps(about)})
    with written_whole(folder.clusters) as path:
        write_parquet(clusters, path)


def read_clusters(folder: StudyFolder) -> pa.Table:
    """Rows of `CLUSTERS_SCHEMA`; raises StudyError if the study, as it is now, isn't grouped."""
    if not folder.clusters.exists():
        raise _not_grouped(folder, "isn't grouped yet")
    clusters = read_parquet(folder.clusters, schema=CLUSTERS_SCHEMA)
    about = json.loads((clusters.schema.metadata or {}).get(MADE_FROM, "{}"))
    if about | _state(folder) != about:
        raise _not_grouped(folder, "has files that aren't grouped yet")
    return clusters


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


def _state(folder: StudyFolder) -> dict[str, int]:
    return {"files": len(folder.files_numbers()), "shards": len(folder.shard_numbers())}


def _not_grouped(folder: StudyFolder, what: str) -> StudyError:
    root = folder.root
    return StudyError(f"{root} {what}: pimmi match {root} and pimmi group {root}, or pimmi run again")
