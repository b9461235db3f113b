"""Fit the trees by which pimmi.matching.confidence judges a link, on corpora with known copies.

    python benchmarks/fit_confidence.py --copies CORPUS STUDY --strangers CORPUS STUDY --surfaces CORPUS STUDY \
        -o src/pimmi/matching/confidence.npz

CORPUS is a folder with a truth.csv, STUDY a study of its images; each option can be given several times, with studies
of several presets. Those for --copies are made by make_corpus.py, for --strangers by scale.py (they have a sources.csv
as well), and for --surfaces by make_hard.py surfaces. Prints how many wrong links are left at some shares of the
copies, each judged by trees that were fitted without the originals of its pair.

Learnt from are the links that are looked at twice and whose truth is certain. Copies: pairs of a corpus that show a
common original. Others: pairs of it that don't; pairs of strangers; and the patterns of surfaces, which agree though
no two pictures are copies. Where one of a pair shows what pictures can share without being copies (lettering, emoji,
an app's frame, another picture), only those count that differ in most places: on the others pimmi is to see what they
share.

Not all strangers are. Of a collection in which no picture comes twice (--distinct) all pairs count. Of one whose
pictures share parts (--sharing), such as logos, no pair in it does; of others those that agree in most places don't,
nor do those of the table --undecided (columns first and second: names of files).
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold

import pimmi
from pimmi.demo.families import FAMILIES
from pimmi.errors import PimmiError
from pimmi.evaluation import TrueImage, Truth, read_truth
from pimmi.index.codebook import load_codebook
from pimmi.matching.confidence import DIRECTIONS, measures
from pimmi.matching.match import compile_all, find_candidates
from pimmi.matching.promise import may_be_copies
from pimmi.matching.trees import Trees
from pimmi.pipeline.comparing import image_block
from pimmi.study.files import read_files
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values as column
from pimmi.study.shards import read_shard
from pimmi.workers.cores import default_workers

ALIKE_CORRELATION = 0.6
ALIKE_AGREEMENT = 0.9
ALIKE_SCORE = 30.0
PATTERN_AGREEMENT = 0.7
ADDING = {"text_over", "emoji_two", "meme_caption", "screenshot", "border", "chain_3", "chain_5"} | {
    family.name for family in FAMILIES if family.is_composite
}
"""Families whose copies show something that isn't of the original."""
SHARING_AGREEMENT = 0.4
"""Share of the windows under which two pictures that may share something differ in most places."""
COPIES_OF_COPIES = 1.5
"""Pairs of two copies of an original that are learnt from, for each pair of an original and its copy."""
PAIRS_OF_PATTERNS = 6000
WEIGHTS = {
    "copies": 1.0,
    "different": 2.0,
    "sharing": 0.3,
    "strangers": 1.0,
    "distinct": 0.5,
    "surfaces": 4.0,
}
"""Of a pair, by where it is from: there are far more strangers than others, and most are of few collections."""
TREES = 200
LEARNING_RATE = 0.1
L2 = 1.0
FOLDS = 4
SHARES = (0.9, 0.93, 0.95, 0.97, 0.98)

Floats = NDArray[np.float64]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The links of a study that are looked at twice.

    `pairs` are names of files; `values` float64 (m, measures), in the order of MEASURES; `agreement` float64 (m,),
    share of the windows that agree or conflict which agree; `alike` bool (m,), the pairs whose points and pixels agree
    in most places.
    """

    corpus: Path
    truth: Truth
    pairs: list[Pair]
    values: Floats
    agreement: Floats
    alike: NDArray[np.bool_]

    @classmethod
    def of(cls, corpus: Path, study: Path) -> "Candidates":
        settings = pimmi.open(study).settings.matching
        codebook = load_codebook(settings.codebook)
        folder = StudyFolder(study)
        files = read_files(folder)
        names = dict(zip(column(files, "image_id"), column(files, "path"), strict=True))
        blocks = [image_block(read_shard(folder.shard(n)), settings=settings) for n in folder.shard_numbers()]
        pairs: list[Pair] = []
        values, agreement, alike = [], [], []
        for one, other in combinations_with_replacement(blocks, 2):
            second = None if one is other else other
            ids = one.ids if second is None else [*one.ids, *second.ids]
            for found in find_candidates(one, second, settings=settings, codebook=codebook):
                kept = may_be_copies(found.links, found.pixels, found.areas)
                links, pixels, areas = found.links[kept], found.pixels[kept], found.areas[kept]
                rows = found.rows[kept].tolist()
                pairs += [(names[ids[query]], names[ids[result]]) for query, result in rows]
                values.append(measures(links, pixels, areas))
                agreement.append(pixels[:, 0] / np.maximum(pixels[:, 0] + pixels[:, 1], 1))
                similar = (pixels[:, 4] > ALIKE_CORRELATION) & (agreement[-1] > ALIKE_AGREEMENT)
                alike.append(similar & (links[:, 3] >= ALIKE_SCORE))
        return cls(
            corpus,
            read_truth(corpus / "truth.csv"),
            pairs,
            np.concatenate(values),
            np.concatenate(agreement),
            np.concatenate(alike),
        )


@dataclass(frozen=True, slots=True)
class Examples:
    """Pairs to learn from: m of them.

    `values` float64 (m, measures); `kinds` names where each pair is from, a key of WEIGHTS; `groups` names what pairs
    must not be judged by trees that have seen each other: an original, or a picture.
    """

    values: Floats
    kinds: NDArray[np.str_]
    groups: NDArray[np.str_]

    @classmethod
    def of(cls, found: Candidates, kinds: list[str]) -> "Examples":
        """Those of the pairs that have a kind; it is empty for others."""
        kept = np.array([kind != "" for kind in kinds], bool)
        groups = [
            min(found.truth[query].origins & found.truth[result].origins, default=min(query, result))
            for query, result in found.pairs
        ]
        return cls(found.values[kept], np.array(kinds)[kept], np.array(groups)[kept])

    @classmethod
    def together(cls, parts: list["Examples"]) -> "Examples":
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.kinds for part in parts]),
            np.concatenate([part.groups for part in parts]),
        )

    @property
    def copies(self) -> NDArray[np.bool_]:
        copies: NDArray[np.bool_] = self.kinds == "copies"
        return copies

    @property
    def weights(self) -> Floats:
        return np.array([WEIGHTS[kind] for kind in self.kinds])


def kind_of(one: TrueImage, other: TrueImage, agreement: float) -> str:
    """Where a pair of a corpus of copies is from, "" where its truth isn't certain enough."""
    if one.origins & other.origins:
        return "copies" if {one.kind, other.kind} == {"original", "copy"} else "copies of one"
    if {one.attack, other.attack} & ADDING or one.is_composite or other.is_composite:
        return "sharing" if agreement < SHARING_AGREEMENT else ""
    return "different"


def known_copies(found: Candidates) -> Examples:
    """The pairs of a corpus of copies; of two copies of one original so many as COPIES_OF_COPIES says."""
    kinds = np.array(
        [
            kind_of(found.truth[one], found.truth[other], agreement)
            for (one, other), agreement in zip(found.pairs, found.agreement.tolist(), strict=True)
        ]
    )
    both = np.flatnonzero(kinds == "copies of one")
    drawn = np.random.default_rng(0).permutation(both)
    count = round(COPIES_OF_COPIES * (kinds == "copies").sum())
    kinds[drawn[:count]], kinds[drawn[count:]] = "copies", ""
    return Examples.of(found, kinds.tolist())


def patterns(found: Candidates) -> Examples:
    """The pairs of surfaces that agree in most places, PAIRS_OF_PATTERNS at most."""
    rows = np.random.default_rng(0).permutation(np.flatnonzero(found.agreement > PATTERN_AGREEMENT))
    kinds = np.full(len(found.pairs), "", dtype="<U10")
    kinds[rows[:PAIRS_OF_PATTERNS]] = "surfaces"
    return Examples.of(found, kinds.tolist())


def strangers(found: Candidates, *, distinct: set[str], sharing: set[str], undecided: set[Pair]) -> Examples:
    """The pairs of distractors that show two things; the arguments name collections, and pairs in both orders."""
    with (found.corpus / "sources.csv").open(newline="") as file:
        pools = {row["path"]: row["pool"] for row in csv.DictReader(file)}
    kinds = []
    for pair, alike in zip(found.pairs, found.alike.tolist(), strict=True):
        unknown = pair in undecided or any(found.truth[name].kind != "distractor" for name in pair)
        one, other = (pools.get(name) for name in pair)
        if unknown or (one == other and one in sharing):
            kinds.append("")
        elif one == other and one in distinct:
            kinds.append("distinct")
        else:
            kinds.append("" if alike and one == other else "strangers")
    return Examples.of(found, kinds)


def fitted(examples: Examples) -> HistGradientBoostingClassifier:
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=LEARNING_RATE,
        early_stopping=False,
        l2_regularization=L2,
        monotonic_cst=DIRECTIONS,
        random_state=0,
    )
    return model.fit(examples.values, examples.copies, sample_weight=examples.weights)


def trees_of(model: HistGradientBoostingClassifier) -> Trees:
    """The trees of a fitted model, which keeps them in private parts of scikit-learn."""
    features, limits, following, roots = [], [], [], [0]
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        features.append(np.where(leaf, -1, nodes["feature_idx"]))
        limits.append(np.where(leaf, nodes["value"], nodes["num_threshold"]))
        following.append(np.stack([nodes["left"], nodes["right"]], axis=1) + roots[-1])
        roots.append(roots[-1] + len(nodes))
    return Trees(
        features=np.concatenate(features).astype(np.int16),
        limits=np.concatenate(limits).astype(np.float64),
        following=np.concatenate(following).astype(np.int32),
        roots=np.array(roots[:-1], np.int32),
        bias=np.ravel(model._baseline_prediction).astype(np.float64),
    )


def held_out(examples: Examples) -> Floats:
    """The confidence of each pair, by trees fitted without its group."""
    sure = np.empty(len(examples.kinds))
    for learnt, judged in GroupKFold(FOLDS).split(examples.values, groups=examples.groups):
        part = Examples(examples.values[learnt], examples.kinds[learnt], examples.groups[learnt])
        sure[judged] = fitted(part).predict_proba(examples.values[judged])[:, 1]
    return sure


def table(sure: Floats, kinds: NDArray[np.str_]) -> Iterator[str]:
    """A line for each share of the copies: the confidence that leaves it, and how many other pairs have it too."""
    others = sorted(set(kinds.tolist()) - {"copies"})
    yield f"{'copies':>8s}{'confidence':>12s}" + "".join(f"{kind:>12s}" for kind in others)
    for share in SHARES:
        limit = np.quantile(sure[kinds == "copies"], 1 - share)
        left = "".join(f"{((kinds == kind) & (sure >= limit)).sum():12d}" for kind in others)
        yield f"{share:8.3f}{limit:12.3f}" + left


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the trees of pimmi.matching.confidence.")
    for option in ("copies", "strangers", "surfaces"):
        parser.add_argument(
            f"--{option}",
            nargs=2,
            type=Path,
            action="append",
            default=[],
            required=option == "copies",
            metavar=("CORPUS", "STUDY"),
        )
    parser.add_argument(
        "--distinct", nargs="*", default=[], metavar="POOL", help="in which no picture comes twice"
    )
    parser.add_argument("--sharing", nargs="*", default=[], metavar="POOL", help="whose pictures share parts")
    parser.add_argument("--undecided", type=Path, metavar="CSV", help="pairs that aren't learnt from")
    parser.add_argument("-o", "--output", type=Path, required=True, help="where to write the trees")
    arguments = parser.parse_args()
    try:
        compile_all()
        undecided: set[Pair] = set()
        if arguments.undecided:
            with arguments.undecided.open(newline="") as file:
                rows = [(row["first"], row["second"]) for row in csv.DictReader(file)]
            undecided = {pair for first, second in rows for pair in ((first, second), (second, first))}
        distinct, sharing = set(arguments.distinct), set(arguments.sharing)
        with ProcessPoolExecutor(default_workers()) as pool:
            studies = [*arguments.copies, *arguments.surfaces, *arguments.strangers]
            found = pool.map(Candidates.of, *zip(*studies, strict=True))
            parts = [known_copies(next(found)) for _ in arguments.copies]
            parts += [patterns(next(found)) for _ in arguments.surfaces]
            parts += [
                strangers(next(found), distinct=distinct, sharing=sharing, undecided=undecided)
                for _ in arguments.strangers
            ]
        examples = Examples.together(parts)
        print({kind: int((examples.kinds == kind).sum()) for kind in WEIGHTS})
        print(*table(held_out(examples), examples.kinds), sep="\n", flush=True)
        arguments.output.write_bytes(trees_of(fitted(examples)).packed())
    except PimmiError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
