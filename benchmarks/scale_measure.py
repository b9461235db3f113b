"""What a study of one corpus costs, stage by stage, and what it finds."""

import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import pimmi
from pimmi.evaluation import Evaluation, Truth, evaluate, read_truth
from process_cost import Cost, measure
from run import measure_floor
from scale_corpus import link_or_copy, read_pools

STAGES = ("read", "match", "group")
FLOOR_FILES = 1000
WARM_FILES = 40
"""Files of a first study that isn't measured, for loops are compiled on the first run on a machine."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What links and clusters are worth.

    Attributes:
        links: links of all types between two images of the truth.
        mean_recall, edge_precision, bcubed_precision, bcubed_recall, distractors_clustered: see
            `pimmi.evaluation.Evaluation`; of all links.
        copies_mean_recall, copies_edge_precision: of links of type copy.
        distractor_links: links between two distractors, of all types.
        distractor_copies: those of type copy.
        distractor_copies_across_pools: those of which the two images are from different pools: pictures of one
            pool are sometimes copies of each other that nobody marked.
    """

    links: int
    mean_recall: float
    edge_precision: float
    copies_mean_recall: float
    copies_edge_precision: float
    distractor_links: int
    distractor_copies: int
    distractor_copies_across_pools: int
    distractors_clustered: float
    bcubed_precision: float
    bcubed_recall: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One corpus.

    `stages` is the cost of each of STAGES, `floor_ms` the floor's milliseconds of processor an image, `floor_wall_ms`
    those by the clock, both from a sample of `floor_files`. `bytes` is what the study takes on the disk, by its
    folders. `links_stored` are rows of the files of links, weak ones included.
    """

    corpus: str
    images: int
    distractors: int
    preset: str
    workers: int
    machine: str
    stages: dict[str, Cost]
    floor_files: int
    floor_ms: float
    floor_wall_ms: float
    bytes: dict[str, int]
    links_stored: int
    quality: Quality


def measure_corpus(corpus: Path, *, study: Path, workers: int, preset: str) -> Measured:
    """Read, match and group a corpus with a truth table; `study` is a folder that isn't there yet.

    Raises:
        PimmiError: if the truth can't be read.
        CommandFailedError: if a stage fails.
    """
    truth = read_truth(corpus / "truth.csv")
    images = corpus / "images"
    with sample(images, count=WARM_FILES) as few, tempfile.TemporaryDirectory() as scratch:
        _measure_stages(few, study=Path(scratch) / "study", workers=workers, preset=preset)
    with sample(images, count=FLOOR_FILES) as some:
        floor = measure_floor(some, workers=workers, preset=preset)
    stages = _measure_stages(images, study=study, workers=workers, preset=preset)
    return Measured(
        corpus=corpus.absolute().name,
        images=len(truth),
        distractors=sum(image.kind == "distractor" for image in truth.values()),
        preset=preset,
        workers=workers,
        machine=f"{platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()}",
        stages=stages,
        floor_files=floor.files,
        floor_ms=1000 * floor.cpu_s / floor.files,
        floor_wall_ms=1000 * floor.wall_s / floor.files,
        bytes=bytes_by_folder(study),
        links_stored=sum(pq.read_metadata(path).num_rows for path in (study / "links").rglob("*.parquet")),
        quality=judge_study(study, truth=truth, pools=read_pools(corpus)),
    )


def _measure_stages(images: Path, *, study: Path, workers: int, preset: str) -> dict[str, Cost]:
    stages = {}
    for stage in STAGES:
        command = [sys.executable, str(Path(__file__).with_name("scale_stage.py")), stage, str(study)]
        command += ["--images", str(images), "--workers", str(workers), "--preset", preset]
        stages[stage] = measure(command)
    return stages


@contextmanager
def sample(images: Path, *, count: int) -> Iterator[Path]:
    """A folder beside `images` with some of its files, the same each time; it is removed at the end."""
    paths = sorted(path for path in images.iterdir() if path.is_file())
    chosen = np.random.default_rng(0).permutation(len(paths))[:count]
    with tempfile.TemporaryDirectory(dir=images.parent, prefix="sample-") as folder:
        for place in chosen:
            link_or_copy(paths[place], Path(folder) / paths[place].name)
        yield Path(folder)


def bytes_by_folder(study: Path) -> dict[str, int]:
    """Bytes that a study takes on the disk, by its folders; files at its top are under the empty name."""
    found: dict[str, int] = {}
    for path in sorted(study.rglob("*")):
        if path.is_file():
            inside = path.relative_to(study)
            folder = inside.parts[0] if len(inside.parts) > 1 else ""
            found[folder] = found.get(folder, 0) + 512 * path.stat().st_blocks
    return found


def judge_study(study: Path, *, truth: Truth, pools: Mapping[str, str]) -> Quality:
    """Compare what a study found with the truth."""
    opened = pimmi.open(study)
    table = opened.links().select(["query_path", "result_path", "type"])
    clusters = opened.cluster_table()
    owners: dict[Any, Any] = dict(
        zip(clusters.column("path").to_pylist(), clusters.column("cluster_id").to_pylist(), strict=True)
    )

    def links(*, copies: bool) -> Iterator[tuple[str, str]]:
        for batch in table.to_batches():
            for query, result, kind in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if kind == "copy" or not copies:
                    yield Path(query).name, Path(result).name

    every, edges, precision = judge_links(truth, links(copies=False), clusters=owners)
    copies, _, copies_precision = judge_links(truth, links(copies=True), clusters=owners)
    across = sum(
        pools[one] != pools[other] for one, other in links(copies=True) if one in pools and other in pools
    )
    return Quality(
        links=edges,
        mean_recall=every.mean_recall,
        edge_precision=precision,
        copies_mean_recall=copies.mean_recall,
        copies_edge_precision=copies_precision,
        distractor_links=every.number_of_distractor_links,
        distractor_copies=copies.number_of_distractor_links,
        distractor_copies_across_pools=across,
        distractors_clustered=every.distractors_clustered,
        bcubed_precision=every.bcubed_precision,
        bcubed_recall=every.bcubed_recall,
    )


def judge_links(
    truth: Truth, links: Iterable[tuple[str, str]], *, clusters: Mapping[str, str]
) -> tuple[Evaluation, int, float]:
    """The evaluation, how many links there are, and the share of them that is true; each link comes once.

    Links between two copies of one original are counted and not kept: a flood makes millions of them, and they
    are true. The evaluation's own `edges` and `edge_precision` lack them.
    """
    certain = 0

    def telling() -> Iterator[tuple[str, str]]:
        nonlocal certain
        for query, result in links:
            one, other = truth.get(query), truth.get(result)
            if one and other and one.kind == other.kind == "copy" and one.origins & other.origins:
                certain += 1
            else:
                yield query, result

    found = evaluate(truth, telling(), clusters)
    edges = found.edges + certain
    return found, edges, (found.edge_precision * found.edges + certain) / max(1, edges)


def figures(found: Measured) -> dict[str, float]:
    """The figures to print of one corpus, by name."""
    n, quality, stages = found.images, found.quality, found.stages
    cpu_s = sum(cost.cpu_s for cost in stages.values())
    wall_s = sum(cost.wall_s for cost in stages.values())
    per_1000 = 1000 / max(1, found.distractors)
    return {
        "images": n,
        **{f"{stage}: images a second": n / stages[stage].wall_s for stage in STAGES},
        **{f"{stage}: CPU, ms an image": 1000 * stages[stage].cpu_s / n for stage in STAGES},
        **{f"{stage}: wall, s": stages[stage].wall_s for stage in STAGES},
        **{f"{stage}: peak memory of all processes, MB": stages[stage].peak_memory_mb for stage in STAGES},
        **{f"{stage}: peak memory of one process, MB": stages[stage].peak_process_mb for stage in STAGES},
        "whole run: CPU, ms an image": 1000 * cpu_s / n,
        "whole run: wall, s": wall_s,
        "floor: CPU, ms an image": found.floor_ms,
        "whole run / floor, CPU": 1000 * cpu_s / n / found.floor_ms,
        "whole run / floor, wall": 1000 * wall_s / n / found.floor_wall_ms,
        **{f"disk, {name or 'rest'}: bytes an image": size / n for name, size in found.bytes.items()},
        "disk: bytes an image": sum(found.bytes.values()) / n,
        "links stored, weak ones included": found.links_stored,
        "links": quality.links,
        "mean recall": quality.mean_recall,
        "mean recall, copies": quality.copies_mean_recall,
        "edge precision": quality.edge_precision,
        "edge precision, copies": quality.copies_edge_precision,
        "distractor links per 1000": per_1000 * quality.distractor_links,
        "distractor links per 1000, copies": per_1000 * quality.distractor_copies,
        "distractor links per 1000, copies across pools": per_1000 * quality.distractor_copies_across_pools,
        "distractors clustered": quality.distractors_clustered,
        "B-cubed precision": quality.bcubed_precision,
        "B-cubed recall": quality.bcubed_recall,
    }


def table(results: list[Measured]) -> Iterator[str]:
    """All figures, a column for each corpus, and how the costs grow from the smallest to the largest."""
    columns = [figures(found) for found in results]
    names = list(dict.fromkeys(name for column in columns for name in column))
    yield f"{results[0].machine}; preset {results[0].preset}, {results[0].workers} workers"
    yield f"floor: from a sample of {', '.join(str(found.floor_files) for found in results)} images of each corpus"
    yield ""
    yield f"{'':52s}" + "".join(f"{found.corpus:>14s}" for found in results)
    for name in names:
        yield f"{name:52s}" + "".join(f"{shown(column.get(name)):>14s}" for column in columns)
    by_size = sorted(columns, key=lambda column: column["images"])
    for small, large in pairwise([by_size[0], by_size[-1]] if len(by_size) > 1 else []):
        yield ""
        yield f"CPU an image, {large['images']:.0f} images / {small['images']:.0f} images"
        for name in (*(f"{stage}: CPU, ms an image" for stage in STAGES), "whole run: CPU, ms an image"):
            yield f"  {name.split(':')[0]:50s}{large[name] / small[name]:14.2f}"


def shown(value: float | None) -> str:
    """A figure in four digits or more; empty if there is none."""
    if value is None:
        return ""
    return f"{value:.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:.4g}"
