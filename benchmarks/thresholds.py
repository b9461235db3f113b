"""What the thresholds of links and of grouping cost and gain, as a plot and as tables.

    python benchmarks/thresholds.py CORPUS --hard FRAMES MEMES SURFACES COMPOSITES -o PLOT.png

CORPUS is a folder made by make_corpus.py, the others are made by make_hard.py. For each measure of the pixels, and for
the confidence that is made of them all: what remains of the candidate pairs from each threshold on. For each constant
of grouping: the clusters that come of other values, with the others as they are.
"""

import argparse
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from candidate_pairs import Pairs, find_pairs
from pimmi.errors import PimmiError
from pimmi.evaluation import evaluate
from pimmi.grouping import sharing
from pimmi.grouping.groups import find_groups
from pimmi.matching.match import compile_all
from pimmi.settings import Settings

CONSTANTS: Mapping[str, tuple[float, ...]] = {
    "CONTENT_AGREEMENT": (0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 1.0),
    "WHOLE": (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
    "PARTIAL": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "resolution": (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5),
}
"""Values to try; a name in capitals is one of `pimmi.grouping.sharing`."""
LEGENDS = {
    "CONTENT_AGREEMENT": "share of the content\nthat must agree",
    "WHOLE": "agreement of links\nthat make families",
    "PARTIAL": "agreement below which\na link is partial",
    "resolution": "resolution",
}
TABLE_THRESHOLDS = tuple(step / 10 for step in range(10))
PLOT_THRESHOLDS = tuple(step / 100 for step in range(100))
RECALL, PRECISION, IN_USE = "#1f77b4", "#d62728", "#999999"
COLOURS = ("#000000", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#17becf")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus and its candidate pairs; `images` is how many the truth knows."""

    name: str
    pairs: Pairs

    @property
    def images(self) -> int:
        return len(self.pairs.truth)

    @property
    def has_families(self) -> bool:
        return any(image.origins for image in self.pairs.truth.values())


@dataclass(frozen=True, slots=True)
class Remaining:
    """What remains of the candidate pairs from each of some thresholds on: float64 (thresholds,) each."""

    recall: Floats
    precision: Floats
    false_per_1000: Floats


@dataclass(frozen=True, slots=True)
class Clustering:
    """What B-cubed says of the clusters that a value of a constant makes, and how many distractors are in one."""

    precision: float
    recall: float
    f1: float
    distractors: float


def measured(pairs: Pairs) -> dict[str, Floats]:
    """What links are judged by, float64 (m,) each, from 0 to 1."""
    agree, conflict = pairs.pixels[:, 0], pairs.pixels[:, 1]
    return {
        "correlation": pairs.pixels[:, 4],
        "agreement": agree / np.maximum(agree + conflict, 1),
        "overlap": pairs.areas.max(axis=1, initial=0.0),
        "confidence": pairs.confidence,
    }


def remaining(corpus: Corpus, values: Floats, thresholds: Sequence[float]) -> Remaining:
    """What is left of the pairs whose value is at least the threshold."""
    truth, pairs = corpus.pairs.truth, corpus.pairs
    named = pairs.by_name(np.arange(len(pairs)))
    true = np.array([bool(truth[one].origins & truth[other].origins) for one, other in named], bool)
    counts, right = (_at_least(values[kept], thresholds) for kept in (np.ones(len(values), bool), true))
    return Remaining(
        _mean_recall(corpus, values, thresholds),
        right / np.maximum(counts, 1),
        1000 * (counts - right) / corpus.images,
    )


def _at_least(values: Floats, thresholds: Sequence[float]) -> Floats:
    """How many values there are from each threshold on."""
    ordered = np.sort(values)
    return (len(ordered) - np.searchsorted(ordered, thresholds)).astype(np.float64)


def _mean_recall(corpus: Corpus, values: Floats, thresholds: Sequence[float]) -> Floats:
    """As `pimmi.evaluation.evaluate` has it: of each family the copies that are linked to their original."""
    truth, pairs = corpus.pairs.truth, corpus.pairs
    value_of = dict(
        zip((frozenset(pair) for pair in pairs.by_name(np.arange(len(pairs)))), values, strict=True)
    )
    originals = {
        origin: name for name, image in truth.items() if image.kind == "original" for origin in image.origins
    }
    found: dict[str, list[float]] = {}
    for name, image in truth.items():
        if image.kind == "copy":
            found.setdefault(image.attack, []).extend(
                value_of.get(frozenset((name, originals[origin])), -np.inf)
                for origin in image.origins & originals.keys()
            )
    shares = [_at_least(np.array(family), thresholds) / len(family) for family in found.values() if family]
    return np.mean(shares, axis=0) if shares else np.zeros(len(thresholds))


def clustering(corpus: Corpus, *, constant: str, value: float, settings: Settings) -> Clustering:
    """The clusters that come of a value of one of CONSTANTS."""
    evidence = corpus.pairs.evidence(settings.matching)
    algorithm, resolution = settings.grouping.algorithm, settings.grouping.resolution
    if constant == "resolution":
        groups = find_groups(evidence, algorithm=algorithm, resolution=value)
    else:
        with patch.object(sharing, constant, value):
            groups = find_groups(evidence, algorithm=algorithm, resolution=resolution)
    several = np.bincount(groups.clusters)[groups.clusters] > 1
    labels = {
        name: int(label)
        for name, label, kept in zip(corpus.pairs.names, groups.clusters, several, strict=True)
        if kept
    }
    found = evaluate(corpus.pairs.truth, [], labels)
    distractors = sum(image.kind == "distractor" for image in corpus.pairs.truth.values())
    return Clustering(
        found.bcubed_precision,
        found.bcubed_recall,
        found.bcubed_f1,
        found.distractors_clustered * distractors,
    )


def clusterings(corpora: Sequence[Corpus], *, settings: Settings) -> dict[str, dict[str, list[Clustering]]]:
    """Of each constant, for each corpus, what comes of each of its values."""
    return {
        constant: {
            corpus.name: [
                clustering(corpus, constant=constant, value=value, settings=settings) for value in values
            ]
            for corpus in corpora
        }
        for constant, values in CONSTANTS.items()
    }


def in_use(settings: Settings) -> dict[str, float]:
    """The values of all thresholds and constants that have one."""
    constants = {name: float(getattr(sharing, name)) for name in CONSTANTS if name != "resolution"}
    return {
        "confidence": settings.matching.confidence_among(1),
        "resolution": settings.grouping.resolution,
    } | constants


def tables(
    corpora: Sequence[Corpus], found: Mapping[str, Mapping[str, Sequence[Clustering]]], *, settings: Settings
) -> Iterator[str]:
    """All figures, a line for each threshold of a measure and for each value of a constant."""
    first, hard = corpora[0], corpora[1:]
    for name, values in measured(first.pairs).items():
        yield f"{name:20s}{'mean recall':>14s}{'edge precision':>16s}" + "".join(
            f"{corpus.name + ', false':>20s}" for corpus in corpora
        )
        rows = [remaining(first, values, TABLE_THRESHOLDS)]
        rows += [remaining(corpus, measured(corpus.pairs)[name], TABLE_THRESHOLDS) for corpus in hard]
        for place, threshold in enumerate(TABLE_THRESHOLDS):
            yield f"{threshold:20.2f}{rows[0].recall[place]:14.4f}{rows[0].precision[place]:16.4f}" + "".join(
                f"{row.false_per_1000[place]:20.1f}" for row in rows
            )
        yield ""
    yield "false: links between images that show no common original, for 1,000 images"
    yield ""
    current = in_use(settings)
    for constant, by_corpus in found.items():
        yield f"{constant:20s}" + "".join(f"{corpus.name:>30s}" for corpus in corpora)
        yield " " * 20 + f"{'B3 P':>10s}{'B3 R':>8s}{'distr.':>12s}" * len(corpora)
        for place, value in enumerate(CONSTANTS[constant]):
            mark = " *" if value == current[constant] else ""
            yield f"{f'{value:g}{mark}':20s}" + "".join(
                f"{by_corpus[corpus.name][place].precision:10.4f}{by_corpus[corpus.name][place].recall:8.4f}"
                f"{by_corpus[corpus.name][place].distractors:12.0f}"
                for corpus in corpora
            )
        yield ""
    yield "distr.: distractors in a cluster;  *: the value in use"


def plot(
    corpora: Sequence[Corpus], found: Mapping[str, Mapping[str, Sequence[Clustering]]], *, settings: Settings
) -> Figure:
    """Small multiples: the measures above, the constants below."""
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure = Figure(figsize=(9, 9.6), layout="constrained")
    halves = figure.add_gridspec(2, 1)
    above, below = (figure.add_subfigure(halves[place]) for place in range(2))
    above.suptitle(
        "Links: what remains of the candidate pairs from a threshold on", x=0.01, ha="left", weight="bold"
    )
    below.suptitle("Clusters: what other values of a constant make", x=0.01, ha="left", weight="bold")
    current = in_use(settings)
    colours = dict(zip((corpus.name for corpus in corpora), COLOURS, strict=False))
    panels: NDArray[np.object_] = above.subplots(2, 4, sharex="col", sharey="row")
    for column, name in enumerate(measured(corpora[0].pairs)):
        shares, false = panels[:, column]
        _draw_measure(name, corpora, shares=shares, false=false, colours=colours)
        if name in current:
            for axes in (shares, false):
                axes.axvline(current[name], color=IN_USE, linestyle=":", zorder=0)
    panels[0, 0].set_ylim(0.4, 1.01)
    panels[0, 0].set_ylabel(corpora[0].name)
    panels[0, 0].legend(frameon=False, loc="lower center", handlelength=1)
    panels[1, 0].set_ylabel("false links\nfor 1,000 images")
    grouped = [corpus for corpus in corpora if corpus.has_families]
    panels = below.subplots(2, 4, sharex="col", sharey="row")
    for column, (constant, by_corpus) in enumerate(found.items()):
        for axes, share in zip(panels[:, column], ("precision", "recall"), strict=True):
            for corpus in grouped:
                shares_of = [getattr(clusters, share) for clusters in by_corpus[corpus.name]]
                axes.plot(CONSTANTS[constant], shares_of, ".-", color=colours[corpus.name], linewidth=1.3)
            axes.axvline(current[constant], color=IN_USE, linestyle=":", zorder=0)
        if constant == "resolution":
            panels[1, column].set_xscale("log")
        panels[1, column].set_xlabel(LEGENDS[constant])
    for row, share in enumerate(("precision", "recall")):
        panels[row, 0].set_ylabel(f"B-cubed {share}")
        panels[row, 0].set_ylim(0.78, 1.01)
    handles = [mpl.lines.Line2D([], [], color=colour, label=name) for name, colour in colours.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def _draw_measure(
    name: str, corpora: Sequence[Corpus], *, shares: Axes, false: Axes, colours: Mapping[str, str]
) -> None:
    for corpus in corpora:
        rest = remaining(corpus, measured(corpus.pairs)[name], PLOT_THRESHOLDS)
        false.plot(PLOT_THRESHOLDS, rest.false_per_1000, color=colours[corpus.name], linewidth=1.3)
        if corpus is corpora[0]:
            shares.plot(PLOT_THRESHOLDS, rest.recall, color=RECALL, label="mean recall")
            shares.plot(PLOT_THRESHOLDS, rest.precision, color=PRECISION, label="edge precision")
    false.set_yscale("symlog", linthresh=1)
    false.set_xlabel(name)


def save(figure: Figure, path: Path) -> None:
    """A PNG of few colours."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100)
    Image.open(drawn).convert("RGB").quantize(48).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="What the thresholds of links and of grouping cost and gain."
    )
    parser.add_argument("corpus", type=Path, help="folder made by make_corpus.py")
    parser.add_argument("--hard", type=Path, nargs="+", default=[], help="folders made by make_hard.py")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the plot, a PNG")
    arguments = parser.parse_args()
    settings = Settings()
    compile_all()
    try:
        corpora = [
            Corpus(folder.absolute().name, find_pairs(folder, settings=settings))
            for folder in (arguments.corpus, *arguments.hard)
        ]
    except PimmiError as error:
        sys.exit(str(error))
    found = clusterings(corpora, settings=settings)
    print(*tables(corpora, found, settings=settings), sep="\n")
    save(plot(corpora, found, settings=settings), arguments.output)


if __name__ == "__main__":
    main()
