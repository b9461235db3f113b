"""How good links and clusters are, on a corpus whose copies are known."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from pimmi.errors import PimmiError

TRUTH_COLUMNS = ("path", "origins", "attack", "kind")
KINDS = ("original", "copy", "distractor")


@dataclass(frozen=True, kw_only=True)
class TrueImage:
    """What is known of one image.

    `origins` are the ids of the originals that it shows: itself for an original, none for a distractor, two
    or more for a composite. `attack` names the family of change of a copy. `kind` is one of `KINDS`.
    """

    origins: frozenset[str]
    attack: str
    kind: str

    @property
    def is_composite(self) -> bool:
        """Whether it shows several originals."""
        return len(self.origins) > 1


Truth = Mapping[str, TrueImage]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The measures of one run. All are shares from 0 to 1 but `edges` and `number_of_distractor_links`.

    A mean over nothing (no link, no copy) is 0.

    Attributes:
        edges: distinct undirected links between two images of the truth.
        edge_precision: share of the links whose two images show a common original.
        number_of_distractor_links: links whose two images are distractors.
        recall: for each family of change, share of its copies that are linked to their original; a composite
            counts once for each of its originals. Copies whose original isn't in the corpus don't count.
        mean_recall: mean of `recall` over the families.
        bcubed_precision, bcubed_recall, bcubed_f1: B-cubed (Bagga & Baldwin 1998) averaged over originals and
            their copies, among originals, copies and distractors; composites are left out.
        distractors_clustered: share of distractors whose cluster holds another image.
        cluster_precision, cluster_recall, cluster_f1: mean over the originals' families of the precision,
            recall and F1 of the cluster that fits the family best (Yang, Pierce & Carbonell 1998), among the
            same images as B-cubed.
    """

    edges: int
    edge_precision: float
    number_of_distractor_links: int
    mean_recall: float
    recall: dict[str, float]
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    distractors_clustered: float
    cluster_precision: float
    cluster_recall: float
    cluster_f1: float


def read_truth(path: Path) -> dict[str, TrueImage]:
    """Read a table of known copies: a CSV with the columns path, origins, attack and kind.

    origins holds ids with ';' between. Images are known by their file's name: folders in path are dropped.

    Raises:
        PimmiError: if there is no such file, it isn't a CSV in UTF-8, a column is missing, a file's name is
            missing or comes twice, or a row contradicts its kind.
    """
    truth: dict[str, TrueImage] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = [column for column in TRUTH_COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                raise PimmiError(f"The truth table {path} lacks the column {missing[0]}: add it.")
            for row in rows:
                name = _file_name(row["path"] or "")
                if not name:
                    raise PimmiError(f"{path}, line {rows.line_num}: path is empty.")
                if name in truth:
                    raise PimmiError(f"The truth table {path} holds the file {name} twice: keep one row.")
                truth[name] = _true_image(row, where=f"{path}, line {rows.line_num}")
    except OSError as error:
        raise PimmiError(f"The truth table {path} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PimmiError(f"The truth table {path} is not a CSV file in UTF-8: {error}.") from error
    return truth


def _file_name(path: str) -> str:
    return PurePath(path).name


def _true_image(row: Mapping[str, str | None], *, where: str) -> TrueImage:
    kind = row["kind"] or ""
    origins = frozenset(filter(None, (row["origins"] or "").split(";")))
    if kind not in KINDS:
        raise PimmiError(f"{where}: kind is {kind!r} but must be one of {', '.join(KINDS)}.")
    if kind == "original" and len(origins) != 1:
        raise PimmiError(f"{where}: an original has one origin, its own id, not {len(origins)}.")
    if kind == "copy" and not origins:
        raise PimmiError(f"{where}: a copy needs at least one origin.")
    if kind == "distractor" and origins:
        raise PimmiError(f"{where}: a distractor has no origin.")
    return TrueImage(origins=origins, attack=row["attack"] or "", kind=kind)


def evaluate(
    truth: Truth | Path, links: Iterable[tuple[str, str]], clusters: Mapping[str, Hashable]
) -> Evaluation:
    """Compare links (pairs of paths) and clusters (path to cluster id) with the truth.

    Images that no cluster holds are left out of `clusters`, and count as clusters of one. Links and clustered
    images that the truth doesn't know are ignored.

    Raises:
        PimmiError: if `truth` is a path and `read_truth` refuses it.
    """
    known = read_truth(truth) if isinstance(truth, Path) else truth
    edges = _edges(links, truth=known)
    recall = _recall(edges, truth=known)
    found = {_file_name(path): cluster for path, cluster in clusters.items()}
    partition = _Partition(truth=known, clusters=found)
    bcubed_precision, bcubed_recall = partition.bcubed()
    cluster_precision, cluster_recall, cluster_f1 = partition.best_matching()
    return Evaluation(
        edges=len(edges),
        edge_precision=_mean(bool(known[one].origins & known[other].origins) for one, other in edges),
        number_of_distractor_links=sum(
            known[one].kind == known[other].kind == "distractor" for one, other in edges
        ),
        mean_recall=_mean(recall.values()),
        recall=recall,
        bcubed_precision=bcubed_precision,
        bcubed_recall=bcubed_recall,
        bcubed_f1=_f1(bcubed_precision, bcubed_recall),
        distractors_clustered=partition.distractors_clustered(),
        cluster_precision=cluster_precision,
        cluster_recall=cluster_recall,
        cluster_f1=cluster_f1,
    )


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return sum(kept) / len(kept) if kept else 0.0


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _edges(links: Iterable[tuple[str, str]], *, truth: Truth) -> set[tuple[str, str]]:
    """Distinct undirected links between two different known images, as sorted pairs of file names."""
    pairs = (sorted((_file_name(one), _file_name(other))) for one, other in links)
    return {(one, other) for one, other in pairs if one != other and one in truth and other in truth}


def _recall(edges: set[tuple[str, str]], *, truth: Truth) -> dict[str, float]:
    """By family, in alphabetical order."""
    originals = {
        origin: name for name, image in truth.items() if image.kind == "original" for origin in image.origins
    }
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for name, image in truth.items():
        if image.kind != "copy":
            continue
        for origin in image.origins & originals.keys():
            original = originals[origin]
            found[image.attack].append((min(name, original), max(name, original)) in edges)
    return {attack: _mean(found[attack]) for attack in sorted(found)}


class _Partition:
    """Every image but the composites, with its true family and its predicted cluster."""

    def __init__(self, *, truth: Truth, clusters: Mapping[str, Hashable]) -> None:
        self.family: dict[str, Hashable] = {}
        self.cluster: dict[str, Hashable] = {}
        self.distractors: list[str] = []
        for name, image in truth.items():
            if image.is_composite:
                continue
            alone = ("alone", name)
            self.cluster[name] = ("cluster", clusters[name]) if name in clusters else alone
            if image.origins:
                (self.family[name],) = image.origins
            else:
                self.distractors.append(name)
        self.cluster_sizes = Counter(self.cluster.values())
        self.family_sizes = Counter(self.family.values())
        self.common_sizes = Counter((self.family[name], self.cluster[name]) for name in self.family)

    def bcubed(self) -> tuple[float, float]:
        """Mean precision and recall over the images that belong to a family."""
        precisions, recalls = [], []
        for name, family in self.family.items():
            cluster = self.cluster[name]
            common = self.common_sizes[family, cluster]
            precisions.append(common / self.cluster_sizes[cluster])
            recalls.append(common / self.family_sizes[family])
        return _mean(precisions), _mean(recalls)

    def best_matching(self) -> tuple[float, float, float]:
        """Mean precision, recall and F1 over the families; of equal F1, the cluster of better precision."""
        best: dict[Hashable, tuple[float, float, float]] = {}
        for (family, cluster), common in self.common_sizes.items():
            precision = common / self.cluster_sizes[cluster]
            recall = common / self.family_sizes[family]
            fit = (_f1(precision, recall), precision, recall)
            best[family] = max(best.get(family, fit), fit)
        f1s, precisions, recalls = zip(*best.values(), strict=True) if best else ((), (), ())
        return _mean(precisions), _mean(recalls), _mean(f1s)

    def distractors_clustered(self) -> float:
        """Share of distractors whose cluster holds another image."""
        return _mean(self.cluster_sizes[self.cluster[name]] > 1 for name in self.distractors)
