"""Run pimmi on a corpus of hard negatives or hard groups, and count what it takes for copies that are none.

    python benchmarks/hard.py CORPUS --workers 2 --json RESULT.json

CORPUS is a folder made by make_hard.py; any corpus with a truth.csv will do.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pimmi.errors import PimmiError
from pimmi.evaluation import Truth, evaluate, read_truth
from run import PIMMI, export

Links = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Hardness:
    """What went wrong in one run.

    Attributes:
        images: images of the corpus.
        links: links of type copy between two of them.
        false_links_per_1000: those between two images that show no common original, for 1000 images.
        wrongly_clustered: images in a cluster whose family they don't belong to. The family of a cluster is
            that which most of its images show, if two or more do; else all its images are in a wrong one.
        distractors_clustered: how many of these are distractors.
        clusters: clusters of two or more images.
        mixed_clusters: clusters that hold images of two families, composites left out.
        bcubed_precision, bcubed_recall, bcubed_f1: see `pimmi.evaluation.Evaluation`; 0 without families.
        recall: share of copies linked to their original, for each family of change.
        composites: images that show two originals or more.
        composites_linked_to_all: share of them that are linked to an image of each original, itself no
            composite.
    """

    images: int
    links: int
    false_links_per_1000: float
    wrongly_clustered: int
    distractors_clustered: int
    clusters: int
    mixed_clusters: int
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    recall: dict[str, float]
    composites: int
    composites_linked_to_all: float

    def table(self) -> str:
        """All figures, one a line."""
        lines = [
            f"{'images':44s}{self.images:9d}",
            f"{'links':44s}{self.links:9d}",
            f"{'links between unrelated images, for 1000':44s}{self.false_links_per_1000:9.2f}",
            f"{'images in a wrong cluster':44s}{self.wrongly_clustered:9d}",
            f"{'  of which distractors':44s}{self.distractors_clustered:9d}",
            f"{'clusters':44s}{self.clusters:9d}",
            f"{'  that hold two families':44s}{self.mixed_clusters:9d}",
            f"{'B-cubed precision':44s}{self.bcubed_precision:9.3f}",
            f"{'B-cubed recall':44s}{self.bcubed_recall:9.3f}",
            f"{'B-cubed F1':44s}{self.bcubed_f1:9.3f}",
            f"{'composites':44s}{self.composites:9d}",
            f"{'  linked to all that they show':44s}{self.composites_linked_to_all:9.3f}",
            *(f"{f'recall, {attack}':44s}{recall:9.3f}" for attack, recall in self.recall.items()),
        ]
        return "\n".join(lines)


def judge(truth: Truth, links: Links, clusters: Mapping[str, str]) -> Hardness:
    """Compare links (pairs of file names) and clusters (file name to cluster id) with the truth."""
    evaluation = evaluate(truth, links, clusters)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for name, cluster in clusters.items():
        members[cluster].append(name)
    wrong = [name for names in members.values() for name in _misplaced(names, truth=truth)]
    composites = [name for name, image in truth.items() if image.is_composite]
    return Hardness(
        images=len(truth),
        links=evaluation.edges,
        false_links_per_1000=1000 * round(evaluation.edges * (1 - evaluation.edge_precision)) / len(truth),
        wrongly_clustered=len(wrong),
        distractors_clustered=sum(truth[name].kind == "distractor" for name in wrong),
        clusters=len(members),
        mixed_clusters=sum(_families(names, truth=truth) > 1 for names in members.values()),
        bcubed_precision=evaluation.bcubed_precision,
        bcubed_recall=evaluation.bcubed_recall,
        bcubed_f1=evaluation.bcubed_f1,
        recall=evaluation.recall,
        composites=len(composites),
        composites_linked_to_all=_linked_to_all(composites, links, truth=truth) / max(1, len(composites)),
    )


def _misplaced(names: Sequence[str], *, truth: Truth) -> list[str]:
    """Images of one cluster that don't belong to its family."""
    shown = Counter(origin for name in names for origin in truth[name].origins)
    most = max(shown.values(), default=0)
    if most < 2:
        return list(names)
    family = min(origin for origin, times in shown.items() if times == most)
    return [name for name in names if family not in truth[name].origins]


def _families(names: Sequence[str], *, truth: Truth) -> int:
    """How many families a cluster holds images of."""
    return len({origin for name in names if not truth[name].is_composite for origin in truth[name].origins})


def _linked_to_all(composites: Sequence[str], links: Links, *, truth: Truth) -> int:
    """How many composites are linked to an image of each original that they show."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for pair in links:
        for one, other in (pair, pair[::-1]):
            if not truth[other].is_composite:
                found[one] |= truth[other].origins
    return sum(truth[name].origins <= found[name] for name in composites)


def run(corpus: Path, *, study: Path, workers: int, preset: str) -> Hardness:
    """Make a study of the corpus and judge it.

    Raises:
        PimmiError: if the truth can't be read.
        subprocess.CalledProcessError: if pimmi fails.
    """
    truth = read_truth(corpus / "truth.csv")
    command = [PIMMI, "run", str(corpus / "images"), str(study), "--quiet"]
    subprocess.run([*command, "--workers", str(workers), "--preset", preset], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        links = export(study, table="links", output=Path(scratch) / "links.csv")
        clusters = export(study, table="clusters", output=Path(scratch) / "clusters.csv")
    return judge(
        truth,
        [(row["query_path"], row["result_path"]) for row in links if row["type"] == "copy"],
        {row["path"]: row["cluster_id"] for row in clusters},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What pimmi takes for copies that are none.")
    parser.add_argument("corpus", type=Path, help="folder made by make_hard.py")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--study", type=Path, help="where to keep the study; by default it is thrown away")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        study = arguments.study or Path(scratch) / "study"
        try:
            hardness = run(arguments.corpus, study=study, workers=arguments.workers, preset=arguments.preset)
        except (PimmiError, subprocess.CalledProcessError) as error:
            sys.exit(str(error))
    print(hardness.table())
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(hardness), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
