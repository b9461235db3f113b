"""What the commands print on stdout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from pimmi.cli.program import program
from pimmi.evaluation import Evaluation, evaluate
from pimmi.settings import FEW_CONFIDENCE, FEW_IMAGES

if TYPE_CHECKING:
    import pyarrow as pa

    from pimmi import Added, Hit, Study


def print_summary(study: Study, *, added: Added | None = None) -> None:
    """What a study holds, its largest clusters, and where to look next; what became of files that were `added`."""
    summary = study.summary()
    if added is not None:
        _print_moved(added, study.path)
    print(f"{summary.files:,} image files: {summary.images:,} different images, ", end="")
    print(f"{summary.exact_duplicates:,} exact duplicates, {summary.unreadable:,} unreadable")
    print(f"{summary.links:,} links between two files", end="")
    common = f", and {summary.common_links:,} that share only what many unrelated images do"
    print(common if summary.common_links else "")
    print(f"{summary.clusters:,} clusters, which hold {summary.clustered_images:,} files")
    if summary.largest:
        print("\nThe largest clusters:")
        for _, size, path in summary.largest:
            print(f"  {size:>7,} files, such as {path}")
    folder = quote(str(study.path))
    next_steps = {
        f"ui {folder}": "look, check and decide in a browser",
        f"export clusters {folder} -o clusters.csv": "the images of each cluster",
        f"export links {folder} -o links.csv": "what links them",
        f"export images {folder} -o images.csv": "every file, and why some can't be read",
        f"search {folder} IMAGE": "the copies of one image",
    }
    matching = study.settings.matching
    if summary.images > FEW_IMAGES and not matching.minimum_confidence:
        least = matching.confidence_among(summary.images)
        next_steps[f"group {folder} --minimum-confidence {FEW_CONFIDENCE}"] = (
            f"count links below {least:.4g} as well: among so many images some are chance"
        )
    width = max(map(len, next_steps))
    print("\nWhere to look next:")
    for words, purpose in next_steps.items():
        print(f"  {program()} {words:{width}}   {purpose}")


def _print_moved(added: Added, study: Path) -> None:
    if added.moved == 1:
        print("1 file was moved: it is listed under its new path")
    elif added.moved:
        print(f"{added.moved:,} files were moved: they are listed under their new paths")
    if added.gone:
        count = "1 file is" if added.gone == 1 else f"{added.gone:,} files are"
        print(f"{count} no longer there, and {'stays' if added.gone == 1 else 'stay'} in the study: ", end="")
        print(
            f"{program()} remove {quote(str(study))} --missing removes {'it' if added.gone == 1 else 'them'}"
        )


def print_hits(image: Path, hits: Sequence[Hit]) -> None:
    """One line for each copy that was found."""
    print(f"{image}: {f'{len(hits)} found' if hits else 'no copy found'}")
    for hit in hits:
        print(
            f"  score {hit.score:7.1f}  {hit.nb_match_ransac:4} inliers  "
            f"{100 * hit.query_coverage:3.0f} % of it in {100 * hit.result_coverage:3.0f} % of  "
            f"{hit.path}{'' if hit.variant == 'plain' else f'  ({hit.variant})'}"
        )


def hits_as_json(found: Sequence[tuple[Path, Sequence[Hit]]]) -> str:
    """A list of objects with `image` and `hits`."""
    return json.dumps(
        [{"image": str(image), "hits": [asdict(hit) for hit in hits]} for image, hits in found],
        ensure_ascii=False,
        indent=2,
    )


def evaluation_of(truth: Path, study: Study, *, copies_only: bool = False) -> Evaluation:
    """How good the clusters and all links of a study are, or its links of type copy."""
    import pyarrow as pa
    import pyarrow.compute as pc

    links, clusters = study.links(), study.cluster_table()
    if copies_only:
        links = links.filter(pc.equal(links.column("type"), pa.scalar("copy")))
    return evaluate(
        truth,
        zip(_texts(links, "query_path"), _texts(links, "result_path"), strict=True),
        dict(zip(_texts(clusters, "path"), _texts(clusters, "cluster_id"), strict=True)),
    )


def _texts(table: pa.Table, column: str) -> list[str]:
    return [str(value) for value in table.column(column).to_pylist()]


def evaluation_as_json(evaluation: Evaluation) -> str:
    """An object with the fields of `Evaluation`."""
    return json.dumps(asdict(evaluation), indent=2)


def print_evaluation(evaluation: Evaluation) -> None:
    """The measures, then the recall of each kind of change, the worst first."""
    print(f"{evaluation.mean_recall:6.1%} of the copies are linked to their original (mean of the changes)")
    print(
        f"{evaluation.edge_precision:6.1%} of {evaluation.edges:,} links are between copies of one original"
    )
    print(f"{evaluation.bcubed_precision:6.1%} B-cubed precision of the clusters")
    print(f"{evaluation.bcubed_recall:6.1%} B-cubed recall of the clusters")
    print(f"{evaluation.distractors_clustered:6.1%} of the images that are no copy are in a cluster")
    print("\nCopies linked to their original, by kind of change:")
    for change, recall in sorted(evaluation.recall.items(), key=lambda pair: (pair[1], pair[0])):
        print(f"{recall:6.1%}  {change}")
