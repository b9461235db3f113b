"""The algorithms of grouping side by side.

    python benchmarks/algorithms.py CORPUS

CORPUS is a folder made by make_corpus.py or make_hard.py. Each algorithm is run in two ways: on images, joined by all
links, and as pimmi does, on the parts of images, joined by the links that show a copy.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from candidate_pairs import Pairs, find_pairs
from hard import Hardness, judge
from pimmi.errors import PimmiError
from pimmi.grouping.communities import connected_components, leiden, louvain
from pimmi.grouping.evidence import Evidence
from pimmi.grouping.groups import find_groups
from pimmi.matching.match import compile_all
from pimmi.settings import Settings

RESOLUTIONS = (0.02, 0.05, 0.2)
CHOICES = [("components", 0.0)] + [(name, value) for name in ("louvain", "leiden") for value in RESOLUTIONS]

Labels = NDArray[np.int64]


def labels_of_images(evidence: Evidence, *, algorithm: str, resolution: float) -> Labels:
    """int64 (n,): communities of the images, joined by all links that are sure enough."""
    sure = ~evidence.weak
    ends, nodes = (evidence.queries[sure], evidence.results[sure]), evidence.images
    if algorithm == "components":
        return connected_components(*ends, nodes=nodes)
    method = {"louvain": louvain, "leiden": leiden}[algorithm]
    return method(*ends, evidence.weights[sure], nodes=nodes, resolution=resolution)


def judged(pairs: Pairs, labels: Labels) -> Hardness:
    """What the truth says of clusters; those of one image are none."""
    several = np.bincount(labels)[labels] > 1
    clusters = {
        name: str(label) for name, label, kept in zip(pairs.names, labels, several, strict=True) if kept
    }
    return judge(pairs.truth, [], clusters)


def rows(pairs: Pairs, *, settings: Settings) -> Iterator[str]:
    """A table in Markdown."""
    evidence = pairs.evidence(settings.matching)
    yield (
        "| Joined | Algorithm | Resolution | B-cubed precision | B-cubed recall | B-cubed F1 "
        "| distractors in a cluster | clusters | clusters with two families |"
    )
    yield "| --- " * 9 + "|"
    for joined in ("images, by all links", "parts, by copies"):
        for algorithm, resolution in CHOICES:
            if joined.startswith("images"):
                labels = labels_of_images(evidence, algorithm=algorithm, resolution=resolution)
            else:
                labels = find_groups(evidence, algorithm=algorithm, resolution=resolution).clusters
            found = judged(pairs, labels)
            shown = "" if algorithm == "components" else f"{resolution:g}"
            yield (
                f"| {joined} | {algorithm} | {shown} | {found.bcubed_precision:.3f} | {found.bcubed_recall:.3f} "
                f"| {found.bcubed_f1:.3f} | {found.distractors_clustered} | {found.clusters} | {found.mixed_clusters} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="The algorithms of grouping side by side.")
    parser.add_argument("corpus", type=Path, help="folder made by make_corpus.py or make_hard.py")
    arguments = parser.parse_args()
    settings = Settings()
    compile_all()
    try:
        pairs = find_pairs(arguments.corpus, settings=settings)
    except PimmiError as error:
        sys.exit(str(error))
    print(*rows(pairs, settings=settings), sep="\n")


if __name__ == "__main__":
    main()
